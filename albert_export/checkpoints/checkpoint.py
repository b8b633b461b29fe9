"""Checkpoint: a configuration, weights under Hugging Face's full names, and a vocabulary. All readers return one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from albert_export.checkpoints.account import WeightAccount
from albert_export.checkpoints.weight_names import DECODER, is_encoder_weight
from albert_export.config import AlbertConfig
from albert_export.config_file import read_json_object
from albert_export.tasks import TASK_SPECS, TaskSpec, task_of_architecture, task_spec
from albert_runtime.errors import CheckpointError, UnsupportedError, UsageError, listed
from albert_runtime.manifest import WORDPIECE_FILE
from albert_runtime.tasks import TASKS, Task, find_task
from albert_runtime.tokenization.config import CONFIG_FILE as TOKENIZER_CONFIG_FILE

logger = logging.getLogger("albert_export")

_CLASSIFIER = "classifier."
# tasks that a checkpoint can still have heads for when it was trained for another task
_PRETRAINED = ("feature-extraction", "pretraining", "fill-mask")
_VOCABULARIES = ("spiece.model", "30k-clean.model", "vocabulary.spm")
# TF Hub's modules keep it in the second of these folders, and KerasHub's presets in the third.
_VOCABULARY_FOLDERS = ("", "assets", "assets/tokenizer")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """An ALBERT that was read from `folder`."""

    folder: Path
    #: validated, with as many labels as the classifier has
    config: AlbertConfig
    #: Hugging Face's names of the full model (`albert.embeddings...`) -> float32, without the tied decoder
    weights: dict[str, np.ndarray]
    #: the SentencePiece model; None if the folder has none, or several and none of them has a known name
    vocab_file: Path | None
    #: full names of the tasks whose head the checkpoint has
    tasks: tuple[str, ...]
    #: what became of every weight in the files
    account: WeightAccount = field(default_factory=WeightAccount)
    #: which of the folder's tokenizers is followed, "slow" or "fast"; None for what the folder tells
    tokenizer_rules: str | None = None

    def weights_for(
        self, task: str, shapes: Mapping[str, tuple[int, ...]], *, head: str = "", allow_random_head: bool = False
    ) -> dict[str, np.ndarray]:
        """The weights of the reference model that serves `task`.

        Args:
            task: name or alias.
            shapes: the shape of every parameter of that model, by full Hugging Face name, without the tied decoder.
            head: the head of that model, see `Task.head`.
            allow_random_head: if the head is missing, leave out its weights with a warning; the model then keeps
                its random initial weights.

        Raises:
            UnsupportedError: the head is missing, and allow_random_head is False; or the checkpoint has another head.
            CheckpointError: weights are missing, left over or of another shape; the message lists them all.
        """
        task = find_task(task).name
        has_head = task in self.tasks
        if not allow_random_head:
            self.refuse_no_head(task)
        if has_head and self.head_for(task) != head:
            fitting = TASKS[task].with_head(self.head_for(task)).architecture
            raise UnsupportedError(
                f"{self.folder} has another head for {task}; {fitting} and TF{fitting} are the classes with that head"
            )
        usable = self.weights
        if not has_head:
            # Weights of these names belong to another task's classifier, whose outputs mean something else.
            usable = {name: array for name, array in usable.items() if not name.startswith(_CLASSIFIER)}
        absent = [name for name in shapes if name not in usable]
        random = [] if has_head else [name for name in absent if not is_encoder_weight(name)]
        problems = self._mismatches(
            TASKS[task].with_head(head), usable, {n: s for n, s in shapes.items() if n not in random}
        )
        if problems:
            raise CheckpointError(listed(f"the weights in {self.folder} do not fit its configuration:", problems))
        if random:
            trained = [name for name in self.tasks if name not in _PRETRAINED]
            logger.warning(
                "%s has no head for %s: %s keep random initial values, so the answers will be random too%s",
                self.folder,
                task,
                ", ".join(random),
                f"; the trained head that is there, for {' or '.join(trained)}, is not used" if trained else "",
            )
        return {name: usable[name] for name in shapes if name in usable}

    def labels_for(self, task: str) -> tuple[str, ...]:
        """The label of each output of the task's head, in order; an empty tuple for tasks without labels."""
        config = self.config
        return tuple(config.id2label[index] for index in range(config.num_labels)) if TASKS[task].labelled else ()

    def head_for(self, task: str) -> str:
        """Which of the task's `heads` the checkpoint has, see `Task.head`; the task is given by its full name.

        If it has several, the configuration's `architectures` decide, or else the usual head is taken.
        """
        spec, architectures = TASK_SPECS[task], self.config.architectures or ()
        heads = [(name, other) for name, other in spec.heads.items() if not TASKS[task].heads[name].same_weights]
        there = [name for name, other in heads if _has_head(self.weights, other)]
        named = [name for name in there if TASKS[task].heads[name].architecture in architectures]
        return next(iter(named or there)) if named or (not _has_head(self.weights, spec) and there) else ""

    def available(self, task: Task) -> Task:
        """The task with the head that the checkpoint has, without the optional outputs that it has no weights for.

        A head that computes with the weights of the usual one stays.
        """
        prefixes = TASK_SPECS[task.name].output_weights
        head = self.head_for(task.name)
        fits = task.head == head or (bool(task.head) and TASKS[task.name].heads[task.head].same_weights)
        with_head = task if fits else TASKS[task.name].with_head(head)
        return with_head.without(
            [name for name, prefix in prefixes.items() if not any(one.startswith(prefix) for one in self.weights)]
        )

    def refuse_no_head(self, task: str) -> None:
        """Refuses a task, given by its full name, whose head is missing.

        Raises:
            UnsupportedError: the head is missing; the message lists the heads that the checkpoint has.
        """
        if task in self.tasks:
            return
        there = ", ".join(self.tasks) or "none"
        raise UnsupportedError(
            f"{self.folder} has no head for {task}; the heads that are there serve: {there}. "
            f"Choose one of those, or give a checkpoint that was fine-tuned for {task}; "
            f"albert-export onnx, tflite and sensitivity take --allow-random-head for an untrained head"
        )

    def _mismatches(
        self, task: Task, weights: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
    ) -> list[str]:
        problems = [f"missing: {name} {list(shape)}" for name, shape in shapes.items() if name not in weights]
        problems += [
            f"another shape: {name} is {list(weights[name].shape)}, and must be {list(shape)}"
            for name, shape in shapes.items()
            if name in weights and weights[name].shape != tuple(shape)
        ]
        # Weights of other tasks' heads and of the pooler may stay unused.
        own = task_spec(task).head
        problems += [
            f"left over: {name} {list(array.shape)}"
            + (" (tie_word_embeddings is false: a decoder of its own is not supported)" if name == DECODER else "")
            for name, array in weights.items()
            if name not in shapes and (is_encoder_weight(name) or name.startswith(own))
        ]
        return problems


def find_vocabulary(folder: Path) -> Path | None:
    """The vocabulary of the tokenizer in `folder`; None if there is none, or several and none has a usual name.

    A SentencePiece model has one of the usual names, or is the only file called *.model, also in `assets`, where
    TensorFlow puts it. If there is none, or if tokenizer_config.json names a BertTokenizer, a vocab.txt is taken.
    """
    wordpiece = folder / WORDPIECE_FILE
    if wordpiece.is_file() and "Bert" in str(tokenizer_settings(folder).get("tokenizer_class")):
        return wordpiece
    for place in (folder / below for below in _VOCABULARY_FOLDERS):
        for name in _VOCABULARIES:
            if (place / name).is_file():
                return place / name
        models = [path for path in place.glob("*.model") if path.is_file()]
        if len(models) == 1:
            return models[0]
    return wordpiece if wordpiece.is_file() else None


def tokenizer_settings(folder: Path) -> Mapping[str, Any]:
    """What tokenizer_config.json in `folder` says; nothing if it can't be read, which its own reader refuses."""
    try:
        return read_json_object(folder / TOKENIZER_CONFIG_FILE)
    except CheckpointError:
        return {}


def tasks_of(
    config: AlbertConfig, weights: Mapping[str, np.ndarray], classifier_tasks: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The full names of the tasks that weights with these full names serve.

    Args:
        config: its `architectures` say what the weight called `classifier` is for.
        weights: the weights.
        classifier_tasks: the tasks that `classifier` may serve if the configuration does not say; None finds them.
    """
    classifier = _classifier_tasks(config, weights, classifier_tasks)
    return tuple(
        task
        for task, spec in TASK_SPECS.items()
        if any(_has_head(weights, one) for one in (spec, *spec.heads.values()))
        and (_CLASSIFIER not in spec.head or task in classifier)
    )


def _has_head(weights: Mapping[str, np.ndarray], spec: TaskSpec) -> bool:
    return all(any(name.startswith(prefix) for name in weights) for prefix in spec.head)


def _classifier_tasks(
    config: AlbertConfig, weights: Mapping[str, np.ndarray], default: Sequence[str] | None
) -> Sequence[str]:
    """The tasks that the weight called `classifier` may serve; three tasks use this name.

    The configuration's `architectures` decide. If they don't name such a task, a checkpoint without a pooler classifies
    tokens. One with a pooler may classify texts, or tokens: old versions of transformers and many own classes save a
    pooler that the classifier does not use. A single row may also be the score of a choice.
    """
    if "classifier.weight" not in weights:
        return ()
    for task in map(task_of_architecture, config.architectures or ()):
        if task is not None and TASK_SPECS[task.name].head == (_CLASSIFIER,):
            return (task.name,)
    if "albert.pooler.weight" not in weights:
        return ("token-classification",)
    row = ("multiple-choice",) if weights["classifier.weight"].shape[:1] == (1,) else ()
    return (*(default or ("text-classification", "token-classification")), *row)


def choose_task(checkpoint: Checkpoint, task: str | Task | None) -> Task:
    """The task to export: `task`, or the checkpoint's own, without the outputs that the checkpoint has no weights for.

    It says so if `task` decides what the checkpoint's classifier is for.

    Raises:
        UsageError: there is no such task; or `task` is None, and the checkpoint has several heads.
    """
    if task is None:
        return default_task(checkpoint)
    chosen = find_task(task) if isinstance(task, str) else task
    possible = _served_by_classifier(checkpoint)
    if chosen.name in possible and len(possible) > 1:
        logger.warning(
            "%s: the weight called classifier is read as the head for %s, as asked; it could also be for %s, since no "
            "class with a classifier is among the configuration's architectures",
            checkpoint.folder,
            chosen.name,
            " or ".join(name for name in possible if name != chosen.name),
        )
    return checkpoint.available(chosen)


def choose_head(task: Task, head: str | None) -> Task:
    """The task that `choose_task` found, with the head that an export asks for; None leaves the one that it has.

    Raises:
        UsageError: the task has no such head to choose.
    """
    if head is None or head == task.head:
        return task
    choices = TASKS[task.name].offered_heads
    if task.head or head not in choices:
        others = [
            f"{name} with --task {other.name}"
            for other in TASKS.values()
            for name in other.offered_heads
            if other.name != task.name
        ]
        served = f"{task.name} has {', '.join(choices)}" if choices and not task.head else f"{task.name} has none"
        raise UsageError(
            f"--head {head} can't be chosen for this model: {served}"
            + (f"; others: {', '.join(others)}" if others else "")
            + "; without --head, the export has the usual outputs"
        )
    return task.with_head(head)


def default_task(checkpoint: Checkpoint) -> Task:
    """The task of the class that the checkpoint was saved with, or else of its only head. A pooler is not a head here.

    The class that a model was pre-trained with does not count if there is a head that was trained later.

    Raises:
        UsageError: there are several heads, and the configuration names none of them; the message lists them.
    """
    heads = [name for name in checkpoint.tasks if name != "feature-extraction"] or list(checkpoint.tasks)
    later = [name for name in heads if name not in _PRETRAINED]
    for task in map(task_of_architecture, checkpoint.config.architectures or ()):
        if task is not None and task.name in checkpoint.tasks and not (later and task.name in _PRETRAINED):
            return checkpoint.available(task)
    if len(heads) == 1:
        return checkpoint.available(TASKS[heads[0]])
    possible = _served_by_classifier(checkpoint)
    likely = _likely_task(checkpoint.config)
    if likely in possible and set(later) == set(possible):
        return checkpoint.available(TASKS[likely])
    example = later[-1] if later else "fill-mask"
    why = (
        "; the weight called classifier may be for any of the last ones, and no class with a classifier is among the "
        "configuration's architectures"
        if len(possible) > 1
        else ""
    )
    raise UsageError(
        f"{checkpoint.folder} has heads for {', '.join(checkpoint.tasks) or 'no task'}{why}; "
        f"say which one to export, for example --task {example}"
    )


def _served_by_classifier(checkpoint: Checkpoint) -> list[str]:
    return [name for name in checkpoint.tasks if TASK_SPECS[name].head == (_CLASSIFIER,)]


def _likely_task(config: AlbertConfig) -> str:
    """What the labels say about the task of a classifier; empty if they do not say anything."""
    labels = list(config.id2label.values())
    beginnings = {label[:2] for label in labels}
    if "B-" in beginnings and ("I-" in beginnings or "O" in labels):
        return "token-classification"
    return "text-classification" if config.problem_type else ""
