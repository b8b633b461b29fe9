"""Placeholders: large weights are left out while TensorFlow converts a model, and put into the file afterwards.

The converter holds up to thirty copies of each constant: in the frozen graph, in its functions, in the saved model that
it writes and reads again, in MLIR and in the file. A constant of one repeated value takes the memory of that value in
all of them but the last. So each large matrix is frozen as a value of its own, by which its buffer is found in the
file. The converter folds a division of a layer's outputs into its weights, and then the value is the quotient. It does
nothing to tables of integers, so that any byte can stand for them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from tensorflow.python.framework import tensor_util

from albert_converters.tflite import model as tflite_model

#: smaller matrices are frozen as they are
LEAST_BYTES = 1 << 20
#: the distance between two placeholders; sums of it are exact in float32
_STEP = np.float32(2**-8)
#: the rounding errors of a sum in float32, as a share of the sum of its absolute values
_ROUNDING = 1e-6
#: the rows of a matrix that are in float64 at once
_ROWS = 256

#: the types of matrices that have placeholders
_TYPES = ("float32", "int8", "int16")

Matrix = NDArray[np.float32]
#: what the converter may do with a matrix
Folding = Callable[[Matrix], Matrix]


def _foldings(divisor: float) -> tuple[Folding, ...]:
    """The ways in which a division by `divisor` may be folded into a matrix, besides not at all."""
    number = np.float32(divisor)
    inverse = np.float32(1) / number
    return (lambda matrix: matrix, lambda matrix: matrix / number, lambda matrix: matrix * inverse)


class LostWeightsError(Exception):
    """The converter changed the weights of a model in a way that can't be followed; convert it without placeholders."""


@dataclass
class Placeholders:
    """The matrices of one conversion that have placeholders.

    Args:
        divisors: the numbers by which the model may divide the outputs of a layer.
    """

    divisors: tuple[float, ...] = ()
    #: placeholder -> the variable, or the tensor of a constant, whose matrix it stands for
    variables: dict[float, Any] = field(default_factory=dict)
    #: byte, of which a placeholder consists -> the tensor whose integers it stands for
    tables: dict[int, Any] = field(default_factory=dict)
    #: the values of the model's vectors, among them its biases
    vectors: list[Matrix] = field(default_factory=list)

    @contextlib.contextmanager
    def instead_of(self, graph: Any) -> Iterator[None]:
        """Within the block, freezing `graph` takes placeholders for its large matrices, variables and constants."""
        original = tensor_util.make_tensor_proto

        def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None, **options: Any) -> Any:
            if _is_one_value(values):
                values, shape = values.flat[0], values.shape  # one value and a shape make a short message
            return original(values, dtype, shape, **options)

        chosen = [one for one in (*graph.variables, *(given for given, _ in graph.captures)) if _is_large_matrix(one)]
        self.vectors = [one.numpy() for one in graph.variables if len(one.shape) == 1 and one.dtype == np.float32]
        try:
            for variable in chosen:
                placeholder = self._new(variable)
                variable.numpy = lambda value=placeholder, one=variable: np.broadcast_to(value, tuple(one.shape))
            with mock.patch.object(tensor_util, "make_tensor_proto", make_tensor_proto):
                yield
        finally:
            for variable in chosen:
                del variable.numpy

    def fill(self, model: schema.ModelT) -> None:
        """Give the buffers of `model` that hold placeholders the matrices of their variables.

        Where the input of a layer is a sum with a constant vector, the converter multiplies the vector by the matrix,
        and adds the product to the bias. That is done again here with the real matrix.

        Raises:
            LostWeightsError: it is not certain which weights a buffer stands for.
        """
        tables = self._tables(model)
        found = self._matrices(model, besides=tables)
        for graph in model.subgraphs:
            for operator in graph.operators or []:
                inputs = tflite_model.integers(operator.inputs)
                if tflite_model.operator_name(model, operator) != "FULLY_CONNECTED" or len(inputs) < 3:
                    continue
                matrix, bias = (None if index < 0 else graph.tensors[index].buffer for index in inputs[1:3])
                if matrix in found and bias is not None:
                    buffer = model.buffers[bias]
                    buffer.data = self._bias(tflite_model.content(buffer).view(np.float32), *found[matrix])
        for index, (placeholder, folding) in found.items():
            matrix_values = folding(_values(self.variables[placeholder]))
            model.buffers[index].data = matrix_values.reshape(-1).view(np.uint8)
        for index, table in tables.items():
            model.buffers[index].data = _values(table).reshape(-1).view(np.uint8)

    def _tables(self, model: schema.ModelT) -> dict[int, Any]:
        """Index of a buffer that holds a placeholder of integers -> the tensor that it stands for."""
        found: dict[int, Any] = {}
        for index, buffer in enumerate(model.buffers):
            values = tflite_model.content(buffer)
            table = self.tables.get(int(values[0])) if values.size else None
            if table is not None and values.size == _bytes(table) and (values == values[0]).all():
                found[index] = table
        if len(self.tables) > len({id(table) for table in found.values()}):
            raise LostWeightsError("no buffer for a table of integers")
        return found

    def _matrices(self, model: schema.ModelT, besides: Mapping[int, Any]) -> dict[int, tuple[float, Folding]]:
        """Index of a buffer that holds a placeholder -> the placeholder, and what was done to it."""
        sizes = {_bytes(variable) for variable in self.variables.values()}
        found: dict[int, tuple[float, Folding]] = {}
        for index, buffer in enumerate(model.buffers):
            if buffer.data is None or len(buffer.data) not in sizes or index in besides:
                continue
            values = tflite_model.content(buffer).view(np.float32)
            if (values == values[0]).all():
                placeholder, folding = self._origin(values[0])
                found[index] = placeholder, folding
                if _bytes(self.variables[placeholder]) != len(buffer.data):
                    raise LostWeightsError(f"{_name(self.variables[placeholder])} changed its size")
        lost = self.variables.keys() - {placeholder for placeholder, _ in found.values()}
        if lost:
            raise LostWeightsError(f"no buffer for {', '.join(_name(self.variables[one]) for one in lost)}")
        return found

    def _bias(self, given: Matrix, placeholder: float, folding: Folding) -> NDArray[np.uint8]:
        """The bias of a layer, from the bias that the converter made with a placeholder in place of the matrix."""
        variable = self.variables[placeholder]
        outputs, inputs = variable.shape
        results: list[Matrix] = []
        for bias in self._vectors(outputs):
            for addend in (None, *self._vectors(inputs)):
                total = 0.0 if addend is None else placeholder * float(addend.sum(dtype=np.float64))
                size = 0.0 if addend is None else abs(placeholder) * float(np.abs(addend).sum(dtype=np.float64))
                expected = folding((bias + total).astype(np.float32))
                tolerance = _ROUNDING * (size + float(np.abs(bias).max()))
                if addend is None and np.array_equal(given, folding(bias)):
                    results.append(folding(bias))
                elif addend is not None and np.abs(given - expected).max() <= tolerance:
                    results.append(folding(_product(_values(variable), addend, bias)))
        if not results or any(not np.array_equal(one, results[0]) for one in results):
            raise LostWeightsError(f"{len(results)} possible biases beside {_name(variable)}")
        return results[0].view(np.uint8)

    def _vectors(self, size: int) -> list[Matrix]:
        return [vector for vector in self.vectors if len(vector) == size]

    def _new(self, variable: Any) -> Any:
        """A placeholder for `variable`, which is kept.

        Its bytes are all the same for integers. For float32, all foldings make different values of it, if they do so
        for any matrix.
        """
        if variable.dtype != np.float32:
            byte = len(self.tables) + 1
            self.tables[byte] = variable
            return np.full(variable.dtype.size, byte, np.uint8).view(variable.dtype.as_numpy_dtype)[0]
        value = np.float32(max(self.variables, default=1.0)) + _STEP
        while any(not _is_power_of_two(one) and _results(value, one)[1] == _results(value, one)[2]
                  for one in self.divisors):  # fmt: skip
            value += _STEP
        self.variables[float(value)] = variable
        return np.float32(value)

    def _origin(self, found: np.float32) -> tuple[float, Folding]:
        """The placeholder that `found` was made of, and what was done to it."""
        for divisor in (1.0, *self.divisors):
            for placeholder in self.variables:
                for result, folding in zip(_results(np.float32(placeholder), divisor), _foldings(divisor), strict=True):
                    if result == found:
                        return placeholder, folding
        raise LostWeightsError(f"a placeholder became {found}")


def _results(placeholder: np.float32, divisor: float) -> list[np.float32]:
    return [folding(np.array([placeholder], np.float32))[0] for folding in _foldings(divisor)]


def _is_power_of_two(number: float) -> bool:
    return math.frexp(number)[0] == 0.5


def _is_one_value(values: Any) -> bool:
    """Whether an array holds one value only; small arrays that hold their values do not count."""
    if not isinstance(values, np.ndarray) or values.size < 2:
        return False
    return not any(values.strides) or (values.nbytes >= LEAST_BYTES and bool((values == values.flat[0]).all()))


def _is_large_matrix(variable: Any) -> bool:
    return variable.dtype.name in _TYPES and len(variable.shape) == 2 and _bytes(variable) >= LEAST_BYTES


def _bytes(variable: Any) -> int:
    return int(variable.dtype.size * math.prod(variable.shape))


def _name(variable: Any) -> str:
    """The name of a variable; tensors of constants have none."""
    return str(variable.name) if hasattr(variable, "read_value") else f"a constant of the shape {variable.shape}"


def _values(variable: Any) -> Matrix:
    """The values of a variable or tensor, in its own memory; its method `numpy` would copy them."""
    return np.asarray(memoryview(variable.read_value() if hasattr(variable, "read_value") else variable))


def _product(matrix: Matrix, vector: Matrix, bias: Matrix) -> Matrix:
    """`matrix @ vector + bias`, summed in float64; a few rows are copied at a time, and never the whole matrix."""
    result = np.empty_like(bias)
    for start in range(0, len(bias), _ROWS):
        rows = matrix[start : start + _ROWS].astype(np.float64)
        result[start : start + _ROWS] = rows @ vector + bias[start : start + _ROWS]
    return result
