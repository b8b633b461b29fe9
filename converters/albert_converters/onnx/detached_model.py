"""DetachedModel: an ONNX model whose large weights are arrays beside it.

A protobuf message owns its bytes, so that every step which builds, copies, checks or writes a message copies the
weights in it. Beside the message they stay what they are: the memory of the model that they come from, or a view of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import Message
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from albert_runtime.protobuf import length_prefix

#: arrays of at least as many bytes are detached
DETACHED_BYTES = 256

# the numbers of fields in onnx.proto
_MODEL_GRAPH = 7
_GRAPH_INITIALIZER = 5
_TENSOR_RAW_DATA = 9


@dataclass(frozen=True)
class DetachedModel:
    """An ONNX model and its large weights."""

    #: the model; the initializers in `weights` have a name, a type and a shape, and no values
    skeleton: onnx.ModelProto
    #: name of an initializer -> its values, which need not be contiguous
    weights: Mapping[str, NDArray[Any]]

    @property
    def size(self) -> int:
        """The bytes of the model with its weights, but for the few that state the length of each."""
        return self.skeleton.ByteSize() + sum(array.nbytes for array in self.weights.values())

    def check(self) -> None:
        """Raises an error of `onnx.checker` if the graph is invalid. Weights count as inputs of that type and shape."""
        checked = onnx.ModelProto()
        checked.CopyFrom(self.skeleton)
        del checked.graph.initializer[:]
        for tensor in self.skeleton.graph.initializer:
            if tensor.name in self.weights:
                value = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
                checked.graph.input.append(value)
            else:
                checked.graph.initializer.append(tensor)
        onnx.checker.check_model(checked, full_check=True)

    def whole(self) -> onnx.ModelProto:
        """A copy of the model that holds its weights."""
        model = onnx.ModelProto()
        model.CopyFrom(self.skeleton)
        for tensor in model.graph.initializer:
            attach(tensor, self.weights)
        return model

    def write(self, file: Path) -> None:
        """Writes the same bytes as `whole().SerializeToString()`, with one weight after another in memory.

        Raises:
            OSError: the file can't be written.
        """
        with file.open("wb") as stream:
            for piece in self._pieces():
                stream.write(piece)

    def _pieces(self) -> Iterator[bytes | memoryview]:
        """The file in pieces. Protobuf writes the fields of a message in the order of their numbers."""
        graph = self.skeleton.graph
        head, tail = _around(graph, _GRAPH_INITIALIZER)
        tensors = [self._tensor_frame(tensor) for tensor in graph.initializer]
        length = len(head) + sum(len(before) + size + len(after) for before, size, after in tensors) + len(tail)
        start, end = _around(self.skeleton, _MODEL_GRAPH)
        yield start + length_prefix(_MODEL_GRAPH, length) + head
        for tensor, (before, size, after) in zip(graph.initializer, tensors, strict=True):
            yield before
            if size:
                yield _bytes_of(self.weights[tensor.name])
            yield after
        yield tail + end

    def _tensor_frame(self, tensor: onnx.TensorProto) -> tuple[bytes, int, bytes]:
        """What is written before and after the values of an initializer, and the bytes of the values between."""
        if tensor.name not in self.weights:
            content = tensor.SerializeToString()
            return length_prefix(_GRAPH_INITIALIZER, len(content)) + content, 0, b""
        size = self.weights[tensor.name].nbytes
        before, after = _around(tensor, _TENSOR_RAW_DATA)
        before += length_prefix(_TENSOR_RAW_DATA, size)
        return length_prefix(_GRAPH_INITIALIZER, len(before) + size + len(after)) + before, size, after


def attach(tensor: onnx.TensorProto, weights: Mapping[str, NDArray[Any]]) -> None:
    """Give an initializer its values if `weights` has them."""
    if tensor.name in weights:
        tensor.raw_data = bytes(_bytes_of(weights[tensor.name]))


def values_of(tensor: onnx.TensorProto, weights: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the values of an initializer, which `weights` has, or else the initializer itself."""
    return weights[tensor.name] if tensor.name in weights else np.asarray(numpy_helper.to_array(tensor))


def _bytes_of(array: NDArray[Any]) -> memoryview:
    """The bytes of an array in rows, little-endian, as the raw data of a tensor has them; copied only if needed."""
    rows = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return rows.reshape(-1).view(np.uint8).data


def _around(message: Message, number: int) -> tuple[bytes, bytes]:
    """The fields of `message` below `number` and those above it, serialized."""
    return _serialized(message, lambda one: one < number), _serialized(message, lambda one: one > number)


def _serialized(message: Message, wanted: Callable[[int], bool]) -> bytes:
    part = type(message)()
    part.CopyFrom(message)
    for field, _ in part.ListFields():
        if not wanted(field.number):
            part.ClearField(field.name)
    return part.SerializeToString()
