"""Equal passes become one in a Loop, which computes the same; whatever is not quite equal stays as it is."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from albert_runtime.engines.stored_graph.onnx_messages import read_node
from albert_runtime.engines.stored_graph.repeated_passes import rolled
from tests.runtime.layered_onnx import layered_onnx, some_tokens
from tests.tiny_onnx import node


def roll(model: onnx.ModelProto) -> tuple[onnx.ModelProto, int]:
    """The model with its passes in a Loop, and how many they are."""
    graph = model.graph
    result = rolled(
        [read_node(one.SerializeToString()) for one in graph.node],
        {one.name for one in graph.initializer},
        {one.name for one in graph.output},
    )
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.node[:]
    changed.graph.node.extend(onnx.NodeProto.FromString(one) for one in result.nodes)
    changed.graph.initializer.extend(onnx.TensorProto.FromString(one) for one in result.initializers)
    return changed, result.passes


def outputs(model: onnx.ModelProto) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {one.name: some_tokens()[one.name] for one in session.get_inputs()})


@pytest.mark.parametrize(
    ("settings", "passes", "nodes"),
    [
        ({"passes": 12}, 12, 6),
        ({"passes": 3}, 3, 6),
        ({"passes": 12, "groups": 2}, 6, 6),
        ({"passes": 7, "groups": 2}, 3, 11),  # the seventh stays behind the Loop
        ({"passes": 8, "carried": 2}, 8, 6),
    ],
)
def test_equal_passes(settings: dict[str, int], passes: int, nodes: int) -> None:
    model = layered_onnx(**settings)
    changed, count = roll(model)
    assert count == passes
    assert [one.op_type for one in changed.graph.node].count("Loop") == 1
    assert len(changed.graph.node) == nodes
    for expected, got in zip(outputs(model), outputs(changed), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "settings",
    [{"passes": 2}, {"passes": 4, "groups": 2}, {"passes": 4, "groups": 4}, {"passes": 5, "shown": 2}],
    ids=["two passes", "two pairs", "weights of their own", "a pass in the middle is an output"],
)
def test_what_stays(settings: dict[str, int]) -> None:
    model = layered_onnx(**settings)
    changed, count = roll(model)
    assert count == 0
    assert changed == model


def test_a_pass_with_another_attribute_is_left_out() -> None:
    model = layered_onnx(passes=6)
    [third] = [one for one in model.graph.node if one.output[0] == "tanh2"]
    third.op_type = "Sigmoid"
    changed, count = roll(model)
    assert count == 3  # those behind it
    np.testing.assert_array_equal(outputs(changed)[0], outputs(model)[0])


def test_a_pass_that_reads_two_passes_back_is_no_loop() -> None:
    model = layered_onnx(passes=6)
    for number in range(2, 6):
        [last] = [one for one in model.graph.node if one.output[0] == f"h{number + 1}"]
        last.input[1] = f"h{number - 1}"
    changed, count = roll(model)
    assert count == 0
    assert changed == model


def test_a_graph_with_graphs_stays() -> None:
    model = layered_onnx(passes=6)
    inner = onnx.helper.make_graph(
        [node("Identity", "h6", "inside")], "inner", [], [onnx.ValueInfoProto(name="inside")]
    )
    model.graph.node.append(node("If", "condition", "y2", then_branch=inner, else_branch=inner))
    assert roll(model) == (model, 0)


def test_names_that_are_taken() -> None:
    model = layered_onnx(passes=6)
    model.graph.node[-1].input[0] = "h6"
    model.graph.node.append(node("Identity", "h6", "albert_runtime.passes.true"))
    assert roll(model)[1] == 0


def test_metadata_makes_no_difference() -> None:
    model = layered_onnx(passes=4)
    for number, one in enumerate(model.graph.node):
        one.name, one.doc_string = f"node {number}", f"line {number}"
    assert roll(model)[1] == 4
