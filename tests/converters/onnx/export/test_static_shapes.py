"""Graphs of static shapes: every size is a number, and the values are those of the module, with padding too."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from albert_converters.onnx.export.torch_export import to_onnx
from albert_converters.onnx.opsets import DEFAULT_OPSET, MAX_OPSET, MIN_OPSET
from albert_export.reference.torch_beam_search import AlbertForQuestionAnsweringBeamSearch
from albert_export.tasks import TASK_SPECS
from albert_runtime.lazy_import import load_object
from albert_runtime.tasks import SEQUENCE, TASKS
from tests.converters.onnx.export.test_torch_export import feeds, model_for, reference, run, worst

_LENGTH = 9


def sizes(values: list[onnx.ValueInfoProto]) -> dict[str, list[int | str]]:
    return {one.name: [axis.dim_param or axis.dim_value for axis in one.type.tensor_type.shape.dim] for one in values}


@pytest.mark.parametrize("opset", [MIN_OPSET, DEFAULT_OPSET, MAX_OPSET])
@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_a_static_graph_computes_what_the_module_does(task, opset):
    model = model_for(load_object(TASK_SPECS[task.name].references["torch"]))
    proto = to_onnx(model, task, max_length=20, opset=opset, sequence_length=_LENGTH).whole()
    shape = [_LENGTH if axis == SEQUENCE else 1 for axis in task.input_axes]
    assert sizes(proto.graph.input) == dict.fromkeys(task.inputs(), shape)
    inputs = feeds(*shape)
    expected = reference(model, inputs)
    assert sizes(proto.graph.output) == {name: list(array.shape) for name, array in expected.items()}
    assert worst(run(proto, inputs), expected) < 2e-5
    # No operator computes a size while the graph runs: accelerators refuse such graphs.
    assert not {"Shape", "Size", "NonZero"} & {node.op_type for node in proto.graph.node}


def test_the_head_of_beams():
    model = model_for(AlbertForQuestionAnsweringBeamSearch)
    task = TASKS["question-answering"].with_head("beam-search")
    proto = to_onnx(model, task, max_length=20, sequence_length=_LENGTH).whole()
    inputs = feeds(1, _LENGTH)
    with torch.no_grad():
        found = model(**{name: torch.from_numpy(array) for name, array in inputs.items()})
    got = run(proto, inputs)
    assert sizes(proto.graph.output) == {name: list(array.shape) for name, array in got.items()}
    for name in (one for one in task.outputs if not one.endswith("_index")):  # masked tokens tie
        np.testing.assert_allclose(got[name], found[name].numpy(), atol=2e-5)


def test_a_static_graph_has_the_weights_of_the_dynamic_one_once():
    model = model_for(load_object(TASK_SPECS["fill-mask"].references["torch"]))
    dynamic, static = (
        to_onnx(model, TASKS["fill-mask"], max_length=20, sequence_length=length).whole() for length in (None, _LENGTH)
    )
    large = [{one.name for one in proto.graph.initializer if "." in one.name} for proto in (dynamic, static)]
    assert large[0] == large[1]
    assert static.ByteSize() < dynamic.ByteSize() * 1.05
