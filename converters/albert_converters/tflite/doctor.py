"""Everything that is looked for in a .tflite file, and what can be mended in it without a change to its answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from albert_converters.doctor.diagnosis import FLOAT16_LOWEST, FLOAT16_ZERO, Finding, megabytes
from albert_converters.doctor.shared_checks import frozen_shapes, missing_inputs
from albert_converters.patient import InputSpec, Patient
from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.inspection import inspect_tflite
from albert_converters.tflite.model import (
    WEIGHT_BYTES,
    axes,
    content,
    integers,
    operator_name,
    tensors,
    text,
    type_name,
)
from albert_converters.weight_faults import Copies, held_twice
from albert_runtime.errors import UnsupportedError

#: what gives back the values it is given, in another shape, order or type
_WRAPPERS = ("TRANSPOSE", "RESHAPE", "CAST", "SQUEEZE", "EXPAND_DIMS")
_PRODUCTS = ("FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D")
_MASKING = ("ADD", "MUL", "SUB", "SELECT", "SELECT_V2", "FILL", "MAXIMUM", "MINIMUM", "WHERE")
_IDS = ("int32", "int64")
_LOOKUPS = ("GATHER", "EMBEDDING_LOOKUP")
_ROOTS = ("RSQRT", "SQRT", "POW")
_QUANTIZED_NAME = re.compile(r"u?int8|int4|\bq8|\bq4|quant|dynamic_range", re.IGNORECASE)
_DTYPES = {"float32": np.float32, "float16": np.float16, "int8": np.int8, "uint8": np.uint8}


@dataclass
class TFLiteFile:
    """A model that was read, and the facts about it."""

    path: Path
    model: schema.ModelT
    #: see `inspect_tflite`
    facts: dict[str, Any]

    @property
    def bytes(self) -> int:
        """Of the file."""
        return int(self.facts["bytes"])

    @cached_property
    def operators(self) -> list[Operator]:
        """The operators of all subgraphs."""
        return [
            Operator(operator_name(self.model, one), graph, integers(one.inputs), integers(one.outputs))
            for graph in self.model.subgraphs
            for one in graph.operators or []
        ]

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """What a caller must give."""
        return tuple(
            InputSpec(one["name"], tuple(size if size >= 0 else None for size in one["axes"]), one["type"] in _IDS)
            for one in self.facts["inputs"]
        )

    @property
    def vocabulary(self) -> int:
        """Rows of the largest table that is looked up in; 1 where there is none."""
        tables = [one.tensors()[0] for one in self.operators if one.name in _LOOKUPS and one.tensors()]
        return max((axes(table)[0] for table in tables if self.is_weight(table) and len(axes(table)) > 1), default=1)

    def values(self, tensor: schema.TensorT) -> NDArray[Any] | None:
        """What a constant of a plain type holds; None for what is computed."""
        raw, dtype = content(self.model.buffers[tensor.buffer]), _DTYPES.get(type_name(tensor))
        if dtype is None or not raw.size or raw.size % np.dtype(dtype).itemsize:
            return None
        return np.frombuffer(raw.tobytes(), dtype)

    def is_weight(self, tensor: schema.TensorT) -> bool:
        """Whether it is a constant large enough to matter."""
        return content(self.model.buffers[tensor.buffer]).size >= WEIGHT_BYTES and not tensor.isVariable


@dataclass(frozen=True)
class Operator:
    """One operator of a subgraph; inputs of -1 are left out."""

    name: str
    graph: schema.SubGraphT
    inputs: list[int]
    outputs: list[int]

    def tensors(self) -> list[schema.TensorT]:
        """What it reads."""
        return [self.graph.tensors[index] for index in self.inputs if index >= 0]


def read_patient(path: Path) -> Patient:
    """The file at `path`, examined.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not a TFLite model, or damaged.
    """
    file = TFLiteFile(path, tflite_model.load(path), inspect_tflite(path))
    found = [finding for check in CHECKS for finding in check(file)]
    found.sort(key=lambda finding: not finding.fault)
    return Patient(path, file.bytes, file.inputs, file.vocabulary, tuple(found), lambda: _mend(file))


def _mend(file: TFLiteFile) -> tuple[list[str], bytes]:
    """Keeps equal weights once."""
    if file.facts["packed_files"]:
        packed = ", ".join(file.facts["packed_files"])
        raise UnsupportedError(
            f"{file.path} carries files behind the model ({packed}), which would be lost: mend the model before they "
            "are packed"
        )
    saved = tflite_model.share_equal_buffers(file.model)
    done = [f"shared equal weights: {megabytes(saved)}"] if saved else []
    return done, tflite_model.dumps(file.model)


# --- weights --------------------------------------------------------------------------------------------------------


def duplicated_weights(file: TFLiteFile) -> Iterator[Finding]:
    """Weights whose bytes stand in the file more than once."""
    groups = file.facts["duplicated_weights"]
    yield from held_twice([Copies(one["names"][0], one["copies"], one["bytes_each"]) for one in groups], file.bytes)


def transposed_copies(file: TFLiteFile) -> Iterator[Finding]:
    """Matrices that stand in the file a second time, transposed."""
    first: dict[tuple[tuple[int, ...], bytes], schema.TensorT] = {}
    pairs = []
    for tensor in tensors(file.model):
        values, shape = file.values(tensor), tuple(integers(tensor.shape))
        if values is None or len(shape) != 2 or values.size != shape[0] * shape[1] or not file.is_weight(tensor):
            continue
        matrix = values.reshape(shape)
        if (shape, matrix.tobytes()) not in first:
            twin = first.get((shape[::-1], matrix.T.tobytes()))
            pairs += [] if twin is None else [(tensor, values.nbytes)]
            first[shape, matrix.tobytes()] = tensor
    if pairs:
        wasted = sum(size for _, size in pairs)
        yield Finding(
            "transposed-copies",
            fault=True,
            what=f"{len(pairs)} matrices stand there a second time, transposed",
            costs=f"{megabytes(wasted)} of {megabytes(file.bytes)}, on disk and in memory",
            remedy="export the checkpoint again: albert-export tflite",
            where=tuple(f"{text(tensor.name)}: {megabytes(size)}" for tensor, size in pairs),
            wasted_bytes=wasted,
        )


def hidden_weights(file: TFLiteFile) -> Iterator[Finding]:
    """Matrices that a product reads through an operator, so that quantizers take them for activations."""
    hidden: list[tuple[str, schema.TensorT]] = []
    makers = {(id(one.graph), index): one for one in file.operators for index in one.outputs}
    for one in file.operators:
        if one.name not in _PRODUCTS or len(one.inputs) < 2:
            continue
        maker, through = makers.get((id(one.graph), one.inputs[1])), list[str]()
        while maker is not None and maker.name in _WRAPPERS and maker.tensors() and len(through) < len(_WRAPPERS):
            through.append(maker.name)
            source = maker.tensors()[0]
            if file.is_weight(source):
                hidden.append((" and ".join(through), source))
                break
            maker = makers.get((id(one.graph), maker.inputs[0]))
    if hidden:
        sizes = {tensor.buffer: content(file.model.buffers[tensor.buffer]).size for _, tensor in hidden}
        ways = Counter(way for way, _ in hidden)
        yield Finding(
            "hidden-weights",
            fault=True,
            what=f"{len(hidden)} matrix products read their weights through "
            + ", ".join(f"{way} ({count})" for way, count in ways.items()),
            costs=f"quantizers skip {megabytes(sum(sizes.values()))}, and kernels can't prepare it",
            remedy="export the checkpoint again: albert-export tflite",
            where=tuple(dict.fromkeys(text(tensor.name) for _, tensor in hidden)),
        )


def unkept_claims(file: TFLiteFile) -> Iterator[Finding]:
    """A file that calls itself quantized, and multiplies most of its weights in floating point."""
    operators = file.facts["operators"]
    claims = [f"its name {file.path.name}"] if _QUANTIZED_NAME.search(file.path.name) else []
    claims += [f"{operators[name]} {name}" for name in ("QUANTIZE",) if name in operators]
    products, floats = sum(file.facts["matrix_products"].values()), len(file.facts["float_products"])
    in_floats = file.facts["weight_bytes"].get("float32", 0)
    if claims and 2 * floats > products:
        yield Finding(
            "claims-int8",
            fault=True,
            what=f"it says that it is quantized ({', '.join(claims)}), but {products - floats} of {products} matrix "
            "products with weights are; products of activations are not counted",
            costs=f"{megabytes(in_floats)} of {megabytes(file.bytes)} are in float32",
            remedy="albert-export tflite --precision int8 quantizes the checkpoint's products",
            where=tuple(file.facts["float_products"]),
        )


def unrolled_layers(file: TFLiteFile) -> Iterator[Finding]:
    """Weights that several products share: XNNPACK packs them for each."""
    users: Counter[int] = Counter()
    for one in file.operators:
        if one.name in _PRODUCTS and len(one.inputs) > 1 and one.inputs[1] >= 0:
            matrix = one.graph.tensors[one.inputs[1]]
            users[matrix.buffer] += file.is_weight(matrix)
    sizes = {index: content(file.model.buffers[index]).size for index, count in users.items() if count > 1}
    extra = sum(size * (users[index] - 1) for index, size in sizes.items())
    if extra > file.bytes:
        yield Finding(
            "unrolled-layers",
            fault=False,
            what=f"{len(sizes)} weights are read by {sum(users[index] for index in sizes)} matrix products",
            costs=f"XNNPACK packs a copy for each product: {megabytes(extra)} of memory more",
            remedy="albert-export tflite keeps the shared layer in a loop, where they are packed once",
        )


# --- where it runs --------------------------------------------------------------------------------------------------


def custom_operators(file: TFLiteFile) -> Iterator[Finding]:
    """Operators of TensorFlow (Flex) and of somebody's own."""
    found = {
        name: count for name, count in file.facts["operators"].items() if not hasattr(schema.BuiltinOperator, name)
    }
    if found:
        flex = all(name.startswith("Flex") for name in found)
        yield Finding(
            "custom-operators",
            fault=True,
            what=f"{sum(found.values())} operators are not TFLite's own",
            costs="LiteRT does not load it"
            + ("; TensorFlow up to 2.18 does, with its own library" if flex else " without a library of their own"),
            remedy="export the checkpoint again: albert-export tflite writes TFLite's own operators",
            where=tuple(f"{name}: {count}" for name, count in found.items()),
        )


def fixed_axes(file: TFLiteFile) -> Iterator[Finding]:
    """Inputs that take one size only."""
    yield from frozen_shapes(file.inputs)


def absent_inputs(file: TFLiteFile) -> Iterator[Finding]:
    """Token type ids or a mask that the graph does not ask for."""
    segments = []
    for one in file.operators:
        for tensor in one.tensors()[:1] if one.name in _LOOKUPS else []:
            named = any(part in text(tensor.name).lower() for part in ("token_type", "segment"))
            if file.is_weight(tensor) and (named or (len(axes(tensor)) == 2 and axes(tensor)[0] == 2)):
                segments.append(text(tensor.name))
    yield from missing_inputs(file.inputs, segment_weights=segments)


def wide_ids(file: TFLiteFile) -> Iterator[Finding]:
    """Token ids as int64."""
    names = [one["name"] for one in file.facts["inputs"] if one["type"] == "int64"]
    if names:
        yield Finding(
            "int64-ids",
            fault=False,
            what=f"{', '.join(names)}: int64, where TFLite models of text take int32",
            costs="apps and Task Library feed int32 and are refused; GPU and NNAPI delegates leave int64 to the CPU",
            remedy="export the checkpoint again: albert-export tflite",
            where=tuple(names),
        )


def overflowing_masks(file: TFLiteFile) -> Iterator[Finding]:
    """Masks of numbers that float16, in which GPU delegates compute, does not have."""
    found: dict[str, float] = {}
    for one in file.operators:
        for tensor in one.tensors() if one.name in _MASKING else []:
            values = file.values(tensor)
            if values is not None and values.dtype.kind == "f" and float(values.min()) < FLOAT16_LOWEST:
                found[text(tensor.name)] = float(values.min())
    if found:
        yield Finding(
            "mask-overflows-float16",
            fault=False,
            what=f"the mask is {min(found.values()):.3g}: beyond float16, which ends at {FLOAT16_LOWEST:.0f}",
            costs="GPU delegates compute in half precision: it becomes -inf there, and -inf times 0 is NaN",
            remedy="export the checkpoint again: albert-export tflite has masks fit for float16",
            where=tuple(f"{name}: {value:.3g}" for name, value in found.items()),
        )


def vanishing_epsilons(file: TFLiteFile) -> Iterator[Finding]:
    """LayerNorms whose epsilon float16 rounds to 0."""
    rooted = {(id(one.graph), index) for one in file.operators if one.name in _ROOTS for index in one.inputs}
    found = []
    for one in file.operators:
        if one.name == "ADD" and any((id(one.graph), index) in rooted for index in one.outputs):
            constants = (file.values(tensor) for tensor in one.tensors())
            found += [float(array[0]) for array in constants if array is not None and array.size == 1]
    found = [value for value in found if 0 < value <= FLOAT16_ZERO]
    if found:
        yield Finding(
            "epsilon-vanishes-in-float16",
            fault=False,
            what=f"{len(found)} LayerNorms add {max(found):.0e}, which is 0 in float16",
            costs="on GPU delegates a row of equal values is divided by 0, and its answers are NaN",
            remedy="nothing, while it runs on the CPU",
        )


CHECKS: tuple[Callable[[TFLiteFile], Iterator[Finding]], ...] = (
    duplicated_weights,
    transposed_copies,
    hidden_weights,
    unkept_claims,
    unrolled_layers,
    custom_operators,
    fixed_axes,
    absent_inputs,
    wide_ids,
    overflowing_masks,
    vanishing_epsilons,
)
