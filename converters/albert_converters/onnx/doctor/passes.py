"""What can be mended in an ONNX graph without a change to what it computes.

Each repair changes the graph that it is given and says what it did. Weights end up as plain constants, each once.
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
from albert_converters.onnx.doctor.duplicate_weights import (
    equal_weights,
    packed_weights,
    transposed_weights,
    weights_of,
)
from albert_converters.onnx.model import (
    QUANTIZERS,
    WEIGHT_BYTES,
    WRAPPERS,
    OnnxFile,
    Scope,
    array_of,
    bodies,
    scopes,
    size_of,
    sum_of_sizes,
)
from albert_runtime.errors import ConversionError

#: protobuf's limit; one file must stay below it
_MAX_BYTES = 2**31 - 1


def repair_onnx(file: OnnxFile) -> list[str]:
    """Mends the model of `file` in place; nothing else of `file` holds afterwards.

    Returns:
        What was done, a line for each kind of repair; nothing where there was nothing to mend.

    Raises:
        DependencyError: onnxruntime, which computes what is folded, is not installed.
        ConversionError: the weights take more than the 2 GB that one file holds.
    """
    done = []
    for repair in _REPAIRS:
        # a repair changes names and operators: each one looks at the graphs anew
        counts = [repair(scope, file) for scope in scopes(file.model.graph)]
        line = "; ".join(text for text in counts if text)
        done += [line] if line else []
    if file.external:
        done.append(f"brought the weights of {len(file.external)} other files into the one")
    size = file.model.ByteSize()
    if size > _MAX_BYTES:
        raise ConversionError(f"the model takes {size / 1e9:.2f} GB and one ONNX file holds 2.15 GB")
    return done


# --- one repair after the other ---------------------------------------------------------------------------------------


def _keep_weights_fixed(scope: Scope, file: OnnxFile) -> str:
    """Initializers that are inputs too may be replaced by a caller, so that engines can't prepare them."""
    held = {tensor.name for tensor in scope.graph.initializer}
    kept = [value for value in scope.graph.input if value.name not in held]
    count = len(scope.graph.input) - len(kept)
    del scope.graph.input[:]
    scope.graph.input.extend(kept)
    return f"took {count} weights from the list of inputs" if count else ""


def _make_initializers(scope: Scope, file: OnnxFile) -> str:
    """Weights in Constant nodes become initializers, which all tools know."""
    nodes = {node.output[0]: node for node in scope.graph.node if node.op_type == "Constant" and node.output}
    weights = [name for name in weights_of(scope) if name in nodes]
    for name in weights:
        scope.graph.initializer.append(scope.constants[name])
        scope.graph.initializer[-1].name = name
        scope.graph.node.remove(nodes[name])
    return f"made {len(weights)} Constant nodes plain weights" if weights else ""


def _fold(scope: Scope, file: OnnxFile) -> str:
    """Operators on nothing but weights become weights, unless these take more room."""
    folded: Counter[str] = Counter()
    results: dict[Any, list[str]] = {}
    new_names: dict[str, str] = {}
    for node in list(scope.graph.node):
        node.input[:] = [new_names.get(name, name) for name in node.input]
        tensors = _foldable(scope, node)
        if not tensors:
            continue
        key = (node.op_type, tuple(node.input), tuple(one.SerializeToString() for one in node.attribute))
        if node.op_type == "Identity":
            results[key] = [node.input[0]]
        elif key not in results:
            arrays = _compute(node, [array_of(tensor) for tensor in tensors], file.model)
            if arrays is None or sum(array.nbytes for array in arrays) > size_of(tensors[0]):
                continue
            results[key] = list(node.output)
            for name, array in zip(node.output, arrays, strict=True):
                scope.graph.initializer.append(numpy_helper.from_array(array, name))
                scope.constants[name] = scope.graph.initializer[-1]
        new_names.update(
            {name: result for name, result in zip(node.output, results[key], strict=True) if name != result}
        )
        folded[node.op_type] += 1
        scope.graph.node.remove(node)
    _rename(scope.graph, new_names)
    return "folded " + ", ".join(f"{count} {name}" for name, count in folded.items()) if folded else ""


def _foldable(scope: Scope, node: onnx.NodeProto) -> list[onnx.TensorProto]:
    """The constants that are all a node reads, if it is one to be folded; else nothing."""
    if node.op_type not in (*WRAPPERS, *QUANTIZERS) or scope.outputs & set(node.output):
        return []
    found = [scope.constant(name) for name in node.input if name]
    tensors = [tensor for tensor in found if tensor is not None]
    if not tensors or len(tensors) < len(found) or size_of(tensors[0]) < WEIGHT_BYTES:
        return []
    # a transposed table that others read as it stands is one weight still: only products can read it so
    if node.op_type == "Transpose" and len(scope.users(node.input[0])) > 1:
        readers = {user.op_type for user, _ in scope.users(node.output[0])}
        return tensors if readers <= {"MatMul", "Gemm", "Transpose"} else []
    return tensors


def _compute(node: onnx.NodeProto, arrays: list[NDArray[Any]], model: onnx.ModelProto) -> list[NDArray[Any]] | None:
    """What ONNX Runtime makes of one operator; None where it does not run it alone."""
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
    except Exception:  # types that it has no kernel for: the operator stays where it is
        return None


def _share_equal(scope: Scope, file: OnnxFile) -> str:
    groups = equal_weights([scope])
    _rename(scope.graph, {name: names[0] for names in groups for name in names[1:]})
    return f"shared {sum(map(len, groups))} equal weights as {len(groups)}" if groups else ""


def _share_transposed(scope: Scope, file: OnnxFile) -> str:
    pairs = [pair for pair in transposed_weights(scope, file.opset) if pair.dropped]
    for kept, dropped, _ in pairs:
        for node, _ in scope.users(dropped):
            if node.op_type == "Gemm":
                _flip(node, kept)
            else:
                _replace(scope.graph, [node], _tied_product(node, scope.constants[kept]))
    return f"shared {len(pairs)} weights with their transposes" if pairs else ""


def _flip(node: onnx.NodeProto, matrix: str) -> None:
    """Lets a Gemm read its matrix transposed."""
    flag = next((one for one in node.attribute if one.name == "transB"), None)
    if flag is None:
        node.attribute.append(helper.make_attribute("transB", 1))
    else:
        flag.i = 1 - flag.i
    node.input[1] = matrix


def _tied_product(node: onnx.NodeProto, matrix: onnx.TensorProto) -> list[onnx.NodeProto]:
    """x [..., k] times the transpose of `matrix` [n, k], as the exporter of this package writes tied weights."""
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


def _merge_products(scope: Scope, file: OnnxFile) -> str:
    """Products by the columns of one matrix become one product, split afterwards."""
    found = packed_weights(scope, file.opset)
    for packed in found:
        results = [node.output[0] for node in packed.products]
        whole, sizes = f"{results[0]}/packed", f"{results[0]}/packed/sizes"
        widths = np.array([scope.constants[part].dims[1] for part in packed.parts], np.int64)
        nodes = [
            helper.make_node("Constant", [], [sizes], value=numpy_helper.from_array(widths)),
            helper.make_node("MatMul", [packed.source, packed.matrix], [whole], name=f"{whole}/MatMul"),
            helper.make_node("Split", [whole, sizes], results, axis=-1, name=f"{whole}/Split"),
        ]
        _replace(scope.graph, list(packed.products), nodes)
    count = sum(len(packed.products) for packed in found)
    return f"made {count} products {len(found)}, with packed weights that are there anyway" if found else ""


def _drop_unused(scope: Scope, file: OnnxFile) -> str:
    unused = unused_weights(scope)
    saved = sum_of_sizes([scope.constants[name] for name in unused])
    kept = [tensor for tensor in scope.graph.initializer if tensor.name not in unused]
    if len(kept) < len(scope.graph.initializer):
        del scope.graph.initializer[:]
        scope.graph.initializer.extend(kept)
    there = {*scope.constants, *scope.producers} - unused
    typed = [value for value in scope.graph.value_info if value.name in there]
    del scope.graph.value_info[:]
    scope.graph.value_info.extend(typed)
    return f"dropped {len(unused)} weights that nothing reads: {megabytes(saved)}" if unused else ""


def unused_weights(scope: Scope) -> set[str]:
    """Initializers that no operator reads and that are no output."""
    names = {tensor.name for tensor in scope.graph.initializer}
    return {name for name in names if not scope.users(name) and name not in scope.outputs}


_REPAIRS: tuple[Callable[[Scope, OnnxFile], str], ...] = (
    _keep_weights_fixed,
    _make_initializers,
    _fold,
    _share_equal,
    _share_transposed,
    _merge_products,
    _drop_unused,
)


# --- changing a graph -------------------------------------------------------------------------------------------------


def _rename(graph: onnx.GraphProto, new_names: Mapping[str, str]) -> None:
    """Lets all who read a value read another one, in bodies too, but for names that a body gives to values of its
    own."""
    if not new_names:
        return
    for node in graph.node:
        node.input[:] = [new_names.get(name, name) for name in node.input]
        for body in bodies(node):
            own = {value.name for value in (*body.input, *body.initializer)}
            own |= {name for inner in body.node for name in inner.output}
            visible = {name: new for name, new in new_names.items() if name not in own}
            _rename(body, visible)
            for value in body.output:
                value.name = visible.get(value.name, value.name)


def _replace(graph: onnx.GraphProto, old: list[onnx.NodeProto], new: list[onnx.NodeProto]) -> None:
    """Puts `new` where the first of `old` stood."""
    gone = {node.output[0] for node in old}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.output and node.output[0] in gone:
            nodes += new
            new = []
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
