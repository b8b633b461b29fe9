"""Quantization schemes: how a weight is stored in an ONNX file, and the nodes that compute with it.

Sources: the ONNX operator specification (https://onnx.ai/onnx/operators/), and ONNX Runtime's contrib operators for
MatMulNBits. Where a scheme uses standard operators, they form the patterns that ONNX Runtime fuses to one integer
matrix multiplication when it loads a file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from albert_converters.onnx.quantization.graph_rewriter import CONTRIB, GraphRewriter
from albert_converters.onnx.quantization.weight_quantizers import (
    SMALLEST_SCALE,
    Int4Weights,
    QuantizedValues,
    pack_int4,
    quantize_int4,
    quantize_int8,
    quantize_int8_blocks,
)

#: the block size of "int8-block": kernels for other sizes are slower, or missing
_INT8_BLOCK = 128
#: MatMulNBits' accuracy level for integer arithmetic: activations have 8 bits too, in blocks of the same size
_INTEGER_ARITHMETIC = 4


class SchemeOptions(NamedTuple):
    """The options of all schemes; see `quantize.quantize`."""

    reduce_range: bool
    ranges: Mapping[str, tuple[float, float]]
    int4_weights: Mapping[str, Int4Weights]
    block_size: int
    #: the tables that are a decoder's matrix too
    tied: Collection[str]

    @property
    def largest(self) -> int:
        """The largest quantized value of a weight that an integer matrix multiplication reads."""
        return 63 if self.reduce_range else 127


#: writes the nodes that replace a node which uses the weight of this name
Scheme = Callable[[GraphRewriter, onnx.NodeProto, str, SchemeOptions], None]


# --- integer matrix multiplication, a scale for each output channel -------------------------------------------------


def _dynamic(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: SchemeOptions) -> None:
    """MatMulInteger with 8-bit weights; the range of the activations is found in each run."""

    def make() -> tuple[str, ...]:
        values, scales = quantize_int8(graph.weight(name), axis=0, largest=options.largest)
        return _constants(graph, name, QuantizedValues(values, scales[0]))

    _integer_matmul(graph, node.input[0], graph.once(name, make=make), node.output[0])


def _integer_matmul(graph: GraphRewriter, source: str, weights: tuple[str, ...], output: str) -> None:
    """Write a MatMulInteger. Activations that several of them read are quantized once."""
    values, scales = weights
    value, scale, zero_point = graph.once("dynamic", source, make=lambda: _quantize_activation(graph, source))
    total, number, factor = (graph.fresh(f"{output}_{part}") for part in ("total", "number", "scale"))
    graph.emit("MatMulInteger", [value, values, zero_point], [total])
    graph.emit("Cast", [total], [number], to=TensorProto.FLOAT)
    graph.emit("Mul", [scale, scales], [factor])
    graph.emit("Mul", [number, factor], [output])


def _quantize_activation(graph: GraphRewriter, source: str) -> tuple[str, ...]:
    names = tuple(graph.fresh(f"{source}_{part}") for part in ("quantized", "scale", "zero_point"))
    graph.emit("DynamicQuantizeLinear", [source], names)
    return names


def _constants(graph: GraphRewriter, name: str, weights: QuantizedValues) -> tuple[str, ...]:
    """Add the quantized values and the scales of a weight as constants; return their names."""
    return graph.constant(f"{name}_quantized", weights.values), graph.constant(f"{name}_scale", weights.scales)


def _static(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: SchemeOptions) -> None:
    """Write a float MatMul between DequantizeLinears, which engines fuse to one integer matrix multiplication."""
    source = node.input[0]
    left, *_ = graph.once("static", source, make=lambda: _static_activation(graph, source, options.ranges[source]))
    right, *_ = graph.once(name, make=lambda: _static_weights(graph, name, options))
    graph.emit("MatMul", [left, right], node.output)


def _static_activation(graph: GraphRewriter, source: str, limits: tuple[float, float]) -> tuple[str, ...]:
    """Quantize an activation: the ends of its range become 0 and 255, and 0.0 is represented exactly."""
    lowest, highest = min(limits[0], 0.0), max(limits[1], 0.0)
    width = max((highest - lowest) / 255, float(SMALLEST_SCALE))
    scale = graph.constant(f"{source}_scale", np.array(width, np.float32))
    zero_point = graph.constant(f"{source}_zero_point", np.array(round(-lowest / width), np.uint8))
    quantized, restored = graph.fresh(f"{source}_quantized"), graph.fresh(f"{source}_dequantized")
    graph.emit("QuantizeLinear", [source, scale, zero_point], [quantized])
    graph.emit("DequantizeLinear", [quantized, scale, zero_point], [restored])
    return (restored,)


def _static_weights(graph: GraphRewriter, name: str, options: SchemeOptions) -> tuple[str, ...]:
    values, scales = quantize_int8(graph.weight(name), axis=0, largest=options.largest)
    zeros = np.zeros(scales.size, np.int8)
    (zero_point,) = graph.once(
        "zero points", str(zeros.size), make=lambda: (graph.constant(f"zero_points_{zeros.size}", zeros),)
    )
    quantized = graph.constant(f"{name}_quantized", values)
    restored = graph.fresh(f"{name}_dequantized")
    graph.emit(
        "DequantizeLinear", [quantized, graph.constant(f"{name}_scale", scales[0]), zero_point], [restored], axis=1
    )
    return (restored,)


# --- integer matrix multiplication, a scale for each block ----------------------------------------------------------


def _int8_block(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: SchemeOptions) -> None:
    _block_matmul(graph, node, name, 8, _INT8_BLOCK, lambda matrix: quantize_int8_blocks(matrix, _INT8_BLOCK))


def _int4_block(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: SchemeOptions) -> None:
    size = options.block_size

    def pack(matrix: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        weights = options.int4_weights[name] if name in options.int4_weights else quantize_int4(matrix, size)
        return pack_int4(weights, size), weights.scales

    _block_matmul(graph, node, name, 4, size, pack)


def _block_matmul(
    graph: GraphRewriter,
    node: onnx.NodeProto,
    name: str,
    bits: int,
    block_size: int,
    pack: Callable[[NDArray[np.float32]], tuple[NDArray[np.uint8], NDArray[np.float32]]],
) -> None:
    """Write a MatMulNBits. Its zero points are left out: they default to the middle of the range of `bits`."""
    matrix = graph.weight(name)

    def make() -> tuple[str, ...]:
        blob, scales = pack(matrix)
        return graph.constant(f"{name}_quantized", blob), graph.constant(f"{name}_scale", scales.ravel())

    attributes: dict[str, Any] = {"K": matrix.shape[0], "N": matrix.shape[1], "bits": bits, "block_size": block_size}
    graph.emit(
        "MatMulNBits",
        [node.input[0], *graph.once(name, make=make)],
        node.output,
        domain=CONTRIB,
        accuracy_level=_INTEGER_ARITHMETIC,
        **attributes,
    )


# --- tables whose rows are looked up --------------------------------------------------------------------------------


def _int8_rows(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: SchemeOptions) -> None:
    """Dequantize only the rows that are looked up. A decoder multiplies by the quantized rows."""
    # no integer matrix multiplication limits the values of a table that is only looked up
    largest = options.largest if name in options.tied else 127
    weights = graph.once(
        name, make=lambda: _constants(graph, name, quantize_int8(graph.weight(name), axis=1, largest=largest))
    )
    if node.op_type == "Gather":
        _lookup(graph, node, weights)
    else:
        _decode(graph, node, weights)


def _lookup(graph: GraphRewriter, node: onnx.NodeProto, weights: tuple[str, ...]) -> None:
    values, scales = weights
    ids, output = node.input[1], node.output[0]
    rows, number, scale = (graph.fresh(f"{output}_{part}") for part in ("rows", "number", "scale"))
    graph.emit("Gather", [values, ids], [rows], axis=0)
    graph.emit("Cast", [rows], [number], to=TensorProto.FLOAT)
    graph.emit("Gather", [scales, ids], [scale], axis=0)
    graph.emit("Mul", [number, scale], [output])


def _decode(graph: GraphRewriter, node: onnx.NodeProto, weights: tuple[str, ...]) -> None:
    """Multiply by the transposed table. Engines transpose it when they load the file, so it is stored once."""
    values, scales = weights

    def make() -> tuple[str, ...]:
        matrix, channels = graph.fresh(f"{values}_transposed"), graph.fresh(f"{scales}_channels")
        graph.emit("Transpose", [values], [matrix], perm=[1, 0])
        graph.emit("Squeeze", [scales, graph.constant(f"{scales}_axis", np.array([1], np.int64))], [channels])
        return matrix, channels

    source, _, *bias = node.input
    output = node.output[0]
    matmul_output = graph.fresh(f"{output}_product") if bias else output
    _integer_matmul(graph, source, graph.once(values, "transposed", make=make), matmul_output)
    if bias:
        graph.emit("Add", [matmul_output, *bias], [output])


# --- float16 --------------------------------------------------------------------------------------------------------


def _float16(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: SchemeOptions) -> None:
    """Store the weight in float16, behind a Cast to float32 that engines compute when they load the file."""

    def make() -> tuple[str, ...]:
        widened = graph.fresh(f"{name}_widened")
        half = graph.constant(f"{name}_half", graph.weight(name).astype(np.float16))
        graph.emit("Cast", [half], [widened], to=TensorProto.FLOAT)
        return (widened,)

    (widened,) = graph.once(name, make=make)
    changed = onnx.NodeProto()
    changed.CopyFrom(node)
    changed.input[:] = [widened if value == name else value for value in node.input]
    graph.keep(changed)


#: name of a scheme -> the function that writes it
SCHEMES: dict[str, Scheme] = {
    "int8": _dynamic,
    "int8-static": _static,
    "int8-block": _int8_block,
    "int4-block": _int4_block,
    "fp16": _float16,
    "int8-rows": _int8_rows,
}
