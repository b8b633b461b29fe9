"""Graph passes that repair an ONNX model without a change to what it computes.

Each pass changes one graph and says what it did. After all passes, weights are plain initializers, each stored once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from albert_converters.doctor.diagnosis import megabytes
from albert_converters.extras import needing
from albert_converters.onnx.doctor.duplicate_weights import packed_matmuls, transposed_pairs
from albert_converters.onnx.graph_view import (
    QUANTIZERS,
    WRAPPERS,
    GraphView,
    array_of,
    duplicated_weights,
    graph_views,
    is_weight,
    size_of,
    subgraphs,
    sum_of_sizes,
)
from albert_converters.onnx.model import OnnxModelView
from albert_runtime.errors import ConversionError

#: protobuf can't write more into one file
_MAX_BYTES = 2**31 - 1


def repair_onnx(model: OnnxModelView) -> list[str]:
    """Repair the graphs of `model` in place.

    The proto of `model` is up to date afterwards; its other facts describe the model as it was before.

    Returns:
        What was done, a line for each kind of repair; no lines where there was nothing to repair.

    Raises:
        DependencyError: onnxruntime, which computes the constants that are folded, is not installed.
        ConversionError: the weights take more than the 2 GB that one file can hold.
    """
    done = []
    for graph_pass in _PASSES:
        # a pass changes names and nodes, so each one gets new views
        texts = [graph_pass(graph, model) for graph in graph_views(model.proto.graph)]
        line = "; ".join(text for text in texts if text)
        done += [line] if line else []
    if model.external_files:
        done.append(f"moved the weights of {len(model.external_files)} other files into the one file")
    size = model.proto.ByteSize()
    if size > _MAX_BYTES:
        raise ConversionError(f"the model takes {size / 1e9:.2f} GB and one ONNX file holds 2.15 GB")
    return done


# --- passes, in the order in which they run ---------------------------------------------------------------------------


def _remove_weights_from_inputs(graph: GraphView, model: OnnxModelView) -> str:
    """Remove initializers from the list of inputs: a caller may replace an input, so engines can't prepare it."""
    held = {tensor.name for tensor in graph.proto.initializer}
    kept = [value for value in graph.proto.input if value.name not in held]
    count = len(graph.proto.input) - len(kept)
    del graph.proto.input[:]
    graph.proto.input.extend(kept)
    return f"removed {count} weights from the list of inputs" if count else ""


def _turn_constant_nodes_into_initializers(graph: GraphView, model: OnnxModelView) -> str:
    """Turn weights in Constant nodes into initializers, which all tools recognize as weights."""
    nodes = {node.output[0]: node for node in graph.proto.node if node.op_type == "Constant" and node.output}
    weights = [weight for weight in graph.weights() if weight.name in nodes]
    for name, tensor in weights:
        graph.proto.initializer.append(tensor)
        graph.proto.initializer[-1].name = name
        graph.proto.node.remove(nodes[name])
    return f"made {len(weights)} Constant nodes plain weights" if weights else ""


def _fold_constants(graph: GraphView, model: OnnxModelView) -> str:
    """Replace operators on nothing but weights by their results, unless a result takes more room than the weight."""
    folded: Counter[str] = Counter()
    results: dict[Any, list[str]] = {}
    new_names: dict[str, str] = {}
    for node in list(graph.proto.node):
        node.input[:] = [new_names.get(name, name) for name in node.input]
        tensors = _foldable(graph, node)
        if not tensors:
            continue
        # equal nodes get one result
        key = (node.op_type, tuple(node.input), tuple(one.SerializeToString() for one in node.attribute))
        if node.op_type == "Identity":
            results[key] = [node.input[0]]
        elif key not in results:
            arrays = _compute(node, [array_of(tensor) for tensor in tensors], model.proto)
            if arrays is None or sum(array.nbytes for array in arrays) > size_of(tensors[0]):
                continue
            results[key] = list(node.output)
            for name, array in zip(node.output, arrays, strict=True):
                graph.proto.initializer.append(numpy_helper.from_array(array, name))
                graph.constants[name] = graph.proto.initializer[-1]
        new_names.update(
            {name: result for name, result in zip(node.output, results[key], strict=True) if name != result}
        )
        folded[node.op_type] += 1
        graph.proto.node.remove(node)
    _rename(graph.proto, new_names)
    return "folded " + ", ".join(f"{count} {name}" for name, count in folded.items()) if folded else ""


def _foldable(graph: GraphView, node: onnx.NodeProto) -> list[onnx.TensorProto]:
    """Return the constants that `node` reads if it can be folded: if it is a wrapper and reads nothing else."""
    if node.op_type not in (*WRAPPERS, *QUANTIZERS) or graph.outputs & set(node.output):
        return []
    found = [graph.constant(name) for name in node.input if name]
    tensors = [tensor for tensor in found if tensor is not None]
    if not tensors or len(tensors) < len(found) or not is_weight(tensors[0]):
        return []
    # a table that is also read as it stands would be stored twice; only a matmul can read it transposed (a later pass)
    if node.op_type == "Transpose" and len(graph.readers(node.input[0])) > 1:
        readers = {reader.op_type for reader, _ in graph.readers(node.output[0])}
        return tensors if readers <= {"MatMul", "Gemm", "Transpose"} else []
    return tensors


def _compute(node: onnx.NodeProto, arrays: list[NDArray[Any]], model: onnx.ModelProto) -> list[NDArray[Any]] | None:
    """Compute one node in ONNX Runtime; None where ONNX Runtime can't run it."""
    with needing("this needs onnxruntime", "onnx"):
        import onnxruntime
    names = [name for name in node.input if name]
    graph = helper.make_graph(
        [node],
        "one operator",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in zip(names, arrays, strict=True)
        ],
        [onnx.ValueInfoProto(name=name) for name in node.output],
    )
    alone = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(alone.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return [np.asarray(array) for array in session.run(None, dict(zip(names, arrays, strict=True)))]
    except Exception:  # ONNX Runtime has no kernel for the type: the node stays where it is
        return None


def _share_equal_weights(graph: GraphView, model: OnnxModelView) -> str:
    groups = duplicated_weights([graph])
    _rename(graph.proto, {weight.name: group[0].name for group in groups for weight in group[1:]})
    return f"shared {sum(map(len, groups))} equal weights as {len(groups)}" if groups else ""


def _share_transposed_weights(graph: GraphView, model: OnnxModelView) -> str:
    pairs = [pair for pair in transposed_pairs(graph, model.opset) if pair.removable]
    for kept, removed, _ in pairs:
        for node, _ in graph.readers(removed):
            if node.op_type == "Gemm":
                _read_transposed(node, kept)
            else:
                _replace(graph.proto, [node], _transposed_matmul(node, graph.constants[kept]))
    return f"shared {len(pairs)} weights with their transposes" if pairs else ""


def _read_transposed(node: onnx.NodeProto, matrix: str) -> None:
    """Let a Gemm read `matrix`, which is the transpose of the weight that it reads now."""
    flag = next((one for one in node.attribute if one.name == "transB"), None)
    if flag is None:
        node.attribute.append(helper.make_attribute("transB", 1))
    else:
        flag.i = 1 - flag.i
    node.input[1] = matrix


def _transposed_matmul(node: onnx.NodeProto, matrix: onnx.TensorProto) -> list[onnx.NodeProto]:
    """Return nodes that multiply x `[..., k]` by the transpose of `matrix` `[n, k]`, in place of the MatMul `node`.

    They are the nodes that the exporter of this package writes for tied weights.
    """
    source, result = node.input[0], node.output[0]

    def name(part: str) -> str:
        return f"{result}/tied/{part}"

    def constant(part: str, values: list[int]) -> onnx.NodeProto:
        tensor = numpy_helper.from_array(np.array(values, np.int64))
        return helper.make_node("Constant", [], [name(part)], value=tensor)

    rows, columns = matrix.dims
    return [
        constant("flat_shape", [-1, columns]),
        constant("zero", [0]),
        constant("last", [-1]),
        constant("rows", [rows]),
        helper.make_node("Reshape", [source, name("flat_shape")], [name("flat")]),
        helper.make_node("Gemm", [name("flat"), matrix.name], [name("product")], transB=1),
        helper.make_node("Shape", [source], [name("shape")]),
        helper.make_node("Slice", [name("shape"), name("zero"), name("last")], [name("leading")]),
        helper.make_node("Concat", [name("leading"), name("rows")], [name("result_shape")], axis=0),
        helper.make_node("Reshape", [name("product"), name("result_shape")], [result], name=node.name),
    ]


def _merge_packed_matmuls(graph: GraphView, model: OnnxModelView) -> str:
    """Turn matmuls by the columns of a packed matrix into one matmul, whose result is split."""
    found = packed_matmuls(graph, model.opset)
    for packed in found:
        results = [node.output[0] for node in packed.matmuls]
        whole, sizes = f"{results[0]}/packed", f"{results[0]}/packed/sizes"
        widths = np.array([graph.constants[part].dims[1] for part in packed.parts], np.int64)
        nodes = [
            helper.make_node("Constant", [], [sizes], value=numpy_helper.from_array(widths)),
            helper.make_node("MatMul", [packed.source, packed.packed], [whole], name=f"{whole}/MatMul"),
            helper.make_node("Split", [whole, sizes], results, axis=-1, name=f"{whole}/Split"),
        ]
        _replace(graph.proto, list(packed.matmuls), nodes)
    count = sum(len(packed.matmuls) for packed in found)
    return f"merged {count} matmuls into {len(found)}, by packed weights that the file holds anyway" if found else ""


def _remove_unread_weights(graph: GraphView, model: OnnxModelView) -> str:
    unread = graph.unread_initializers()
    saved = sum_of_sizes([graph.constants[name] for name in unread])
    kept = [tensor for tensor in graph.proto.initializer if tensor.name not in unread]
    if len(kept) < len(graph.proto.initializer):
        del graph.proto.initializer[:]
        graph.proto.initializer.extend(kept)
    # passes before this one removed values too, whose types may still be listed
    defined = {*graph.constants, *graph.producers} - unread
    typed = [value for value in graph.proto.value_info if value.name in defined]
    del graph.proto.value_info[:]
    graph.proto.value_info.extend(typed)
    return f"removed {len(unread)} weights that no operator reads: {megabytes(saved)}" if unread else ""


_PASSES: tuple[Callable[[GraphView, OnnxModelView], str], ...] = (
    _remove_weights_from_inputs,
    _turn_constant_nodes_into_initializers,
    _fold_constants,
    _share_equal_weights,
    _share_transposed_weights,
    _merge_packed_matmuls,
    _remove_unread_weights,
)


# --- changing a graph -------------------------------------------------------------------------------------------------


def _rename(graph: onnx.GraphProto, new_names: Mapping[str, str]) -> None:
    """Let the readers of a value read another one, in bodies too, except where a body defines the name itself."""
    if not new_names:
        return
    for node in graph.node:
        node.input[:] = [new_names.get(name, name) for name in node.input]
        for body in subgraphs(node):
            own = {value.name for value in (*body.input, *body.initializer)}
            own |= {name for inner in body.node for name in inner.output}
            visible = {name: new for name, new in new_names.items() if name not in own}
            _rename(body, visible)
            for value in body.output:
                value.name = visible.get(value.name, value.name)


def _replace(graph: onnx.GraphProto, old: list[onnx.NodeProto], new: list[onnx.NodeProto]) -> None:
    """Put the nodes `new` where the first node of `old` stands, and remove `old`."""
    removed = {node.output[0] for node in old}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.output and node.output[0] in removed:
            nodes += new
            new = []
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
