"""Checks of how an ONNX file stores its weights: several times, hidden, unread, or not in the type that it claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from albert_converters.doctor.diagnosis import CheckResult, megabytes
from albert_converters.doctor.shared_checks import (
    QUANTIZED_NAME,
    DuplicatedWeight,
    duplicated_weights,
    transposed_copies,
)
from albert_converters.onnx import graph_view
from albert_converters.onnx.doctor.duplicate_weights import packed_matmuls, transposed_pairs
from albert_converters.onnx.graph_view import QUANTIZERS, WEIGHT_BYTES, size_of, sum_of_sizes
from albert_converters.onnx.matmuls import QUANTIZED_MATMULS
from albert_converters.onnx.model import OnnxModelView

#: optimum writes this file beside a model, with the settings of its quantization
_OPTIMUM_CONFIG = "ort_config.json"


def check_duplicated_weights(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find weights whose bytes the file stores more than once."""
    # a repair shares weights within a graph, but not between two branches of an If, say
    shared = [graph_view.duplicated_weights([graph]) for graph in model.graphs]
    within_a_graph = {id(weight.tensor) for groups in shared for group in groups for weight in group}
    found = [
        DuplicatedWeight(
            group[0].name,
            len(group),
            size_of(group[0].tensor),
            repairable=all(id(weight.tensor) in within_a_graph for weight in group),
        )
        for group in model.duplicated_weights
    ]
    yield from duplicated_weights(found, model.file_bytes)


def check_transposed_copies(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find matrices that the file stores a second time, transposed."""
    pairs = [pair for graph in model.graphs for pair in transposed_pairs(graph, model.opset)]
    yield from transposed_copies(
        [(pair.removable or pair.kept, pair.bytes) for pair in pairs],
        model.file_bytes,
        remedy="--fix keeps each of them once, and lets the matmuls read it transposed"
        if all(pair.removable for pair in pairs)
        else "not all of them can be shared exactly: export the checkpoint again with albert-export onnx",
        repairable=any(pair.removable for pair in pairs),
    )


def check_packed_copies(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find matrices that the file stores a second time, as columns of a wider one."""
    found = [packed for graph in model.graphs for packed in packed_matmuls(graph, model.opset)]
    if not found:
        return
    wasted = sum(packed.bytes for packed in found)
    yield CheckResult(
        "packed-copies",
        is_error=True,
        what=f"{sum(len(packed.parts) for packed in found)} matrices are columns of wider ones: some passes of the "
        "shared layer were packed (query, key and value in one), others were not",
        costs=f"{megabytes(wasted)} of {megabytes(model.file_bytes)}, on disk and in memory",
        remedy="--fix lets all passes read the packed matrix",
        where=tuple(f"{' + '.join(packed.parts)} in {packed.packed}" for packed in found),
        wasted_bytes=wasted,
        repairable=True,
    )


def check_hidden_weights(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find weights that a matmul reads through an operator, so that quantizers take them for activations."""
    sources = [matmul.constant for matmul in model.matmuls if matmul.constant is not None]
    hidden = [source for source in sources if source.is_hidden and source.is_weight]
    if not hidden:
        return
    size = sum_of_sizes([source.tensor for source in hidden])
    ways = Counter(" and ".join(source.through) for source in hidden)
    names = Counter(source.name for source in hidden)
    # a Cast that widens weights as they are read keeps the file small: folding it would make the file larger
    repairable = any("Cast" not in source.through for source in hidden)
    yield CheckResult(
        "hidden-weights",
        is_error=True,
        what=f"{len(hidden)} of {len(sources)} matmuls with weights read them through "
        + ", ".join(f"{way} ({count})" for way, count in ways.items()),
        costs=f"{megabytes(size)} of weights stay as they are when the file is quantized: quantizers skip them",
        remedy="--fix makes them plain weights"
        if repairable
        else "export the checkpoint in the type that the matmuls compute in: albert-export onnx --precision fp16",
        where=tuple(f"{name}: {count} matmuls" for name, count in names.most_common()),
        repairable=repairable,
    )


def check_int8_claims(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find a file that says it is quantized, but stores most weights of its matmuls in floating point."""
    claims = list(_claims(model))
    matmuls = model.matmuls
    sources = [matmul.constant for matmul in matmuls if matmul.constant is not None]
    floats = [source for source in sources if source.is_float]
    float_bytes = sum_of_sizes([source.tensor for source in floats])
    all_bytes = sum_of_sizes([source.tensor for source in sources])
    if not claims or not floats or (2 * float_bytes <= all_bytes and 2 * len(floats) <= len(sources)):
        return
    at_run_time = sum(source.is_quantized_at_run_time for source in floats)
    yield CheckResult(
        "claims-int8",
        is_error=True,
        what=f"it says that it is quantized ({', '.join(claims)}), but {len(sources) - len(floats)} of "
        f"{len(matmuls)} matmuls have quantized weights: {len(floats)} have weights in floating point, "
        f"{len(matmuls) - len(sources)} multiply activations by activations and have none",
        costs=f"{megabytes(float_bytes)} of {megabytes(model.file_bytes)} are weights in floating point"
        + (f"; {at_run_time} matmuls quantize theirs when the file is loaded or run" if at_run_time else ""),
        remedy="albert-export onnx --precision int8 quantizes the weights of the checkpoint"
        + ("; --fix stores the weights that this file quantizes at run time" if at_run_time else ""),
        where=tuple(dict.fromkeys(source.name for source in floats)),
        repairable=bool(at_run_time),
    )


def _claims(model: OnnxModelView) -> Iterator[str]:
    """Yield what makes a reader believe that the file is quantized."""
    if QUANTIZED_NAME.search(model.path.name):
        yield f"its name {model.path.name}"
    if "quant" in model.proto.producer_name.lower():
        yield f"its producer {model.proto.producer_name}"
    operators = Counter(node.op_type for node in model.nodes)
    yield from (f"{operators[name]} {name}" for name in (*QUANTIZERS, *QUANTIZED_MATMULS) if operators[name])
    try:
        config = json.loads((model.path.parent / _OPTIMUM_CONFIG).read_text(encoding="utf-8"))
        if isinstance(config, dict) and config.get("quantization"):
            yield f"{_OPTIMUM_CONFIG} beside it"
    except (OSError, ValueError):  # most files have none beside them
        return


def check_unread_weights(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find weights that no operator reads."""
    found = {name: size_of(graph.constants[name]) for graph in model.graphs for name in graph.unread_initializers()}
    if sum(found.values()) < WEIGHT_BYTES:
        return
    yield CheckResult(
        "unread-weights",
        is_error=True,
        what=f"{len(found)} weights are read by no operator",
        costs=f"{megabytes(sum(found.values()))} of {megabytes(model.file_bytes)}",
        remedy="--fix removes them",
        where=tuple(sorted(found, key=lambda name: -found[name])),
        wasted_bytes=sum(found.values()),
        repairable=True,
    )


def check_replaceable_weights(model: OnnxModelView) -> Iterator[CheckResult]:
    """Find weights that are listed as inputs too, as IR version 3 demanded."""
    asked = {one.name for one in model.inputs}
    names = [value.name for value in model.proto.graph.input if value.name not in asked]
    if not names:
        return
    yield CheckResult(
        "replaceable-weights",
        is_error=True,
        what=f"{len(names)} weights are listed as inputs too, so that a caller may replace them",
        costs="engines can't prepare, pack or fuse them: slower runs, and quantizers skip them",
        remedy="--fix removes them from the list of inputs",
        where=tuple(names),
        repairable=True,
    )
