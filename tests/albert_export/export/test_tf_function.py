"""The traced reference: names and shapes follow the plan, results are equal, and the reference is left unchanged."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from albert_converters.tflite.convert import to_tflite
from albert_converters.tflite.inspection import inspect_tflite
from albert_converters.tflite.quantize import quantize
from albert_export.export.tf_function import SHARED_LAYERS, head_pattern, trace_reference
from albert_runtime.tasks import INPUT_NAMES, TASKS
from tests.conftest import CheckpointOf, save_tiny
from tests.tiny_graph import Arrays, difference, inputs_of, outputs_of, plan_of, reference_of

DEPTHS: list[dict[str, int]] = [
    {"num_hidden_layers": 3},
    {"num_hidden_layers": 1},
    {"num_hidden_layers": 4, "num_hidden_groups": 3},
    {"num_hidden_layers": 3, "inner_group_num": 2},
    {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2},
]


def run(function: Any, arrays: Arrays, names: dict[str, str] | None = None) -> Arrays:
    names = names or {name: name for name in INPUT_NAMES}
    given = {names[name]: tf.constant(array) for name, array in arrays.items()}
    return {name: value.numpy() for name, value in function(**given).items()}


def count_whiles(function: Any) -> int:
    return sum(node.op in ("While", "StatelessWhile") for node in function.graph.as_graph_def().node)


@pytest.mark.parametrize("options", DEPTHS, ids=str)
def test_loops_and_unrolled_passes_are_equal(options: dict[str, int], tmp_path: Path) -> None:
    task = "feature-extraction"
    folder = save_tiny(tmp_path, task, **options)
    reference = reference_of(folder, task)
    arrays = inputs_of(task)
    expected = outputs_of(reference, task, arrays)
    for graph, whiles in (("loop", options.get("num_hidden_groups", 1)), ("unrolled", 0)):
        function = trace_reference(reference, TASKS[task], plan_of(folder, task, graph=graph))
        assert count_whiles(function) == whiles  # one for each group
        assert difference(run(function, arrays), expected) < 1e-5


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_its_names_and_any_shape(task: str, checkpoint_of: CheckpointOf) -> None:
    reference = reference_of(checkpoint_of(task), task)
    function = trace_reference(reference, TASKS[task], plan_of(checkpoint_of(task), task))
    specs = function.structured_input_signature[0]
    assert [spec.name for spec in specs] == list(INPUT_NAMES)
    assert {spec.dtype for spec in specs} == {tf.int32}
    assert {tuple(spec.shape) for spec in specs} == {(None,) * len(TASKS[task].input_axes)}
    assert set(function.structured_outputs) == set(TASKS[task].outputs)
    for length, rows in ((1, 3), (20, 2)):
        arrays = inputs_of(task, rows=rows, choices=rows + 1, length=max(length, 2))
        arrays = {name: array[..., :length] for name, array in arrays.items()}
        assert difference(run(function, arrays), outputs_of(reference, task, arrays)) < 1e-5


def test_static_choices_are_scored_one_at_a_time(checkpoint_of: CheckpointOf) -> None:
    """Choices don't see each other, so a graph of one serves any number of them."""
    task = "multiple-choice"
    reference = reference_of(checkpoint_of(task), task)
    function = trace_reference(reference, TASKS[task], plan_of(checkpoint_of(task), task, sequence_length=16))
    assert {tuple(spec.shape) for spec in function.structured_input_signature[0]} == {(1, 1, 16)}
    arrays = inputs_of(task, rows=1, choices=3)
    scores = [run(function, {name: array[:, [at]] for name, array in arrays.items()})["logits"] for at in range(3)]
    expected = outputs_of(reference, task, arrays)
    assert difference({"logits": np.concatenate(scores, axis=1)}, expected) < 1e-5


def test_task_library_has_names_of_its_own_and_probabilities(checkpoint_of: CheckpointOf) -> None:
    task = "text-classification"
    reference = reference_of(checkpoint_of(task), task)
    plan = plan_of(checkpoint_of(task), task, target="task-library", sequence_length=16)
    function = trace_reference(reference, TASKS[task], plan)
    assert [spec.name for spec in function.structured_input_signature[0]] == ["ids", "mask", "segment_ids"]
    assert {tuple(spec.shape) for spec in function.structured_input_signature[0]} == {(1, 16)}
    arrays = inputs_of(task, rows=1)
    got = run(function, arrays, dict(plan.input_names))
    logits = outputs_of(reference, task, arrays)["logits"]
    powers = np.exp(logits - logits.max())
    np.testing.assert_allclose(got["probability"], powers / powers.sum(), atol=1e-6)


def state(reference: Any) -> dict[str, Any]:
    encoder = getattr(reference, "albert", reference).encoder
    weights = {name: weight.numpy().tobytes() for name, weight in reference.named_weights().items()}
    return {"name": reference.name, "looped": encoder.looped, "weights": weights}


@pytest.mark.parametrize("task", ["feature-extraction", "question-answering"])
def test_the_reference_is_left_unchanged(task: str, checkpoint_of: CheckpointOf) -> None:
    reference = reference_of(checkpoint_of(task), task)
    before = state(reference)
    plan = plan_of(checkpoint_of(task), task, "int8", graph="loop")
    trace_reference(reference, TASKS[task], plan)
    assert state(reference) == before
    assert reference(**inputs_of(task), output_hidden_states=True).hidden_states is not None
    with pytest.raises(KeyError, match="_"):
        trace_reference(reference, TASKS[task], dataclasses.replace(plan, output_names={}))
    assert state(reference) == before


def test_a_second_model_in_a_process_makes_the_same_file(checkpoint_of: CheckpointOf) -> None:
    """Keras numbers models, and graphs are named after them."""
    task = "token-classification"
    plan = plan_of(checkpoint_of(task), task, "int8")
    first, second = (
        to_tflite(trace_reference(reference_of(checkpoint_of(task), task), TASKS[task], plan)) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("task", "target"),
    [
        ("text-classification", "litert"),
        ("text-classification", "task-library"),  # a softmax follows its linear layer
        ("token-classification", "litert"),
        ("multiple-choice", "litert"),
        ("question-answering", "litert"),
    ],
)
def test_small_heads_are_found_and_stay_in_float(
    task: str, target: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    reference = reference_of(checkpoint_of(task), task)
    plan = plan_of(checkpoint_of(task), task, "int8-static", target=target, sequence_length=16)
    content = to_tflite(trace_reference(reference, TASKS[task], plan))
    arrays = plan.named(inputs_of(task, rows=1, choices=1))
    content = quantize(
        content, "int8-static", shared_layers=SHARED_LAYERS, floats=head_pattern(TASKS[task]), calibration=[arrays]
    )
    (tmp_path / "model.tflite").write_bytes(content)
    found = inspect_tflite(tmp_path / "model.tflite")
    assert len(found["float_products"]) == 1
    assert found["arithmetic"]["float"] == 1
    assert found["arithmetic"]["static"] >= 3 * 6 + 1
