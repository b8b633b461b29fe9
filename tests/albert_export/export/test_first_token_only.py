"""Graphs whose last layer computes [CLS] alone: equal to the plain reference, in every form and at every depth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import albert_runtime
from albert_converters.tflite.convert import to_tflite
from albert_export.checkpoints import read_checkpoint
from albert_export.export import export_onnx
from albert_export.export.tf_function import trace_reference
from albert_export.reference.registry import build_reference
from albert_export.reference.torch_engine import TorchEngine
from albert_export.tasks import TASK_SPECS, task_spec
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, save_tiny
from tests.tiny_graph import difference, inputs_of, outputs_of, plan_of, reference_of, run_tflite

FIRST_TOKEN_ONLY = [name for name, spec in TASK_SPECS.items() if spec.first_token_only]
DEPTHS: list[dict[str, Any]] = [
    {"num_hidden_layers": 1},
    {"num_hidden_layers": 3},
    {"num_hidden_layers": 4, "num_hidden_groups": 3},
    {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2},
]


def queries_of_one_row(model_file: Path) -> int:
    """Count the products of a query's weight with a part of the hidden states."""
    nodes = onnx.load(str(model_file)).graph.node
    parts = {name for node in nodes if node.op_type == "Slice" for name in node.output}
    return sum(
        node.input[0] in parts and node.input[1].endswith("query.weight") for node in nodes if node.op_type == "MatMul"
    )


def test_tasks_whose_outputs_are_the_poolers_alone() -> None:
    assert FIRST_TOKEN_ONLY == ["text-classification", "multiple-choice"]
    heads = [TASKS[name].with_head(head) for name, spec in TASK_SPECS.items() for head in ("", *spec.heads)]
    chosen = [task for task in heads if task_spec(task).first_token_only]
    assert [task.head for task in chosen] == ["sentence-order", "", ""]
    for task in chosen:
        assert all("sequence_length" not in axes for axes in task.outputs.values())


@pytest.mark.parametrize("options", DEPTHS, ids=str)
@pytest.mark.parametrize("task", FIRST_TOKEN_ONLY)
def test_onnx_graphs(task: str, options: dict[str, Any], tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model", task, **options)
    export_onnx(folder, tmp_path / "bundle")
    assert queries_of_one_row(tmp_path / "bundle" / "model.onnx") == 1
    weights = onnx.load(str(tmp_path / "bundle" / "model.onnx")).graph.initializer
    large = Counter(tensor.raw_data for tensor in weights if len(tensor.raw_data) > 512)
    assert max(large.values()) == 1  # the cut layer uses the weights of the others
    session = albert_runtime.load(tmp_path / "bundle")
    reference = TorchEngine(build_reference(read_checkpoint(folder), task), TASKS[task])
    for rows, length in ((2, 16), (1, 48), (3, 2)):
        arrays = {name: array.astype(np.int64) for name, array in inputs_of(task, rows=rows, length=length).items()}
        assert difference(session.run(arrays), reference.run(arrays)) < 1e-5


@pytest.mark.parametrize("options", DEPTHS, ids=str)
@pytest.mark.parametrize("graph", ["loop", "unrolled"])
def test_tflite_graphs(graph: str, options: dict[str, Any], tmp_path: Path) -> None:
    task = "text-classification"
    folder = save_tiny(tmp_path, task, **options)
    reference = reference_of(folder, task)
    content = to_tflite(trace_reference(reference, TASKS[task], plan_of(folder, task, graph=graph)))
    for rows, length in ((2, 16), (1, 48), (3, 2), (2, 16)):
        arrays = inputs_of(task, rows=rows, length=length)
        assert difference(run_tflite(content, **arrays), outputs_of(reference, task, arrays)) < 1e-5


@pytest.mark.parametrize("graph", ["loop", "unrolled"])
def test_choices_and_padding_in_tflite(graph: str, checkpoint_of: CheckpointOf) -> None:
    task = "multiple-choice"
    reference = reference_of(checkpoint_of(task), task)
    content = to_tflite(trace_reference(reference, TASKS[task], plan_of(checkpoint_of(task), task, graph=graph)))
    arrays = inputs_of(task, rows=2, choices=3, length=12)
    expected = outputs_of(reference, task, arrays)
    padded = {name: np.pad(array, [(0, 0), (0, 0), (0, 9)]) for name, array in arrays.items()}
    for given in (arrays, padded):
        assert difference(run_tflite(content, **given), expected) < 1e-5


def operators_after_tracing(reference: Any, task: str, plan: Any) -> set[str]:
    definition = trace_reference(reference, TASKS[task], plan).graph.as_graph_def()
    return {node.op for part in (definition, *definition.library.function) for node in getattr(part, "node", ())} | {
        node.op for body in definition.library.function for node in body.node_def
    }


def test_a_loop_with_static_shapes_keeps_them(checkpoint_of: CheckpointOf) -> None:
    """The rows of the last pass are another shape, and a static loop has one shape for all passes."""
    task = "text-classification"
    reference = reference_of(checkpoint_of(task), task)
    plans = {
        (graph, length): plan_of(checkpoint_of(task), task, graph=graph, sequence_length=length)
        for graph in ("loop", "unrolled")
        for length in (None, 16)
    }
    cut = {key: "Slice" in operators_after_tracing(reference, task, plan) for key, plan in plans.items()}
    assert cut == {("loop", None): True, ("loop", 16): False, ("unrolled", None): True, ("unrolled", 16): True}
    encoder = reference.albert.encoder
    assert not encoder.first_token_only  # the reference is as it was
    assert reference.albert(**inputs_of(task)).last_hidden_state.shape == (2, 16, 16)
