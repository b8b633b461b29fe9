"""Heads whose training only class names or SimpleTransformers' file tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.checkpoint import default_task
from albert_runtime.postprocessing.classification import default_function, resolve_problem_type
from tests.albert_export.checkpoints.transformers_checkpoint import hugging_face_model, set_config

#: what every release of SimpleTransformers writes
COMMON = {"max_seq_length": 128, "train_batch_size": 8, "learning_rate": 4e-05, "do_lower_case": False}
#: the files of the classes, as releases from 0.60 on write them, and what older releases left out
MULTI_LABEL = {**COMMON, "model_class": "MultiLabelClassificationModel", "threshold": 0.5, "labels_list": []}
CLASSIFICATION = {
    **COMMON,
    "model_class": "ClassificationModel",
    "regression": False,
    "labels_list": [],
    "labels_map": {},
}
NER = {**COMMON, "model_class": "NERModel", "labels_list": []}
OLD_MULTI_LABEL = {**COMMON, "threshold": 0.8, "labels_list": [], "labels_map": {}}


def saved(
    folder: Path,
    architecture: str,
    args: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    labels: int = 3,
) -> Path:
    hugging_face_model(architecture, num_labels=labels).save_pretrained(folder)
    if args is not None:
        (folder / "model_args.json").write_text(json.dumps({"model_type": "albert", **args}))
    set_config(folder, **(config or {}))
    return folder


CUSTOM = {"architectures": ["AlbertForMultiLabelSequenceClassification"]}
BY_CLASS = [
    (None, CUSTOM, "multi_label_classification"),
    (None, {"architectures": ["AlbertForMultilabelSequenceClassification"]}, "multi_label_classification"),
    (MULTI_LABEL, {}, "multi_label_classification"),
    (OLD_MULTI_LABEL, {}, "multi_label_classification"),
    (CLASSIFICATION, {}, None),
    ({**CLASSIFICATION, "model_type": "bert", "regression": True}, {}, None),
    ({"threshold": 0.3}, {}, None),
    # what config.json says counts
    (MULTI_LABEL, {**CUSTOM, "problem_type": "single_label_classification"}, "single_label_classification"),
    (None, {}, None),
]


@pytest.mark.parametrize(("args", "config", "problem_type"), BY_CLASS)
def test_problem_type(tmp_path: Path, args: Any, config: Any, problem_type: Any, caplog: Any) -> None:
    checkpoint = read_checkpoint(saved(tmp_path, "AlbertForSequenceClassification", args, config))
    assert checkpoint.config.problem_type == problem_type
    assert default_task(checkpoint).name == "text-classification"
    assert ('it is "multi_label_classification" according to' in caplog.text) == (
        problem_type == "multi_label_classification"
    )
    assert default_function(problem_type, 3) == (
        "sigmoid" if problem_type == "multi_label_classification" else "softmax"
    )


def test_regression(tmp_path: Path, caplog: Any) -> None:
    folder = saved(tmp_path, "AlbertForSequenceClassification", {**CLASSIFICATION, "regression": True}, labels=1)
    assert read_checkpoint(folder).config.problem_type == "regression"
    assert 'it is "regression" according to model_args.json of SimpleTransformers: outputs are values' in caplog.text


def test_one_label_without_a_problem_type_is_a_regression_as_in_transformers(tmp_path: Path) -> None:
    config = read_checkpoint(saved(tmp_path, "AlbertForSequenceClassification", labels=1)).config
    assert (config.problem_type, config.num_labels) == (None, 1)
    assert resolve_problem_type(config.problem_type, config.num_labels) == "regression"


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ({**NER, "labels_list": ["O", "B-PER", "B-LOC"]}, ["O", "B-PER", "B-LOC"]),
        ({**CLASSIFICATION, "labels_list": ["x", "y", "z"], "labels_map": {"c": 2, "a": 0, "b": 1}}, ["a", "b", "c"]),
        ({**CLASSIFICATION, "labels_list": ["x", "y", "z"], "labels_map": {"a": 1, "b": 2, "c": 3}}, ["x", "y", "z"]),
        ({**NER, "labels_list": ["O", "B-PER"]}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
        ({**CLASSIFICATION, "labels_list": [0, 1, 2]}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
        ({**CLASSIFICATION, "labels_list": None, "labels_map": 3}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
    ],
)
def test_names_of_labels(tmp_path: Path, args: Any, names: list[str], caplog: Any) -> None:
    config = read_checkpoint(saved(tmp_path, "AlbertForTokenClassification", args)).config
    assert list(config.id2label.values()) == names
    assert config.label2id == {name: index for index, name in enumerate(names)}
    assert ("the labels are named as in model_args.json" in caplog.text) == (names[0] != "LABEL_0")


def test_named_labels_stay(tmp_path: Path) -> None:
    labels = {"id2label": {"0": "p", "1": "q", "2": "r"}, "label2id": {"p": 0, "q": 1, "r": 2}}
    folder = saved(tmp_path, "AlbertForTokenClassification", {**NER, "labels_list": ["O", "B-PER", "B-LOC"]}, labels)
    assert list(read_checkpoint(folder).config.id2label.values()) == ["p", "q", "r"]


def test_the_class_tells_the_task_where_config_json_does_not(tmp_path: Path) -> None:
    folder = saved(tmp_path, "AlbertForTokenClassification", NER, {"architectures": None})
    assert default_task(read_checkpoint(folder)).name == "token-classification"


@pytest.mark.parametrize(
    ("real", "custom", "task"),
    [
        ("AlbertForTokenClassification", "MyAlbertForTokenClassification", "token-classification"),
        ("AlbertForSequenceClassification", "AlbertForSequenceClassificationV2", "text-classification"),
        ("AlbertForMultipleChoice", "ReCAMAlbertForMultipleChoice", "multiple-choice"),
        ("AlbertForQuestionAnswering", "TFAlbertForQuestionAnswering", "question-answering"),
    ],
)
def test_classes_that_are_named_after_a_known_one(tmp_path: Path, real: str, custom: str, task: str) -> None:
    folder = saved(tmp_path, real, config={"architectures": [custom]}, labels=1)
    checkpoint = read_checkpoint(folder)
    assert default_task(checkpoint).name == task
    assert task in checkpoint.tasks
