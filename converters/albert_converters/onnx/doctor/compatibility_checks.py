"""Where an ONNX file does not run, or does not give the same answers: operators, shapes, half precision, versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from onnx import TensorProto

from albert_converters.doctor.diagnosis import FLOAT16_LOWEST, FLOAT16_ZERO, Finding, megabytes
from albert_converters.doctor.shared_checks import frozen_shapes, missing_inputs
from albert_converters.onnx.model import FLOATS, OnnxFile, Scope, array_of

#: what every ONNX engine has to know
_STANDARD = ("", "ai.onnx", "ai.onnx.ml")
_MICROSOFT = "com.microsoft"
#: com.microsoft operators that came after ONNX Runtime 1.9, and the release that brought them
_SINCE = {"MultiHeadAttention": "1.14", "SkipSimplifiedLayerNormalization": "1.14", "MatMulFpQ4": "1.16",
          "GroupQueryAttention": "1.16", "RotaryEmbedding": "1.17", "MatMulNBits": "1.17"}  # fmt: skip
#: opsets that quantizers and engines of the last years take
_OLDEST, _NEWEST = 13, 23
_MASKING = ("Add", "Where", "Mul", "Sub", "Max", "Min", "Expand", "ConstantOfShape")
_ROOTS = ("Sqrt", "Reciprocal", "Pow", "Rsqrt")


def foreign_operators(file: OnnxFile) -> Iterator[Finding]:
    """Operators outside the ONNX standard."""
    found = Counter((node.domain, node.op_type) for node in file.nodes if node.domain not in _STANDARD)
    functions = {(function.domain, function.name) for function in file.model.functions}
    found = Counter({key: count for key, count in found.items() if key not in functions})
    if not found:
        return
    unknown = {domain for domain, _ in found} - {_MICROSOFT}
    newest = max((_SINCE.get(name, "1.9") for _, name in found), key=lambda text: int(text.split(".")[1]))
    runs = (
        f"operators of {', '.join(sorted(unknown))} run in no engine without a library of their own"
        if unknown
        else f"ONNX Runtime has them, all of them from {newest} on; most other engines and converters refuse the file"
    )
    yield Finding(
        "foreign-operators",
        fault=bool(unknown),
        what=f"{sum(found.values())} operators are not of the ONNX standard",
        costs=runs,
        remedy="where another engine is to run it: albert-export onnx, in fp32 and fp16, writes standard operators; "
        "ONNX Runtime fuses them itself when it loads the file",
        where=tuple(f"{domain}.{name}: {count}" for (domain, name), count in found.most_common()),
    )


def fixed_axes(file: OnnxFile) -> Iterator[Finding]:
    """Inputs that take one size only."""
    yield from frozen_shapes(file.inputs)


def absent_inputs(file: OnnxFile) -> Iterator[Finding]:
    """Token type ids or a mask that the graph does not ask for."""
    yield from missing_inputs(file.inputs, segment_weights=_segment_weights(file))


def unread_inputs(file: OnnxFile) -> Iterator[Finding]:
    """Inputs that are asked for and read by no operator."""
    main = file.scopes[0]
    names = [one.name for one in file.inputs if not main.users(one.name) and one.name not in main.outputs]
    if names:
        yield Finding(
            "unread-inputs",
            fault=True,
            what=f"{', '.join(names)}: asked for, but read by no operator",
            costs="whatever a caller gives there, the answers are the same",
            remedy="export the checkpoint again: albert-export onnx",
            where=tuple(names),
        )


def overflowing_masks(file: OnnxFile) -> Iterator[Finding]:
    """Masks of numbers that float16 does not have."""
    lowest: dict[str, float] = {}
    readers: set[str] = set()
    for scope in file.scopes:
        for name, tensor in _mask_constants(scope):
            if tensor.data_type in FLOATS and _lowest(tensor) < FLOAT16_LOWEST:
                lowest[name] = _lowest(tensor)
                readers |= {node.op_type for node, _ in scope.users(name)}
    if not lowest:
        return
    loss = (
        "it is multiplied, and 0 times -inf is NaN: all answers are lost"
        if "Mul" in readers
        else "a row of nothing but padding becomes NaN"
    )
    yield Finding(
        "mask-overflows-float16",
        fault=file.is_half,
        what=f"the mask is {min(lowest.values()):.3g}: beyond float16, which ends at {FLOAT16_LOWEST:.0f}",
        costs=f"in half precision (GPUs, phones, fp16 files) it is -inf; {loss}",
        remedy="another mask is not bit for bit the same, so --fix leaves it: export the checkpoint again with "
        "albert-export onnx, whose masks are fit for float16",
        where=tuple(f"{name}: {value:.3g}" for name, value in lowest.items()),
    )


def vanishing_epsilons(file: OnnxFile) -> Iterator[Finding]:
    """LayerNorms whose epsilon float16 rounds to 0."""
    found = [(where, value) for scope in file.scopes for where, value in _epsilons(scope) if 0 < value <= FLOAT16_ZERO]
    if not found:
        return
    yield Finding(
        "epsilon-vanishes-in-float16",
        fault=file.is_half,
        what=f"{len(found)} LayerNorms add {max(value for _, value in found):.0e}, which is 0 in float16",
        costs="in half precision a row of equal values is divided by 0, and its answers are NaN",
        remedy="nothing, while it runs in float32; for half precision: albert-export onnx --precision fp16",
        where=tuple(where for where, _ in found),
    )


def several_files(file: OnnxFile) -> Iterator[Finding]:
    """Weights that stand in files of their own."""
    if not file.external:
        return
    size = sum((file.path.parent / name).stat().st_size for name in file.external)
    fits = file.bytes < 2**31 - 1
    yield Finding(
        "several-files",
        fault=False,
        what=f"{megabytes(size)} of weights stand in {len(file.external)} files beside it",
        costs="the files must travel together and keep their names",
        remedy="--fix writes one file" if fits else "one file holds 2 GB: albert-export onnx --precision fp16",
        where=file.external,
        mendable=fits,
    )


def opsets(file: OnnxFile) -> Iterator[Finding]:
    """Operators of a version that tools may not take."""
    if _OLDEST <= file.opset <= _NEWEST:
        return
    old = file.opset < _OLDEST
    yield Finding(
        "old-opset" if old else "new-opset",
        fault=False,
        what=f"its operators are those of opset {file.opset}; IR version {file.model.ir_version}",
        costs="quantizers ask for opset 13 or newer, and LayerNorm is one operator from 17 on"
        if old
        else "engines older than the opset refuse the file",
        remedy="albert-export onnx writes opset 18, or what --opset says",
    )


# --- what the checks look for ---------------------------------------------------------------------------------------


def _segment_weights(file: OnnxFile) -> list[str]:
    """Segment embeddings: by their name, or a table of two rows that is looked up in."""
    found = []
    for scope in file.scopes:
        for name, tensor in scope.constants.items():
            named = any(part in name.lower() for part in ("token_type", "segment"))
            looked_up = any(node.op_type == "Gather" and index == 0 for node, index in scope.users(name))
            rows = len(tensor.dims) == 2 and tensor.dims[0] == 2 and tensor.dims[1] > 4
            if tensor.data_type in FLOATS and len(tensor.dims) >= 2 and (named or (rows and looked_up)):
                found.append(name)
    return found


def _mask_constants(scope: Scope) -> Iterator[tuple[str, TensorProto]]:
    for name, tensor in scope.constants.items():
        if any(node.op_type in _MASKING for node, _ in scope.users(name)):
            yield name, tensor
    for node in scope.graph.node:
        if node.op_type == "ConstantOfShape":
            yield from ((node.name or node.output[0], one.t) for one in node.attribute if one.name == "value")


def _lowest(tensor: TensorProto) -> float:
    array = array_of(tensor)
    return float(np.min(array, initial=0.0))


def _epsilons(scope: Scope) -> Iterator[tuple[str, float]]:
    for node in scope.graph.node:
        for attribute in node.attribute:
            if attribute.name == "epsilon" and "Norm" in node.op_type:
                yield node.name or node.output[0], attribute.f
        if node.op_type == "Add" and any(user.op_type in _ROOTS for user, _ in scope.users(node.output[0])):
            for name in node.input:
                tensor = scope.constant(name)
                if tensor is not None and tensor.data_type in FLOATS and array_of(tensor).size == 1:
                    yield node.name or node.output[0], float(array_of(tensor).reshape(-1)[0])
