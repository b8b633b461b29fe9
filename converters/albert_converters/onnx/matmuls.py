"""Matrix multiplications (matmuls) of an ONNX graph, whichever operator computes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import onnx

from albert_converters.onnx.graph_view import ConstantSource, GraphView

#: operators that multiply matrices -> the indexes of the two operands; the weight is more often the first one listed.
#: Convolutions are among them because some exporters write a linear layer as a convolution of width 1. Attention and
#: QAttention, of com.microsoft, multiply by the packed weights of query, key and value.
_OPERANDS = {
    "MatMul": (1, 0),
    "Gemm": (1, 0),
    "Conv": (1, 0),
    "FusedMatMul": (1, 0),
    "FusedGemm": (1, 0),
    "Attention": (1, 0),
    "MatMulInteger": (1, 0),
    "QLinearMatMul": (3, 0),
    "MatMulIntegerToFloat": (1, 0),
    "DynamicQuantizeMatMul": (1, 0),
    "QAttention": (1, 0),
    "MatMulNBits": (1, 0),
}
#: operators that multiply quantized weights -> how they quantize the activations, see `inspect_onnx`
QUANTIZED_MATMULS = {
    "MatMulInteger": "dynamic",
    "MatMulIntegerToFloat": "dynamic",
    "DynamicQuantizeMatMul": "dynamic",
    "QAttention": "dynamic",
    "QLinearMatMul": "static",
    "MatMulNBits": "blockwise",
}


@dataclass(frozen=True)
class Matmul:
    """One node that multiplies two matrices."""

    node: onnx.NodeProto
    #: the constant matrix that it multiplies by; None where it multiplies activations by activations
    constant: ConstantSource | None
    #: the nodes that compute the operands; None for an operand that is a constant or an input of the graph
    operand_producers: tuple[onnx.NodeProto | None, ...]


def matmuls_of(views: Sequence[GraphView]) -> Iterator[Matmul]:
    """Yield the matmuls of all graphs, each node once, in the order of the file."""
    for view in views:
        for node in view.proto.node:
            operands = [node.input[index] for index in _OPERANDS.get(node.op_type, ()) if index < len(node.input)]
            if operands:
                sources = (view.constant_source(name) for name in operands)
                constant = next((source for source in sources if source is not None), None)
                yield Matmul(node, constant, tuple(view.producer(name) for name in operands))
