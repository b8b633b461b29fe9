"""The forms that a matrix or a table may have in an ONNX file, each written as the nodes that take a node's place.

Sources: the ONNX operator specification (https://onnx.ai/onnx/operators/), and ONNX Runtime's contrib operators for
MatMulNBits. The patterns of plain operators are the ones that ONNX Runtime fuses to one integer product when it loads
a file.
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
    Rounded,
    Steps,
    int4_blocks,
    int8_steps,
    packed_int4,
    packed_int8,
)

#: type of integer weights -> what stands for 0 in it
WEIGHT_TYPES = {"int8": 0, "uint8": 128}
#: of "int8-block": kernels for other sizes are slower, or missing
_INT8_BLOCK = 128
#: MatMulNBits computes in integers, with activations of 8 bits in blocks of the same size
_INTEGER_ARITHMETIC = 4


class Options(NamedTuple):
    """What the forms need to know; see `onnx_quantize.quantize`."""

    weight_type: str
    reduce_range: bool
    ranges: Mapping[str, tuple[float, float]]
    rounded: Mapping[str, Rounded]
    block_size: int
    #: tables that are a decoder's matrix too
    tied: Collection[str]

    @property
    def levels(self) -> int:
        """The largest step of a weight in an integer product."""
        return 63 if self.reduce_range else 127


#: writes what takes the place of a node that uses the matrix of this name
Form = Callable[[GraphRewriter, onnx.NodeProto, str, Options], None]


# --- integer products with a scale for a channel --------------------------------------------------------------------


def _dynamic(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: Options) -> None:
    _integer_product(graph, node.input[0], _channels(graph, name, options, axis=0), node.output[0])


def _dynamic_tensor(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: Options) -> None:
    _integer_product(graph, node.input[0], _channels(graph, name, options, axis=None), node.output[0])


def _integer_product(graph: GraphRewriter, source: str, weights: tuple[str, ...], output: str) -> None:
    """MatMulInteger; activations that several products take are quantized once."""
    steps, scales, *zero = weights
    value, scale, zero_point = graph.once("dynamic", source, make=lambda: _quantize_activation(graph, source))
    total, number, factor = (graph.fresh(f"{output}_{part}") for part in ("total", "number", "scale"))
    graph.emit("MatMulInteger", [value, steps, zero_point, *zero], [total])
    graph.emit("Cast", [total], [number], to=TensorProto.FLOAT)
    graph.emit("Mul", [scale, scales], [factor])
    graph.emit("Mul", [number, factor], [output])


def _quantize_activation(graph: GraphRewriter, source: str) -> tuple[str, ...]:
    names = tuple(graph.fresh(f"{source}_{part}") for part in ("quantized", "scale", "zero_point"))
    graph.emit("DynamicQuantizeLinear", [source], names)
    return names


def _channels(graph: GraphRewriter, name: str, options: Options, *, axis: int | None) -> tuple[str, ...]:
    """The matrix `[in, out]` in integers, its scales, and its zero point if that is not 0."""

    def make() -> tuple[str, ...]:
        steps, scales = int8_steps(graph.weight(name), axis=axis, levels=options.levels)
        return _constants(graph, name, Steps(steps, scales[0] if axis == 0 else scales[0, 0]), options.weight_type)

    return graph.once(name, make=make)


def _constants(graph: GraphRewriter, name: str, weights: Steps, weight_type: str) -> tuple[str, ...]:
    zero = WEIGHT_TYPES[weight_type]
    names = (
        graph.constant(f"{name}_quantized", _moved(weights.steps, weight_type)),
        graph.constant(f"{name}_scale", weights.scales),
    )
    return (*names, graph.constant(f"{name}_zero_point", np.array(zero, weight_type))) if zero else names


def _moved(steps: NDArray[np.int8], weight_type: str) -> NDArray[Any]:
    """Steps as the type has them."""
    return (steps.astype(np.int16) + WEIGHT_TYPES[weight_type]).astype(weight_type)


def _static(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: Options) -> None:
    """A float product between DequantizeLinears, which engines that know integer products fuse to one."""
    source = node.input[0]
    left, *_ = graph.once("static", source, make=lambda: _static_activation(graph, source, options.ranges[source]))
    right, *_ = graph.once(name, make=lambda: _static_weights(graph, name, options))
    graph.emit("MatMul", [left, right], node.output)


def _static_activation(graph: GraphRewriter, source: str, limits: tuple[float, float]) -> tuple[str, ...]:
    """The least and largest value take the steps 0 and 255; 0 is a step too, and exact."""
    least, largest = min(limits[0], 0.0), max(limits[1], 0.0)
    step = max((largest - least) / 255, float(SMALLEST_SCALE))
    scale = graph.constant(f"{source}_scale", np.array(step, np.float32))
    zero_point = graph.constant(f"{source}_zero_point", np.array(round(-least / step), np.uint8))
    quantized, restored = graph.fresh(f"{source}_quantized"), graph.fresh(f"{source}_dequantized")
    graph.emit("QuantizeLinear", [source, scale, zero_point], [quantized])
    graph.emit("DequantizeLinear", [quantized, scale, zero_point], [restored])
    return (restored,)


def _static_weights(graph: GraphRewriter, name: str, options: Options) -> tuple[str, ...]:
    steps, scales = int8_steps(graph.weight(name), axis=0, levels=options.levels)
    zeros = np.full(scales.size, WEIGHT_TYPES[options.weight_type], options.weight_type)
    (zero_point,) = graph.once(
        "zero points", str(zeros.size), make=lambda: (graph.constant(f"zero_points_{zeros.size}", zeros),)
    )
    quantized = graph.constant(f"{name}_quantized", _moved(steps, options.weight_type))
    restored = graph.fresh(f"{name}_dequantized")
    graph.emit(
        "DequantizeLinear", [quantized, graph.constant(f"{name}_scale", scales[0]), zero_point], [restored], axis=1
    )
    return (restored,)


# --- integer products with a scale for a block ----------------------------------------------------------------------


def _int8_block(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: Options) -> None:
    _block_product(graph, node, name, 8, _INT8_BLOCK, lambda matrix: packed_int8(matrix, _INT8_BLOCK))


def _int4_block(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: Options) -> None:
    size = options.block_size

    def pack(matrix: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        rounded = options.rounded[name] if name in options.rounded else int4_blocks(matrix, size)
        return packed_int4(rounded, size), rounded.scales

    _block_product(graph, node, name, 4, size, pack)


def _block_product(
    graph: GraphRewriter,
    node: onnx.NodeProto,
    name: str,
    bits: int,
    block_size: int,
    pack: Callable[[NDArray[np.float32]], tuple[NDArray[np.uint8], NDArray[np.float32]]],
) -> None:
    """MatMulNBits. Its zero points are left out: they are the middle of what `bits` can say."""
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


# --- rows -----------------------------------------------------------------------------------------------------------


def _int8_rows(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: Options) -> None:
    """Only the rows that were looked up are widened. A decoder multiplies by the rows as they are."""
    weights = graph.once(name, make=lambda: _row_constants(graph, name, options))
    if node.op_type == "Gather":
        _lookup(graph, node, weights, options)
    else:
        _decode(graph, node, weights)


def _row_constants(graph: GraphRewriter, name: str, options: Options) -> tuple[str, ...]:
    """The table `[rows, width]` in integers, its scales `[rows, 1]`, and its zero point if that is not 0.

    No product limits what a table that is only looked up may hold.
    """
    if name not in options.tied:
        return _constants(graph, name, int8_steps(graph.weight(name), axis=1), "int8")
    return _constants(graph, name, int8_steps(graph.weight(name), axis=1, levels=options.levels), options.weight_type)


def _lookup(graph: GraphRewriter, node: onnx.NodeProto, weights: tuple[str, ...], options: Options) -> None:
    steps, scales, *zero = weights
    ids, output = node.input[1], node.output[0]
    rows, number, scale = (graph.fresh(f"{output}_{part}") for part in ("rows", "number", "scale"))
    graph.emit("Gather", [steps, ids], [rows], axis=0)
    graph.emit("Cast", [rows], [number], to=TensorProto.FLOAT)
    if zero:
        middle = graph.constant(f"{output}_middle", np.array(WEIGHT_TYPES[options.weight_type], np.float32))
        centred = graph.fresh(f"{output}_centred")
        graph.emit("Sub", [number, middle], [centred])
        number = centred
    graph.emit("Gather", [scales, ids], [scale], axis=0)
    graph.emit("Mul", [number, scale], [output])


def _decode(graph: GraphRewriter, node: onnx.NodeProto, weights: tuple[str, ...]) -> None:
    """The rows turned into columns, which engines compute when they load the file: it holds them once."""
    steps, scales, *zero = weights

    def make() -> tuple[str, ...]:
        matrix, channels = graph.fresh(f"{steps}_transposed"), graph.fresh(f"{scales}_channels")
        graph.emit("Transpose", [steps], [matrix], perm=[1, 0])
        graph.emit("Squeeze", [scales, graph.constant(f"{scales}_axis", np.array([1], np.int64))], [channels])
        return matrix, channels

    source, _, *bias = node.input
    output = node.output[0]
    product = graph.fresh(f"{output}_product") if bias else output
    _integer_product(graph, source, (*graph.once(steps, "turned", make=make), *zero), product)
    if bias:
        graph.emit("Add", [product, *bias], [output])


# --- float16 --------------------------------------------------------------------------------------------------------


def _float16(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: Options) -> None:
    """The node as it is, behind a Cast that engines compute when they load the file."""
    (widened,) = graph.once(name, "widened", make=lambda: _widened(graph, name))
    changed = onnx.NodeProto()
    changed.CopyFrom(node)
    changed.input[:] = [widened if value == name else value for value in node.input]
    graph.keep(changed)


def _widened(graph: GraphRewriter, name: str) -> tuple[str, ...]:
    widened = graph.fresh(f"{name}_widened")
    graph.emit("Cast", [_half(graph, name)], [widened], to=TensorProto.FLOAT)
    return (widened,)


def _half(graph: GraphRewriter, name: str) -> str:
    def make() -> tuple[str, ...]:
        return (graph.constant(f"{name}_half", graph.weight(name).astype(np.float16)),)

    return graph.once(name, make=make)[0]


def _float16_rows(graph: GraphRewriter, node: onnx.NodeProto, name: str, options: Options) -> None:
    """Only the rows that were looked up are widened; for a decoder, the whole table when the file is loaded."""
    if node.op_type != "Gather":
        _float16(graph, node, name, options)
        return
    rows = graph.fresh(f"{node.output[0]}_half")
    graph.emit("Gather", [_half(graph, name), node.input[1]], [rows], axis=0)
    graph.emit("Cast", [rows], node.output, to=TensorProto.FLOAT)


#: form -> how it is written
FORMS: dict[str, Form] = {
    "int8-tensor": _dynamic_tensor,
    "int8": _dynamic,
    "int8-static": _static,
    "int8-block": _int8_block,
    "int4-block": _int4_block,
    "fp16": _float16,
    "int8-rows": _int8_rows,
    "fp16-rows": _float16_rows,
}
