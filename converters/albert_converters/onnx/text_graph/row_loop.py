"""A loop that runs the model on one row after the other.

Windows of a long context would need much memory as one batch. In integers they would also share the ranges that are
found at run time, and give other scores than the runtime, which runs one window at a time without padding.
"""

from __future__ import annotations

from collections.abc import Mapping

from onnx import GraphProto, NodeProto, TensorProto, helper

from albert_converters.onnx.text_graph.nodes import NodeBuilder


def run_row_by_row(
    build: NodeBuilder, model: GraphProto, inputs: Mapping[str, str], *, is_static: bool
) -> dict[str, str]:
    """Add a loop over the rows of the inputs, whose body is the model.

    Args:
        build: what adds operators to the graph around the loop.
        model: the graph of the model, with outputs `[rows, sequence]`. Its nodes are copied; its weights must become
            constants of the graph around the loop.
        inputs: the name of each of the model's inputs -> its value, int64 `[rows, sequence]`.
        is_static: the model takes rows of one length only, so they keep their padding.

    Returns:
        The name of each of the model's outputs -> its value for all rows, with zeros at padding.
    """
    mask = inputs["attention_mask"]
    length = build.size(mask, 1)
    used = length if is_static else build.op("ReduceSum", mask, build.ints([1]), keepdims=0)
    first, always = build.ints([0]), build.bools(True)
    outside = len(build.nodes)
    row = "text_graph/row"
    tokens = build.vector(length if is_static else build.op("Gather", used, row))
    for name, value in inputs.items():
        whole = build.op("Gather", value, build.vector(row), axis=0)
        build.nodes.append(_node("Slice", [whole, first, tokens, build.ints([1])], name))
    build.nodes.extend(model.node)
    padding = build.op("Concat", first, build.op("Sub", build.vector(length), tokens), axis=0)
    found = {}
    for output in model.output:
        flat = build.op("Squeeze", output.name, build.ints([0]))
        found[output.name] = build.op("Pad", flat, padding)
    condition = build.op("Identity", "text_graph/continues")
    body = helper.make_graph(
        build.nodes[outside:],
        "one_row",
        [
            helper.make_tensor_value_info(row, TensorProto.INT64, []),
            helper.make_tensor_value_info("text_graph/continues", TensorProto.BOOL, []),
        ],
        [
            helper.make_tensor_value_info(condition, TensorProto.BOOL, []),
            *(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["sequence_length"]) for name in found.values()),
        ],
    )
    del build.nodes[outside:]
    rows = build.size(mask, 0)
    values = build.ops("Loop", rows, always, outputs=len(found), body=body)
    del model.value_info[:]  # these values are in the body now
    return dict(zip(found, values, strict=True))


def _node(kind: str, inputs: list[str], output: str) -> NodeProto:
    return helper.make_node(kind, inputs, [output], name=f"text_graph/{output}")
