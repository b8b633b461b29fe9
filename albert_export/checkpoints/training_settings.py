"""How the head of a checkpoint was trained, where config.json does not say: class names, and SimpleTransformers' file.

SimpleTransformers trains heads of its own and writes what it knows about them into model_args.json only
(github.com/ThilinaRajapakse/simpletransformers, config/model_args.py).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from albert_export.config import AlbertConfig
from albert_export.config_file import read_json
from albert_export.tasks import classifies_several_labels
from albert_runtime.postprocessing.classification import MULTI_LABEL, REGRESSION
from albert_runtime.tasks import TASKS

logger = logging.getLogger("albert_export")

SIMPLE_TRANSFORMERS_FILE = "model_args.json"

#: what all releases write
_ALWAYS_WRITTEN = {"max_seq_length", "train_batch_size"}
_MULTI_LABEL_MODEL = "MultiLabelClassificationModel"
#: SimpleTransformers' class -> the task of its head
_TASKS = {
    "ClassificationModel": "text-classification",
    _MULTI_LABEL_MODEL: "text-classification",
    "NERModel": "token-classification",
    "QuestionAnsweringModel": "question-answering",
    "LanguageModelingModel": "fill-mask",
}


def adopt_training_settings(folder: Path, config: AlbertConfig) -> None:
    """Sets `config.problem_type`, and `config.architectures`, if they are missing and something else in `folder` says.

    What is taken is logged, since Hugging Face's pipelines do not follow it: they apply a softmax to the outputs of a
    classifier for several labels that does not name its problem type.
    """
    args = _model_args(folder)
    kind = args.get("model_class")
    if config.architectures is None and kind in _TASKS:
        config.architectures = [TASKS[_TASKS[kind]].architecture]
    if config.problem_type is not None:
        return
    several = [name for name in config.architectures or () if classifies_several_labels(name)]
    if several:
        _adopt_problem_type(folder, config, MULTI_LABEL, f"the class {several[0]} in config.json")
    elif kind == _MULTI_LABEL_MODEL or (kind is None and "threshold" in args and "regression" not in args):
        # Releases that did not write the class wrote a threshold for classifiers of several labels only.
        _adopt_problem_type(folder, config, MULTI_LABEL, f"{SIMPLE_TRANSFORMERS_FILE} of SimpleTransformers")
    elif kind in (None, "ClassificationModel") and args.get("regression") is True:
        _adopt_problem_type(folder, config, REGRESSION, f"{SIMPLE_TRANSFORMERS_FILE} of SimpleTransformers")


def adopt_label_names(folder: Path, config: AlbertConfig) -> None:
    """Names the labels as SimpleTransformers' file does, if config.json has placeholders only and the numbers agree."""
    if any(label != f"LABEL_{index}" for index, label in config.id2label.items()):
        return
    args = _model_args(folder)
    names, ids = args.get("labels_list"), args.get("labels_map")
    if isinstance(ids, dict) and sorted(map(repr, ids.values())) == sorted(map(repr, range(len(ids)))):
        names = sorted(ids, key=ids.__getitem__) or names
    if not isinstance(names, list) or len(names) != config.num_labels or not all(isinstance(one, str) for one in names):
        return
    config.id2label = dict(enumerate(names))
    config.label2id = {label: index for index, label in config.id2label.items()}
    logger.warning("%s: the labels are named as in %s: %s", folder, SIMPLE_TRANSFORMERS_FILE, ", ".join(names))


def _adopt_problem_type(folder: Path, config: AlbertConfig, problem_type: str, source: str) -> None:
    config.problem_type = problem_type
    does = "each label has a probability of its own" if problem_type == MULTI_LABEL else "outputs are values"
    logger.warning(
        '%s: config.json names no problem_type; it is "%s" according to %s: %s', folder, problem_type, source, does
    )


def _model_args(folder: Path) -> dict[str, Any]:
    """The content of SimpleTransformers' file; empty if there is none, or if it is another program's."""
    file = folder / SIMPLE_TRANSFORMERS_FILE
    if not file.is_file():
        return {}
    args = read_json(file)
    ours = isinstance(args, dict) and args.keys() >= _ALWAYS_WRITTEN and args.get("model_type", "albert") == "albert"
    return args if ours else {}  # type: ignore[return-value]
