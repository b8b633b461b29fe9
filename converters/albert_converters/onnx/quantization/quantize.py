"""Quantization of an ONNX graph: each matrix and each table in the form that is chosen for it.

The graph keeps its values and their names; only the nodes that use a constant matrix are written anew. A matrix that
many nodes share is quantized once, and stands in the file once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from albert_converters.onnx.graph_view import graphs
from albert_converters.onnx.quantization.graph_rewriter import GraphRewriter
from albert_converters.onnx.quantization.schemes import FORMS, WEIGHT_TYPES, Options
from albert_converters.onnx.quantization.weight_quantizers import Rounded
from albert_runtime.errors import ConversionError, listed

__all__ = [
    "PRODUCT_FORMS",
    "TABLE_FORMS",
    "Rounded",
    "beyond_float16",
    "needed_onnxruntime",
    "product_inputs",
    "products",
    "quantize",
    "tables",
]

#: forms of a matrix that a product multiplies by
PRODUCT_FORMS = ("int8-tensor", "int8", "int8-block", "int4-block", "int8-static", "fp16")
#: forms of a table that rows are looked up in, be it a decoder's matrix too or not
TABLE_FORMS = ("int8-rows", "fp16-rows")
#: scales of MatMulNBits' weights of 4 bits may be for so many of them
BLOCK_SIZES = (32, 64, 128)

_SINCE_FORM = {"int4-block": "1.17", "int8-block": "1.23"}
#: releases 1.16 to 1.23 were tried, each with a file of every opset; 1.16 takes up to 19
_SINCE_OPSET = {20: "1.17", 21: "1.18", 22: "1.21", 23: "1.23"}

_NO_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType({})
_NO_ROUNDED: Mapping[str, Rounded] = MappingProxyType({})


# --- what can be quantized ------------------------------------------------------------------------------------------


class _Use(NamedTuple):
    node: onnx.NodeProto
    #: index among the node's inputs
    place: int


def products(model: onnx.ModelProto) -> list[str]:
    """The float32 initializers that are the right operand of products, and nothing but that, in the graph's order.

    They are `[in, out]` for MatMul. A table whose rows are looked up and which is a decoder's matrix too, by Gemm with
    transB, is `[out, in]`; it is among the `tables` as well.
    """
    return [name for name, uses in _uses(model).items() if all(map(_is_product, uses)) or _is_tied(uses)]


def tables(model: onnx.ModelProto) -> list[str]:
    """The float32 initializers `[rows, width]` whose rows are looked up by Gather, in the graph's order."""
    return [name for name, uses in _uses(model).items() if all(map(_is_lookup, uses)) or _is_tied(uses)]


def product_inputs(model: onnx.ModelProto) -> list[str]:
    """The values that the `products` are multiplied by, in the order of the matrices; each once."""
    uses, names = _uses(model), products(model)
    found = [use.node.input[0] for name in names for use in uses[name] if not _is_lookup(use)]
    return list(dict.fromkeys(found))


def needed_onnxruntime(forms: Mapping[str, str], opset: int) -> str | None:
    """The first release of ONNX Runtime that runs these forms in this opset; None where any of the last years does.

    MatMulNBits has had weights of 4 bits since 1.17. Weights of 8 bits came to x86-64 with 1.22
    (microsoft/onnxruntime pull request 24491) and to ARM64 with 1.23 (25110).
    """
    needs = [_SINCE_OPSET[opset]] if opset in _SINCE_OPSET else []
    needs += [_SINCE_FORM[form] for form in sorted(set(forms.values()) & set(_SINCE_FORM))]
    return max(needs, key=lambda version: [int(part) for part in version.split(".")], default=None)


def _uses(model: onnx.ModelProto) -> dict[str, list[_Use]]:
    """Every use of the float32 matrices among the initializers, in the graph's order.

    What the bodies of loops and branches use too is left out, since only the main graph is written anew.
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
        for place, name in enumerate(node.input):
            if name in matrices:
                order.setdefault(name, matrices[name]).append(_Use(node, place))
    return order


def _is_product(use: _Use) -> bool:
    return use.node.op_type == "MatMul" and use.place == 1


def _is_lookup(use: _Use) -> bool:
    return use.node.op_type == "Gather" and use.place == 0 and _attributes(use.node).get("axis", 0) == 0


def _is_decoder(use: _Use) -> bool:
    plain = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
    return use.node.op_type == "Gemm" and use.place == 1 and {**plain, "transB": 0, **_attributes(use.node)} == plain


def _is_tied(uses: list[_Use]) -> bool:
    """Both a table and a decoder."""
    lookups, decoders = (sum(map(kind, uses)) for kind in (_is_lookup, _is_decoder))
    return lookups > 0 and decoders > 0 and lookups + decoders == len(uses)


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


# --- quantizing -----------------------------------------------------------------------------------------------------


def quantize(
    model: onnx.ModelProto,
    forms: Mapping[str, str],
    *,
    weight_type: str = "int8",
    reduce_range: bool = False,
    ranges: Mapping[str, tuple[float, float]] = _NO_RANGES,
    rounded: Mapping[str, Rounded] = _NO_ROUNDED,
    block_size: int = 64,
) -> onnx.ModelProto:
    """The model with its constant matrices in other forms; `model` itself is not changed.

    Args:
        model: a float32 graph, as `torch_to_onnx` writes it.
        forms: initializer -> its form; what is not among them stays float32. For `products`:

            - "int8": weights with a scale for each output channel, activations as uint8 with the range of each tensor
              as it comes (DynamicQuantizeLinear, MatMulInteger)
            - "int8-tensor": the same with one scale for the matrix
            - "int8-static": the same weights, activations as uint8 with a range found before, told by QuantizeLinear
              and DequantizeLinear around a float product, which engines fuse to an integer one
            - "int8-block": a scale for each 128 weights of an output channel, and for as many activations
              (com.microsoft's MatMulNBits)
            - "int4-block": the same with weights of 4 bits, and blocks of `block_size`
            - "fp16": float16, widened when the file is loaded

            For `tables`, "int8-rows" (a scale for each row) and "fp16-rows"; a decoder's matrix that is a table too
            keeps these rows, and multiplies by them as "int8" or "fp16" does.
        weight_type: of the matrices of MatMulInteger and int8-static, "int8", or "uint8" with 128 for zero.
        reduce_range: their steps are from -63 to 63, so that pairs of products with uint8 fit into 16 bits, in which
            x86 processors without VNNI add them up.
        ranges: for int8-static, value that is a product's left operand -> its least and largest value; see
            `onnx_calibration.activation_ranges`.
        rounded: for int4-block, initializer -> weights that were rounded before, and are taken as they are. Others are
            rounded to the nearest, at the scale that is best for each block.
        block_size: for int4-block; 32, 64 or 128.

    Returns:
        The new model, with the same inputs, outputs and metadata; equal bytes for equal arguments.

    Raises:
        ConversionError: the forms don't fit the graph, or ranges are missing; all problems at once.
    """
    tied = {name for name, uses in _uses(model).items() if _is_tied(uses)}
    options = Options(weight_type, reduce_range, ranges, rounded, block_size, tied)
    problems = _problems(model, forms, options)
    if problems:
        raise ConversionError(listed("the graph can't be quantized like this:", problems))
    graph = GraphRewriter(model)
    for node in model.graph.node:
        matrix = next((name for name in node.input if name in forms), None)
        if matrix is None:
            graph.keep(node)
        else:
            FORMS[forms[matrix]](graph, node, matrix, options)
    result = graph.model(without=forms)
    onnx.checker.check_model(result)
    return result


def _problems(model: onnx.ModelProto, forms: Mapping[str, str], options: Options) -> list[str]:
    uses, matrices, rows = _uses(model), set(products(model)), set(tables(model))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    problems = []
    if options.weight_type not in WEIGHT_TYPES:
        problems.append(f"weight type {options.weight_type!r} is not one of {', '.join(WEIGHT_TYPES)}")
    if options.block_size not in BLOCK_SIZES:
        problems.append(f"block size {options.block_size} is not one of {', '.join(map(str, BLOCK_SIZES))}")
    for name, form in forms.items():
        fitting = TABLE_FORMS if name in rows else PRODUCT_FORMS if name in matrices else ()
        if not fitting:
            problems.append(f"{name} is no float32 matrix of a product, and no table of rows")
        elif form not in fitting:
            problems.append(f"{name} can't be {form!r}; it can be {', '.join(fitting)}")
        elif form == "int8-static":
            inputs = dict.fromkeys(use.node.input[0] for use in uses[name])
            known = {it for it in inputs if np.isfinite(options.ranges.get(it, (np.nan,))).all()}
            problems += [f"{name} is int8-static, and {it} has no range" for it in inputs if it not in known]
        elif form == "int4-block" and name in options.rounded:
            problems += _rounding_problems(name, weights[name], options)
        elif form in ("fp16", "fp16-rows") and not _fits_float16(weights[name]):
            problems.append(f"{name} can't be {form!r}; it holds values beyond 65504, where float16 ends")
    return problems


def beyond_float16(model: onnx.ModelProto) -> set[str]:
    """The matrices among the initializers that hold values which float16 does not have."""
    names = _uses(model)
    return {weight.name for weight in model.graph.initializer if weight.name in names and not _fits_float16(weight)}


def _fits_float16(weight: onnx.TensorProto) -> bool:
    return bool(np.abs(numpy_helper.to_array(weight)).max(initial=0) <= np.finfo(np.float16).max)


def _rounding_problems(name: str, weight: onnx.TensorProto, options: Options) -> list[str]:
    steps, scales = options.rounded[name]
    rows, columns = weight.dims
    wanted = ((columns, rows), (columns, -(-rows // options.block_size)))
    if (steps.shape, scales.shape) == wanted and -8 <= steps.min() <= steps.max() <= 7:
        return []
    given = f"steps {steps.shape} from {steps.min()} to {steps.max()}, scales {scales.shape}"
    return [f"{name} was rounded to {given}; steps {wanted[0]} from -8 to 7, scales {wanted[1]} are wanted"]
