"""A .tflite file as an object that can be read, changed and written back.

ai-edge-quantizer writes the weights of all but the smallest models behind the flatbuffer, where runtimes older than
TensorFlow 2.15 do not look for them. A file read and written here has them inside, where every runtime finds them.

The classes (`ModelT`, `SubGraphT`, `TensorT`, ...) are those that ai_edge_litert generates from TFLite's schema
(tensorflow/compiler/mlir/lite/schema/schema.fbs), with its field names; names in a model that was read are bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from albert_runtime.errors import ConversionError, UnsupportedError, UsageError, listed

#: smaller constants are shapes and numbers of the graph, not weights
WEIGHT_BYTES = 256

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16
_LARGEST_FILE = 2**31 - 1
_TYPE_NAMES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_BUILTIN_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
#: operators that are damaged where they have no output; the others, and custom ones, may have none
_WITH_OUTPUTS = set(_BUILTIN_NAMES.values()) - {"ASSIGN_VARIABLE", "CALL_ONCE", "CUSTOM", "HASHTABLE_IMPORT"}


def load(path: Path) -> schema.ModelT:
    """The model in the file at `path`; its weights are read-only views of the file's bytes.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not a TFLite model, or damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror or error}") from error
    return loads(content, name=str(path))


def loads(content: bytes, *, name: str = "the model") -> schema.ModelT:
    """The model in `content`; `name` is what messages call it.

    Raises:
        UnsupportedError: it is not a TFLite model, or damaged.
    """
    if not content:
        raise UnsupportedError(f"{name} is empty; was it copied to the end?")
    if content[4:8] != _IDENTIFIER:
        raise UnsupportedError(
            f"{name} is not a TFLite model: it does not carry the mark {_IDENTIFIER.decode()}; "
            "give a .tflite file, or fetch or export it again"
        )
    try:
        model = schema.ModelT.InitFromPackedBuf(content)
    except Exception as error:  # reading damaged offsets ends in struct.error, ValueError, TypeError, MemoryError ...
        raise UnsupportedError(f"{name} is damaged or cut short; fetch or export it again") from error
    problems = _problems(model, len(content))
    if problems:
        raise UnsupportedError(listed(f"{name} can't be read; fetch or export it again:", problems))
    for buffer in model.buffers or []:
        if _is_outside(buffer):
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def dumps(model: schema.ModelT) -> bytes:
    """The file that holds `model`, each buffer aligned to 16 bytes, as LiteRT maps them.

    Raises:
        ConversionError: it would be larger than the 2 GiB that a flatbuffer can hold.
    """
    # the builder doubles its memory when it runs out: give it room for the buffers and a share for all the rest
    weights = sum(_size(buffer) + _ALIGNMENT for buffer in model.buffers)
    if weights > _LARGEST_FILE:
        raise ConversionError(
            f"the model's weights take {weights:,} bytes and a .tflite file can hold {_LARGEST_FILE:,}; "
            f"choose a smaller precision: fp16, int8 or int4"
        )
    builder = _AlignedBuilder(min(weights + 2**20, _LARGEST_FILE))
    try:
        builder.Finish(model.Pack(builder), _IDENTIFIER)
    except flatbuffers.builder.BuilderSizeError as error:
        raise ConversionError(f"the model does not fit in a .tflite file: {error}") from error
    return bytes(memoryview(builder.Bytes)[builder.Head() :])


class _AlignedBuilder(flatbuffers.Builder):
    """Honours the schema's `force_align: 16` of Buffer.data, which generated Python code does not."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803
        return int(super().StartVector(elemSize, numElems, _ALIGNMENT if elemSize == 1 else alignment))


def share_equal_buffers(model: schema.ModelT) -> int:
    """Keeps constants of equal bytes once: their tensors point to one buffer, the others are emptied.

    Left alone: constants below WEIGHT_BYTES, buffers of variable tensors, and metadata.

    Returns:
        How many bytes that saves.
    """
    kept_apart = {0, *metadata_buffers(model)}
    kept_apart |= {tensor.buffer for tensor in tensors(model) if tensor.isVariable}
    first: dict[bytes, int] = {}
    twin_of: dict[int, int] = {}
    saved = 0
    for index, buffer in enumerate(model.buffers):
        if index in kept_apart or _size(buffer) < WEIGHT_BYTES:
            continue
        twin = first.setdefault(fingerprint(buffer), index)
        if twin != index:
            twin_of[index] = twin
            saved += _size(buffer)
            buffer.data = None
    for tensor in tensors(model):
        tensor.buffer = twin_of.get(tensor.buffer, tensor.buffer)
    return saved


def name_tensors(model: schema.ModelT, *, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Names the tensors of the only signature as it does, and lets the graph's inputs and outputs stand in this order.

    Readers that know no signatures go by the tensors' names, or by their order.

    Raises:
        ConversionError: the model has no signature or several, or its names are not `inputs` and `outputs`.
    """
    signatures = model.signatureDefs or []
    if len(signatures) != 1:
        raise ConversionError(f"the model has {len(signatures)} signatures; tensors can be named where there is one")
    [signature] = signatures
    given = {"inputs": _named(signature.inputs), "outputs": _named(signature.outputs)}
    problems = [
        f"its {side} are {', '.join(sorted(given[side]))}, not {', '.join(wanted)}"
        for side, wanted in (("inputs", inputs), ("outputs", outputs))
        if set(given[side]) != set(wanted)
    ]
    if problems:
        raise ConversionError(listed("the model's tensors are not those expected:", problems))
    graph = model.subgraphs[signature.subgraphIndex]
    graph.inputs = [given["inputs"][name] for name in inputs]
    graph.outputs = [given["outputs"][name] for name in outputs]
    for name, index in [*given["inputs"].items(), *given["outputs"].items()]:
        graph.tensors[index].name = name


def _named(entries: Sequence[schema.TensorMapT] | None) -> dict[str, int]:
    return {text(entry.name): entry.tensorIndex for entry in entries or []}


# --- reading a model ------------------------------------------------------------------------------------------------


def text(name: bytes | str | None) -> str:
    """A name of the model, which is bytes when it was read from a file, as text."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name or ""


def tensors(model: schema.ModelT) -> Iterator[schema.TensorT]:
    """The tensors of all subgraphs."""
    for graph in model.subgraphs:
        yield from graph.tensors or []


def integers(vector: Sequence[int] | np.ndarray[Any, Any] | None) -> list[int]:
    """A vector of indexes or sizes as a list, empty where the model leaves it out."""
    return [] if vector is None else [int(value) for value in vector]


def type_name(tensor: schema.TensorT) -> str:
    """float32 and the like."""
    return _TYPE_NAMES.get(tensor.type, f"type {tensor.type}")


def axes(tensor: schema.TensorT) -> list[int]:
    """The size of each axis, -1 where it is dynamic."""
    sizes = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    return integers(sizes)


def content(buffer: schema.BufferT) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bytes of a buffer, of size 0 where it holds none (its tensors are computed)."""
    return np.asarray([] if buffer.data is None else buffer.data, np.uint8)


def fingerprint(buffer: schema.BufferT) -> bytes:
    """Equal for buffers of equal bytes, and different for all others."""
    return hashlib.sha256(content(buffer).data).digest()


def metadata_buffers(model: schema.ModelT) -> set[int]:
    """Indexes of the buffers that hold metadata rather than tensors."""
    return {entry.buffer for entry in model.metadata or []}


def operator_name(model: schema.ModelT, operator: schema.OperatorT) -> str:
    """FULLY_CONNECTED and the like; a custom operator by the name it gave itself, such as FlexErf."""
    code = model.operatorCodes[operator.opcodeIndex]
    # files older than schema version 3a hold the code in the first field, and newer ones a placeholder there
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if number == schema.BuiltinOperator.CUSTOM:
        return text(code.customCode) or "CUSTOM"
    return _BUILTIN_NAMES.get(number, f"operator {number}")


def _size(buffer: schema.BufferT) -> int:
    return 0 if buffer.data is None else len(buffer.data)


def _is_outside(buffer: schema.BufferT) -> bool:
    """Whether a buffer's bytes stand behind the flatbuffer; an offset of 0 or 1 means that they do not."""
    return bool(buffer.offset > 1)


def _problems(model: schema.ModelT, file_size: int) -> list[str]:
    """What keeps a model that was read from being worked with: indexes must point at something."""
    buffers = model.buffers or []
    codes = model.operatorCodes or []
    graphs = model.subgraphs or []
    if not any(graph.operators for graph in graphs):
        return ["it holds no operators"]
    if any(_is_outside(buffer) and buffer.offset + buffer.size > file_size for buffer in buffers):
        return ["weights that stand behind the flatbuffer are missing; was it copied to the end?"]
    problems = [
        f"its metadata {text(entry.name)!r} is missing"
        for entry in model.metadata or []
        if not 0 <= entry.buffer < len(buffers)
    ]
    for number, graph in enumerate(graphs):
        count = len(graph.tensors or [])
        operators = graph.operators or []
        read = [*integers(graph.inputs), *(index for one in operators for index in integers(one.inputs))]
        made = [*integers(graph.outputs), *(index for one in operators for index in integers(one.outputs))]
        # -1 stands for an optional input that is left out
        if not all(-1 <= index < count for index in read) or not all(0 <= index < count for index in made):
            problems.append(f"subgraph {number} uses tensors that it does not hold")
        if not all(0 <= one.opcodeIndex < len(codes) for one in operators):
            problems.append(f"subgraph {number} uses operators that the file does not name")
        elif any(not integers(one.outputs) and operator_name(model, one) in _WITH_OUTPUTS for one in operators):
            problems.append(f"subgraph {number} has operators without outputs")
        if not all(0 <= tensor.buffer < len(buffers) for tensor in graph.tensors or []):
            problems.append(f"subgraph {number} uses buffers that are missing")
    for signature in model.signatureDefs or []:
        entries = [*(signature.inputs or []), *(signature.outputs or [])]
        if not 0 <= signature.subgraphIndex < len(graphs):
            problems.append(f"signature {text(signature.signatureKey)!r} is of a subgraph that is missing")
        elif any(entry.tensorIndex >= len(graphs[signature.subgraphIndex].tensors or []) for entry in entries):
            problems.append(f"signature {text(signature.signatureKey)!r} names tensors that are missing")
    return problems
