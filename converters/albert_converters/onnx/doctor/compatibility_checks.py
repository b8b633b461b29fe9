"""Checks of where an ONNX file does not run or gives other answers: operators, inputs, half precision, versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from onnx import TensorProto

from albert_converters.doctor.diagnosis import FLOAT16_LOWEST, FLOAT16_ZERO, CheckResult, megabytes
from albert_converters.doctor.shared_checks import frozen_shapes, is_segment_embedding, missing_inputs, unclear_inputs
from albert_converters.onnx.graph_view import FLOATS, GraphView, array_of
from albert_converters.onnx.model import OnnxModelView

#: domains of the operators that every ONNX engine has to know
_STANDARD = ("", "ai.onnx", "ai.onnx.ml")
_MICROSOFT = "com.microsoft"
#: com.microsoft operators that are newer than ONNX Runtime 1.9 -> the release that introduced them
_SINCE = {"MultiHeadAttention": "1.14", "SkipSimplifiedLayerNormalization": "1.14", "MatMulFpQ4": "1.16",
          "GroupQueryAttention": "1.16", "RotaryEmbedding": "1.17", "MatMulNBits": "1.17"}  # fmt: skip
#: the oldest opset that quantizers accept, and the newest that engines of the last years accept
_OLDEST, _NEWEST = 13, 23
#: operators that an attention mask is built or applied with
_MASKING = ("Add", "Where", "Mul", "Sub", "Max", "Min", "Expand", "ConstantOfShape")
#: operators that follow the addition of epsilon where a LayerNorm is written out in parts
_ROOTS = ("Sqrt", "Reciprocal", "Pow", "Rsqrt")


def check_foreign_operators(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find operators outside the ONNX standard."""
    found = Counter((node.domain, node.op_type) for node in model.nodes if node.domain not in _STANDARD)
    functions = {(function.domain, function.name) for function in model.proto.functions}
    found = Counter({key: count for key, count in found.items() if key not in functions})
    if not found:
        return
    unknown = {domain for domain, _ in found} - {_MICROSOFT}
    newest = max((_SINCE.get(name, "1.9") for _, name in found), key=lambda text: int(text.split(".")[1]))
    runs = (
        f"operators of {', '.join(sorted(unknown))} need a library of their own in any engine"
        if unknown
        else f"ONNX Runtime has them, all of them from {newest} on; most other engines and converters refuse the file"
    )
    yield CheckResult(
        "foreign-operators",
        is_error=bool(unknown),
        what=f"{sum(found.values())} operators are not in the ONNX standard",
        costs=runs,
        remedy="for another engine: albert-export onnx, in fp32 and fp16, writes standard operators; "
        "ONNX Runtime fuses them itself when it loads the file",
        where=tuple(f"{domain}.{name}: {count}" for (domain, name), count in found.most_common()),
    )


def check_frozen_shapes(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find inputs that take one batch size or one length only."""
    yield from frozen_shapes(model.inputs)


def check_missing_inputs(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find out whether token type ids or the mask are missing among the inputs."""
    yield from missing_inputs(model.inputs, segment_weights=_segment_weights(model))


def check_unclear_inputs(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find inputs whose names do not tell what they are for, as torch.onnx.export without input_names makes them."""
    yield from unclear_inputs(model.inputs)


def check_unread_inputs(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find inputs that a caller must give, though no operator reads them."""
    main = model.graphs[0]
    names = [one.name for one in model.inputs if not main.readers(one.name) and one.name not in main.outputs]
    if names:
        yield CheckResult(
            "unread-inputs",
            is_error=True,
            what=f"{', '.join(names)}: asked for, but read by no operator",
            costs="whatever a caller gives there, the answers are the same",
            remedy="export the checkpoint again: albert-export onnx",
            where=tuple(names),
        )


def check_float16_masks(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find masks with numbers that are beyond the range of float16."""
    lowest: dict[str, float] = {}
    readers: set[str] = set()
    for graph in model.graphs:
        for name, tensor in _mask_constants(graph):
            if tensor.data_type in FLOATS and _lowest(tensor) < FLOAT16_LOWEST:
                lowest[name] = _lowest(tensor)
                readers |= {node.op_type for node, _ in graph.readers(name)}
    if not lowest:
        return
    loss = (
        "it is multiplied, and 0 times -inf is NaN: all answers are lost"
        if "Mul" in readers
        else "a row of nothing but padding becomes NaN"
    )
    yield CheckResult(
        "mask-overflows-float16",
        is_error=model.is_half_precision,
        what=f"the mask is {min(lowest.values()):.3g}: beyond float16, which ends at {FLOAT16_LOWEST:.0f}",
        costs=f"in half precision (GPUs, phones, fp16 files) it is -inf; {loss}",
        remedy="another mask is not bit for bit the same, so --fix leaves it: export the checkpoint again with "
        "albert-export onnx, whose masks are fit for float16",
        where=tuple(f"{name}: {value:.3g}" for name, value in lowest.items()),
    )


def check_float16_epsilons(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find LayerNorms whose epsilon is rounded to 0 in float16."""
    found = [(where, value) for graph in model.graphs for where, value in _epsilons(graph) if 0 < value <= FLOAT16_ZERO]
    if not found:
        return
    yield CheckResult(
        "epsilon-vanishes-in-float16",
        is_error=model.is_half_precision,
        what=f"{len(found)} LayerNorms add {max(value for _, value in found):.0e}, which is 0 in float16",
        costs="in half precision a row of equal values is divided by 0, and its answers are NaN",
        remedy="nothing, while it runs in float32; for half precision: albert-export onnx --precision fp16",
        where=tuple(where for where, _ in found),
    )


def check_external_files(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find weights that stand in other files beside the graph."""
    if not model.external_files:
        return
    size = sum((model.path.parent / name).stat().st_size for name in model.external_files)
    fits = model.file_bytes < 2**31 - 1
    yield CheckResult(
        "several-files",
        is_error=False,
        what=f"{megabytes(size)} of weights stand in {len(model.external_files)} files beside it",
        costs="the files must travel together and keep their names",
        remedy="--fix writes one file" if fits else "one file holds 2 GB: albert-export onnx --precision fp16",
        where=model.external_files,
        repairable=fits,
    )


def check_opset(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find an opset that tools may not accept."""
    if _OLDEST <= model.opset <= _NEWEST:
        return
    old = model.opset < _OLDEST
    yield CheckResult(
        "old-opset" if old else "new-opset",
        is_error=False,
        what=f"its operators are those of opset {model.opset}; IR version {model.proto.ir_version}",
        costs="quantizers ask for opset 13 or newer, and LayerNorm is one operator from 17 on"
        if old
        else "engines older than the opset refuse the file",
        remedy="albert-export onnx writes opset 18, or what --opset says",
    )


# --- parts of the graph that the checks look at -----------------------------------------------------------------------


def _segment_weights(model: OnnxModelView) -> list[str]:
    """Return the names of segment embeddings: weights with such a name, and lookup tables of two rows."""
    found = []
    for graph in model.graphs:
        for name, tensor in graph.constants.items():
            looked_up = any(node.op_type == "Gather" and index == 0 for node, index in graph.readers(name))
            rows = len(tensor.dims) == 2 and tensor.dims[0] == 2 and tensor.dims[1] > 4
            if (
                tensor.data_type in FLOATS
                and len(tensor.dims) >= 2
                and (is_segment_embedding(name) or (rows and looked_up))
            ):
                found.append(name)
    return found


def _mask_constants(graph: GraphView) -> Iterator[tuple[str, TensorProto]]:
    for name, tensor in graph.constants.items():
        if any(node.op_type in _MASKING for node, _ in graph.readers(name)):
            yield name, tensor
    for node in graph.proto.node:
        if node.op_type == "ConstantOfShape":
            yield from ((node.name or node.output[0], one.t) for one in node.attribute if one.name == "value")


def _lowest(tensor: TensorProto) -> float:
    array = array_of(tensor)
    return float(np.min(array, initial=0.0))


def _epsilons(graph: GraphView) -> Iterator[tuple[str, float]]:
    for node in graph.proto.node:
        for attribute in node.attribute:
            if attribute.name == "epsilon" and "Norm" in node.op_type:
                yield node.name or node.output[0], attribute.f
        if node.op_type == "Add" and any(user.op_type in _ROOTS for user, _ in graph.readers(node.output[0])):
            for name in node.input:
                tensor = graph.constant(name)
                if tensor is not None and tensor.data_type in FLOATS and array_of(tensor).size == 1:
                    yield node.name or node.output[0], float(array_of(tensor).reshape(-1)[0])
