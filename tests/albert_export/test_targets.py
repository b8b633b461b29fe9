"""The plan of an export for every target, and the messages about all problems of one."""

from __future__ import annotations

from typing import Any

import pytest

from albert_export.config import AlbertConfig
from albert_export.targets import PRECISIONS, TARGETS, Plan, find_target, make_plan
from albert_runtime.errors import UnsupportedError, UsageError
from albert_runtime.tasks import INPUT_NAMES, TASKS
from tests.conftest import TINY


def plan(target: str = "litert", task: str = "", **options: Any) -> Plan:
    task = task or ("text-classification" if target == "mediapipe" else "question-answering")
    longest = options.pop("longest", 512)
    labels = {name: options.pop(name) for name in ("num_labels", "problem_type") if name in options}
    config = AlbertConfig(**{**TINY, "max_position_embeddings": longest, **labels})
    request: dict[str, Any] = {"precision": None, "graph": None, "sequence_length": None, **options}
    return make_plan(find_target(target), TASKS[task], config, **request)


@pytest.mark.parametrize(
    ("target", "precision", "sequence_length"),
    [("litert", "int8", None), ("tflite-runtime", "fp16", 384), ("task-library", "fp16", 384)],
)
def test_the_defaults_of_targets(target: str, precision: str, sequence_length: int | None) -> None:
    made = plan(target)
    assert (made.target, made.precision, made.graph) == (target, precision, "loop")
    assert made.sequence_length == sequence_length
    assert made.longest == 512


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_precisions_of_targets(target: str, precision: str) -> None:
    old = target in ("tflite-runtime", "task-library")
    if old and precision == "int4":
        with pytest.raises(UsageError, match="'int4' is not one of fp32, fp16, int8, int8-static"):
            plan(target, precision=precision)
        return
    made = plan(target, precision=precision)
    # Old engines refuse dynamic int8 or run it slowly.
    assert made.precision == ("int8-static" if old and precision == "int8" else precision)
    assert made.graph == ("unrolled" if made.precision == "int8-static" or target == "mediapipe" else "loop")
    assert plan(target, precision=precision, graph="unrolled").graph == "unrolled"


@pytest.mark.parametrize("task", TASKS)
def test_tasks_of_targets(task: str) -> None:
    assert plan("litert", task).output_names == {name: name for name in TASKS[task].outputs}
    assert plan("tflite-runtime", task).input_names == {name: name for name in INPUT_NAMES}
    if task in ("question-answering", "text-classification"):
        assert list(plan("task-library", task).input_names.values()) == ["ids", "mask", "segment_ids"]
    else:
        with pytest.raises(UnsupportedError, match=f"not {task}; --target litert serves all") as caught:
            plan("task-library", task)
        assert caught.value.exit_code == 3
    if task in ("text-classification", "feature-extraction"):
        assert list(plan("mediapipe", task).input_names.values()) == ["ids", "mask", "segment_ids"]
        assert plan("mediapipe", task).probabilities == (task == "text-classification")
    else:
        refusal = f"mediapipe serves text-classification and feature-extraction, not {task}; --target litert serves all"
        with pytest.raises(UnsupportedError, match=refusal) as caught:
            plan("mediapipe", task)
        assert caught.value.exit_code == 3


def test_mediapipe_has_one_static_subgraph() -> None:
    made = plan("mediapipe", "feature-extraction")
    assert (made.precision, made.graph, made.sequence_length) == ("fp16", "unrolled", 128)
    assert plan("mediapipe", longest=48).sequence_length == 48


def test_names_for_task_library() -> None:
    answering, classifying = (plan("task-library", task) for task in ("question-answering", "text-classification"))
    assert answering.output_names == {"start_logits": "start_logits", "end_logits": "end_logits"}
    assert classifying.output_names == {"logits": "probability"}
    assert classifying.probabilities
    assert not answering.probabilities
    assert not plan("litert", "text-classification").probabilities
    assert answering.named({"input_ids": 1, "token_type_ids": 2}) == {"ids": 1, "segment_ids": 2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_labels": 1}, "this model has 1 labels"),
        ({"num_labels": 3, "problem_type": "multi_label_classification"}, "problem_type multi_label_classification"),
        ({"num_labels": 2, "problem_type": "regression"}, "problem_type regression"),
    ],
)
@pytest.mark.parametrize("target", ["task-library", "mediapipe"])
def test_probabilities_need_exactly_one_right_label(target: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        plan(target, "text-classification", **options)
    assert plan("litert", "text-classification", **options).precision == "int8"
    single = {"num_labels": 3, "problem_type": "single_label_classification"}
    assert plan(target, "text-classification", **single).probabilities


@pytest.mark.parametrize(
    ("target", "task", "longest", "wanted", "length"),
    [
        ("litert", "question-answering", 512, 3, 3),
        ("litert", "question-answering", 512, 512, 512),
        ("tflite-runtime", "question-answering", 48, None, 48),
        ("tflite-runtime", "fill-mask", 512, 128, 128),
        ("task-library", "text-classification", 48, None, 48),
        ("task-library", "text-classification", 512, 64, 64),
        ("task-library", "question-answering", 384, 384, 384),
    ],
)
def test_lengths(target: str, task: str, longest: int, wanted: int | None, length: int) -> None:
    assert plan(target, task, longest=longest, sequence_length=wanted).sequence_length == length


@pytest.mark.parametrize(
    ("target", "options", "messages"),
    [
        ("litert", {"precision": "int3"}, ["precision 'int3' is not one of fp32, fp16, int8, int4, int8-static"]),
        ("litert", {"graph": "rolled"}, ["graph 'rolled' is not one of loop, unrolled"]),
        ("litert", {"precision": "int8-static", "graph": "loop"}, ["int8-static needs --graph unrolled"]),
        ("tflite-runtime", {"precision": "int8", "graph": "loop"}, ["int8-static needs --graph unrolled"]),
        ("litert", {"sequence_length": 513}, ["--sequence-length 513 is above the model's max_position_embeddings"]),
        ("litert", {"sequence_length": 2}, ["--sequence-length 2 is too short"]),
        ("litert", {"sequence_length": 0}, ["--sequence-length 0 is too short"]),
        ("litert", {"sequence_length": -1}, ["--sequence-length -1 is too short"]),
        ("mediapipe", {"graph": "loop"}, ["graph 'loop' is not one of unrolled (target mediapipe)"]),
        ("task-library", {"sequence_length": 128}, ["with --sequence-length 384 only, not 128"]),
        ("task-library", {"longest": 256}, ["task-library, with 384 tokens, is above", "max_position_embeddings, 256"]),
        (
            "litert",
            {"precision": "int3", "graph": "rolled", "sequence_length": 1000},
            ["'int3'", "'rolled'", "1000 is above"],
        ),
        ("task-library", {"precision": "int4", "sequence_length": 600}, ["'int4'", "384 only", "600 is above"]),
    ],
)
def test_refusals_name_every_problem(target: str, options: dict[str, Any], messages: list[str]) -> None:
    with pytest.raises(UsageError, match="this can't be exported:") as caught:
        plan(target, **options)
    for message in messages:
        assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_unknown_targets() -> None:
    with pytest.raises(
        UsageError, match="no target 'edgetpu'; the targets are: litert, tflite-runtime, task-library, mediapipe"
    ):
        find_target("edgetpu")
