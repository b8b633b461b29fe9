"""Quantization of an ONNX graph: each weight matrix and each table by the scheme that is chosen for it.

All other values of the graph keep their names; only the nodes that use a quantized weight are replaced. A matrix that
many nodes share is quantized once, and stored once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from albert_converters.onnx.detached_model import values_of
from albert_converters.onnx.graph_view import graphs
from albert_converters.onnx.quantization.graph_rewriter import GraphRewriter
from albert_converters.onnx.quantization.schemes import SCHEMES, SchemeOptions
from albert_converters.onnx.quantization.weight_quantizers import INT4_LEVELS, Int4Weights
from albert_runtime.errors import ConversionError, listed

__all__ = [
    "MATMUL_SCHEMES",
    "TABLE_SCHEMES",
    "Int4Weights",
    "beyond_float16",
    "matmul_inputs",
    "matmul_weights",
    "needed_onnxruntime",
    "quantize",
    "tables",
]

#: the schemes for the weight of a matrix multiplication
MATMUL_SCHEMES = ("int8", "int8-block", "int4-block", "int8-static", "fp16")
#: the schemes for a table whose rows are looked up, even if it is a decoder's matrix too
TABLE_SCHEMES = ("int8-rows",)
#: the block sizes that MatMulNBits supports for 4-bit weights
BLOCK_SIZES = (32, 64, 128)

_SINCE_SCHEME = {"int4-block": "1.17", "int8-block": "1.23"}
#: found by loading a file of each opset in the releases 1.16 to 1.23; release 1.16 supports opsets up to 19
_SINCE_OPSET = {20: "1.17", 21: "1.18", 22: "1.21", 23: "1.23"}

_NO_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType({})
_NO_INT4_WEIGHTS: Mapping[str, Int4Weights] = MappingProxyType({})
_NOTHING_DETACHED: Mapping[str, NDArray[Any]] = MappingProxyType({})


# --- what can be quantized ------------------------------------------------------------------------------------------


class _Use(NamedTuple):
    """One use of a weight."""

    node: onnx.NodeProto
    #: the position among the node's inputs
    position: int


def matmul_weights(model: onnx.ModelProto) -> list[str]:
    """Return the float32 initializers that are only used as the right operand of matrix multiplications.

    They are in the graph's order, and `[in, out]` for MatMul. A table whose rows are looked up may be a decoder's
    matrix too, by Gemm with transB: it is `[out, in]`, and one of the `tables` as well.
    """
    return [name for name, uses in _uses(model).items() if all(map(_is_matmul, uses)) or _is_tied(uses)]


def tables(model: onnx.ModelProto) -> list[str]:
    """Return the float32 initializers `[rows, width]` whose rows Gather looks up, in the graph's order."""
    return [name for name, uses in _uses(model).items() if all(map(_is_lookup, uses)) or _is_tied(uses)]


def matmul_inputs(model: onnx.ModelProto) -> list[str]:
    """Return the values that are multiplied by the `matmul_weights`, each once, in the order of the weights."""
    uses, names = _uses(model), matmul_weights(model)
    found = [use.node.input[0] for name in names for use in uses[name] if not _is_lookup(use)]
    return list(dict.fromkeys(found))


def needed_onnxruntime(schemes: Mapping[str, str], opset: int) -> str | None:
    """Return the first release of ONNX Runtime that runs these schemes in this opset; None if 1.16 runs them.

    MatMulNBits has supported weights of 4 bits since 1.17. It has supported weights of 8 bits on x86-64 since 1.22
    (microsoft/onnxruntime pull request 24491), and on ARM64 since 1.23 (25110).

    Args:
        schemes: initializer -> its scheme.
        opset: version of the ai.onnx operators.
    """
    needs = [_SINCE_OPSET[opset]] if opset in _SINCE_OPSET else []
    needs += [_SINCE_SCHEME[scheme] for scheme in sorted(set(schemes.values()) & set(_SINCE_SCHEME))]
    return max(needs, key=lambda version: [int(part) for part in version.split(".")], default=None)


def _uses(model: onnx.ModelProto) -> dict[str, list[_Use]]:
    """Return every use of the float32 matrices among the initializers, in the graph's order.

    Matrices that bodies of loops or branches use are left out, since only the main graph is rewritten.
    """
    [_, *bodies] = graphs(model.graph)
    inside = {name for body in bodies for node in body.node for name in node.input}
    matrices = {
        tensor.name: list[_Use]()
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2 and tensor.name not in inside
    }
    order: dict[str, list[_Use]] = {}
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            if name in matrices:
                order.setdefault(name, matrices[name]).append(_Use(node, position))
    return order


def _is_matmul(use: _Use) -> bool:
    return use.node.op_type == "MatMul" and use.position == 1


def _is_lookup(use: _Use) -> bool:
    return use.node.op_type == "Gather" and use.position == 0 and _attributes(use.node).get("axis", 0) == 0


def _is_decoder(use: _Use) -> bool:
    plain = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
    return use.node.op_type == "Gemm" and use.position == 1 and {**plain, "transB": 0, **_attributes(use.node)} == plain


def _is_tied(uses: list[_Use]) -> bool:
    """Whether the weight is both a table and a decoder's matrix, and nothing else."""
    lookups, decoders = (sum(map(kind, uses)) for kind in (_is_lookup, _is_decoder))
    return lookups > 0 and decoders > 0 and lookups + decoders == len(uses)


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


# --- quantizing -----------------------------------------------------------------------------------------------------


def quantize(
    model: onnx.ModelProto,
    schemes: Mapping[str, str],
    *,
    reduce_range: bool = False,
    ranges: Mapping[str, tuple[float, float]] = _NO_RANGES,
    int4_weights: Mapping[str, Int4Weights] = _NO_INT4_WEIGHTS,
    block_size: int = 64,
    detached: Mapping[str, NDArray[Any]] = _NOTHING_DETACHED,
) -> onnx.ModelProto:
    """Return the model with quantized weights, which holds all of them; `model` itself is not changed.

    Args:
        model: a float32 graph, as `torch_export.to_onnx` writes it.
        schemes: initializer -> its quantization scheme; all other initializers stay float32. For `matmul_weights`:

            - "int8": weights with a scale for each output channel; activations as uint8, with a range that is found in
              each run (DynamicQuantizeLinear, MatMulInteger)
            - "int8-static": the same weights; activations as uint8 with a range from calibration, written as
              QuantizeLinear and DequantizeLinear around a float MatMul, which engines fuse to an integer one
            - "int8-block": a scale for each 128 weights of an output channel, and for as many activations
              (com.microsoft's MatMulNBits)
            - "int4-block": the same with weights of 4 bits, and blocks of `block_size`
            - "fp16": float16, converted to float32 when the file is loaded

            For `tables`, "int8-rows": a scale for each row. A decoder whose matrix is such a table multiplies by the
            same rows as "int8" does.
        reduce_range: whether the int8 weights of "int8" and "int8-static" range from -63 to 63. Then the sum of two
            products with uint8 activations fits in 16 bits, in which x86 processors without VNNI add them.
        ranges: for "int8-static": left operand of a matrix multiplication -> its lowest and highest value; see
            `calibration.activation_ranges`.
        int4_weights: for "int4-block": initializer -> weights that are quantized already. Others are rounded to the
            nearest value, with the best scale for each block.
        block_size: for "int4-block": 32, 64 or 128.
        detached: the values of initializers that `model` only declares; see `DetachedModel`.

    Returns:
        The new model, with the same inputs, outputs and metadata. Equal arguments give equal bytes.

    Raises:
        ConversionError: schemes do not fit the graph, or ranges are missing; the message names all problems.
    """
    tied = {name for name, uses in _uses(model).items() if _is_tied(uses)}
    options = SchemeOptions(reduce_range, ranges, int4_weights, block_size, tied)
    problems = _problems(model, schemes, options, detached)
    if problems:
        raise ConversionError(listed("the graph can't be quantized like this:", problems))
    graph = GraphRewriter(model, detached)
    for node in model.graph.node:
        weight = next((name for name in node.input if name in schemes), None)
        if weight is None:
            graph.keep(node)
        else:
            SCHEMES[schemes[weight]](graph, node, weight, options)
    result = graph.model(without=schemes)
    onnx.checker.check_model(result)
    return result


def _problems(
    model: onnx.ModelProto, schemes: Mapping[str, str], options: SchemeOptions, detached: Mapping[str, NDArray[Any]]
) -> list[str]:
    uses, matrices, rows = _uses(model), set(matmul_weights(model)), set(tables(model))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    problems = []
    if options.block_size not in BLOCK_SIZES:
        problems.append(f"block size {options.block_size} is not one of {', '.join(map(str, BLOCK_SIZES))}")
    for name, scheme in schemes.items():
        fitting = TABLE_SCHEMES if name in rows else MATMUL_SCHEMES if name in matrices else ()
        if not fitting:
            problems.append(f"{name} is neither the float32 weight of a matrix multiplication nor a lookup table")
        elif scheme not in fitting:
            problems.append(f"{name} can't be {scheme!r}; it can be {', '.join(fitting)}")
        elif scheme == "int8-static":
            inputs = dict.fromkeys(use.node.input[0] for use in uses[name])
            known = {it for it in inputs if np.isfinite(options.ranges.get(it, (np.nan,))).all()}
            problems += [f"{name} is int8-static, and {it} has no range" for it in inputs if it not in known]
        elif scheme == "int4-block" and name in options.int4_weights:
            problems += _int4_problems(name, weights[name], options)
        elif scheme == "fp16" and not _fits_float16(values_of(weights[name], detached)):
            problems.append(f"{name} can't be {scheme!r}; it holds values beyond 65504, where float16 ends")
    return problems


def beyond_float16(model: onnx.ModelProto, detached: Mapping[str, NDArray[Any]] = _NOTHING_DETACHED) -> set[str]:
    """Return the matrices among the initializers with values that are too large for float16.

    Args:
        model: a float32 graph.
        detached: the values of initializers that `model` only declares; see `DetachedModel`.
    """
    names = _uses(model)
    weights = (weight for weight in model.graph.initializer if weight.name in names)
    return {weight.name for weight in weights if not _fits_float16(values_of(weight, detached))}


def _fits_float16(weights: NDArray[Any]) -> bool:
    return bool(max(weights.max(initial=0), -weights.min(initial=0)) <= np.finfo(np.float16).max)


def _int4_problems(name: str, weight: onnx.TensorProto, options: SchemeOptions) -> list[str]:
    values, scales = options.int4_weights[name]
    rows, columns = weight.dims
    lowest, highest = INT4_LEVELS
    wanted = ((columns, rows), (columns, -(-rows // options.block_size)))
    if (values.shape, scales.shape) == wanted and lowest <= values.min() <= values.max() <= highest:
        return []
    given = f"values {values.shape} from {values.min()} to {values.max()} and scales {scales.shape}"
    needed = f"values {wanted[0]} from {lowest} to {highest} and scales {wanted[1]}"
    return [f"the int4 weights for {name} have {given}; it needs {needed}"]
