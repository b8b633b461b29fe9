"""Faults in how an ONNX file holds its weights: twice, hidden, unread, or in another type than it says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

from albert_converters.doctor.diagnosis import Finding, megabytes
from albert_converters.onnx.doctor.duplicate_weights import equal_weights, packed_weights, transposed_weights
from albert_converters.onnx.doctor.passes import unused_weights
from albert_converters.onnx.model import QUANTIZERS, WEIGHT_BYTES, OnnxFile, Source, size_of, sum_of_sizes
from albert_converters.weight_faults import Copies, held_twice

#: in the name of a file: it says that it is quantized
_QUANTIZED_NAME = re.compile(r"u?int8|int4|\bq8|\bq4|quant", re.IGNORECASE)
_QUANTIZED_OPERATORS = (*QUANTIZERS, "MatMulInteger", "QLinearMatMul", "QAttention", "DynamicQuantizeMatMul",
                        "MatMulIntegerToFloat", "MatMulNBits")  # fmt: skip
_OPTIMUM_CONFIG = "ort_config.json"


def duplicated_weights(file: OnnxFile) -> Iterator[Finding]:
    """Weights whose bytes stand in the file more than once."""
    sizes = {name: size_of(tensor) for scope in file.scopes for name, tensor in scope.constants.items()}
    groups = equal_weights(file.scopes)
    yield from held_twice([Copies(names[0], len(names), sizes[names[0]]) for names in groups], file.bytes)


def transposed_copies(file: OnnxFile) -> Iterator[Finding]:
    """Matrices that stand in the file a second time, transposed."""
    pairs = [pair for scope in file.scopes for pair in transposed_weights(scope, file.opset)]
    if not pairs:
        return
    wasted = sum(pair.bytes for pair in pairs)
    mendable = all(pair.dropped for pair in pairs)
    yield Finding(
        "transposed-copies",
        fault=True,
        what=f"{len(pairs)} matrices stand there a second time, transposed",
        costs=f"{megabytes(wasted)} of {megabytes(file.bytes)}, on disk and in memory",
        remedy="--fix keeps each of them once, and lets the products read it transposed"
        if mendable
        else "not all of them can be shared exactly: export the checkpoint again with albert-export onnx",
        where=tuple(f"{pair.dropped or pair.kept}: {megabytes(pair.bytes)}" for pair in pairs),
        wasted_bytes=wasted,
        mendable=any(pair.dropped for pair in pairs),
    )


def packed_copies(file: OnnxFile) -> Iterator[Finding]:
    """Matrices that stand in the file a second time, as columns of a wider one."""
    found = [packed for scope in file.scopes for packed in packed_weights(scope, file.opset)]
    if not found:
        return
    wasted = sum(packed.bytes for packed in found)
    yield Finding(
        "packed-copies",
        fault=True,
        what=f"{sum(len(packed.parts) for packed in found)} matrices are columns of wider ones: some passes of the "
        "shared layer were packed (query, key and value in one), others were not",
        costs=f"{megabytes(wasted)} of {megabytes(file.bytes)}, on disk and in memory",
        remedy="--fix lets the packed matrix serve both",
        where=tuple(f"{' + '.join(packed.parts)} in {packed.matrix}" for packed in found),
        wasted_bytes=wasted,
        mendable=True,
    )


def hidden_weights(file: OnnxFile) -> Iterator[Finding]:
    """Matrices that a product reads through an operator, so that quantizers take them for activations."""
    matrices = _matrices(file)
    hidden = [source for source in matrices if source.is_hidden]
    if not hidden:
        return
    size = sum_of_sizes([source.tensor for source in hidden])
    ways = Counter(" and ".join(source.through) for source in hidden)
    names = Counter(source.tensor.name for source in hidden)
    # widening weights as they are read is how a file stays small: folding that would make it larger
    mendable = any("Cast" not in source.through for source in hidden)
    yield Finding(
        "hidden-weights",
        fault=True,
        what=f"{len(hidden)} of {len(matrices)} matrix products with weights read them through "
        + ", ".join(f"{way} ({count})" for way, count in ways.items()),
        costs=f"{megabytes(size)} of weights stay as they are when the file is quantized: quantizers skip them",
        remedy="--fix makes them plain weights"
        if mendable
        else "export the checkpoint in the type that the products compute in: albert-export onnx --precision fp16",
        where=tuple(f"{name}: {count} products" for name, count in names.most_common()),
        mendable=mendable,
    )


def unkept_claims(file: OnnxFile) -> Iterator[Finding]:
    """A file that calls itself quantized, and holds most weights of its products in floating point."""
    claims = list(_claims(file))
    sources = _matrices(file)
    floats = [source for source in sources if source.is_float]
    in_floats = sum_of_sizes([source.tensor for source in floats])
    in_all = sum_of_sizes([source.tensor for source in sources])
    if not claims or not floats or (2 * in_floats <= in_all and 2 * len(floats) <= len(sources)):
        return
    between = sum(product.matrix is None for product in file.products)
    anew = sum(bool(set(source.through) & set(QUANTIZERS)) for source in floats)
    yield Finding(
        "claims-int8",
        fault=True,
        what=f"it says that it is quantized ({', '.join(claims)}), but {len(sources) - len(floats)} of "
        f"{len(file.products)} matrix products hold quantized weights: {len(floats)} hold them in floating point, "
        f"{between} multiply activations by activations and have none",
        costs=f"{megabytes(in_floats)} of {megabytes(file.bytes)} are weights in floating point"
        + (f"; {anew} products quantize theirs as the file is loaded or run" if anew else ""),
        remedy="albert-export onnx --precision int8 quantizes the checkpoint's products"
        + ("; --fix stores what this file quantizes as it runs" if anew else ""),
        where=tuple(dict.fromkeys(source.tensor.name for source in floats)),
        mendable=bool(anew),
    )


def _claims(file: OnnxFile) -> Iterator[str]:
    """What makes a reader believe that the file is quantized."""
    if _QUANTIZED_NAME.search(file.path.name):
        yield f"its name {file.path.name}"
    if "quant" in file.model.producer_name.lower():
        yield f"its producer {file.model.producer_name}"
    operators = Counter(node.op_type for node in file.nodes)
    yield from (f"{operators[name]} {name}" for name in _QUANTIZED_OPERATORS if operators[name])
    try:
        config = json.loads((file.path.parent / _OPTIMUM_CONFIG).read_text(encoding="utf-8"))
        if isinstance(config, dict) and config.get("quantization"):
            yield f"{_OPTIMUM_CONFIG} beside it"
    except (OSError, ValueError):  # most files have none
        return


def unread_weights(file: OnnxFile) -> Iterator[Finding]:
    """Weights that no operator reads."""
    found = {name: size_of(scope.constants[name]) for scope in file.scopes for name in unused_weights(scope)}
    if sum(found.values()) < WEIGHT_BYTES:
        return
    yield Finding(
        "unread-weights",
        fault=True,
        what=f"{len(found)} weights are read by no operator",
        costs=f"{megabytes(sum(found.values()))} of {megabytes(file.bytes)}",
        remedy="--fix drops them",
        where=tuple(sorted(found, key=lambda name: -found[name])),
        wasted_bytes=sum(found.values()),
        mendable=True,
    )


def replaceable_weights(file: OnnxFile) -> Iterator[Finding]:
    """Weights that are listed as inputs, as files of IR version 3 had to."""
    asked = {one.name for one in file.inputs}
    names = [value.name for value in file.model.graph.input if value.name not in asked]
    if not names:
        return
    yield Finding(
        "replaceable-weights",
        fault=True,
        what=f"{len(names)} weights are listed as inputs too, so that a caller may replace them",
        costs="engines can't prepare, pack or fuse them: slower runs, and quantizers skip them",
        remedy="--fix takes them from the list",
        where=tuple(names),
        mendable=True,
    )


def _matrices(file: OnnxFile) -> list[Source]:
    """The weights of all products that have some, one for each product."""
    sources = [product.matrix for product in file.products if product.matrix is not None]
    return [source for source in sources if size_of(source.tensor) >= WEIGHT_BYTES]
