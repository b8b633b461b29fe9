"""Checkpoint: a configuration, weights under Hugging Face's full names, and a vocabulary. All readers return one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from albert_export.checkpoints.weight_names import (
    DECODER,
    DECODER_BIAS,
    PREDICTION_BIAS,
    WORD_EMBEDDINGS,
    full_name,
    is_encoder_weight,
)
from albert_export.config import AlbertConfig
from albert_export.tasks import TASK_SPECS, TaskSpec, task_spec
from albert_runtime.errors import CheckpointError, UnsupportedError, UsageError, listed
from albert_runtime.tasks import TASKS, Task, find_task

logger = logging.getLogger("albert_export")

_CLASSIFIER = "classifier."
_VOCABULARIES = ("spiece.model", "30k-clean.model")


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
    #: descriptions of further heads, which none of the tasks can use
    other_heads: tuple[str, ...] = ()

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
            logger.warning(
                "%s has no head for %s: %s keep random initial values, so the answers will be random too",
                self.folder,
                task,
                ", ".join(random),
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
        there = [name for name, other in spec.heads.items() if _has_head(self.weights, other)]
        named = [name for name in there if TASKS[task].heads[name].architecture in architectures]
        return next(iter(named or there)) if named or (not _has_head(self.weights, spec) and there) else ""

    def available(self, task: Task) -> Task:
        """The task with the head that the checkpoint has, without the optional outputs that it has no weights for."""
        prefixes = TASK_SPECS[task.name].output_weights
        head = self.head_for(task.name)
        with_head = task if task.head == head else TASKS[task.name].with_head(head)
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
        others = f"; it has {', '.join(self.other_heads)}, which is not supported" if self.other_heads else ""
        raise UnsupportedError(
            f"{self.folder} has no head for {task}; the heads that are there serve: {there}{others}. "
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


def assemble(
    folder: Path,
    config: AlbertConfig,
    named_arrays: Iterable[tuple[str, np.ndarray]],
    *,
    other_heads: tuple[str, ...] = (),
) -> Checkpoint:
    """The checkpoint of `folder`, made of its configuration and its weights.

    Args:
        folder: where the files are; its vocabulary is found here.
        config: the configuration; the number of labels may be taken from the classifier.
        named_arrays: the weights, by old or new names of Hugging Face.
        other_heads: descriptions of further heads, which no task can use.

    Raises:
        CheckpointError: there is no encoder; or a weight appears twice with two values, is not finite or not floating
            point; or the sizes or labels contradict the configuration. All problems of one kind are listed.
    """
    weights = _by_full_name(folder, named_arrays)
    if not any(is_encoder_weight(name) for name in weights):
        raise CheckpointError(
            f"the weights in {folder} are not an ALBERT's: none of the {len(weights)} belongs to its encoder"
            + (f" (the first is called {next(iter(weights))!r})" if weights else "")
        )
    _drop_tied_decoder(folder, config, weights)
    problems = _size_problems(config, weights)
    tasks = _tasks_of(config, weights)
    problems += _adopt_label_count(config, weights, tasks)
    if problems:
        raise CheckpointError(listed(f"the weights in {folder} do not fit its configuration:", problems))
    return Checkpoint(folder, config, weights, find_vocabulary(folder), tasks, other_heads)


def find_vocabulary(folder: Path) -> Path | None:
    """The SentencePiece model of `folder`: a file with one of the usual names, or else the only file called *.model."""
    for name in _VOCABULARIES:
        if (folder / name).is_file():
            return folder / name
    models = [path for path in folder.glob("*.model") if path.is_file()]
    return models[0] if len(models) == 1 else None


def _by_full_name(folder: Path, named_arrays: Iterable[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    weights: dict[str, np.ndarray] = {}
    problems, not_finite = [], False
    for given, array in named_arrays:
        name = full_name(given)
        if name is None:
            continue
        if array.dtype.kind != "f":
            problems.append(f"{given} is {array.dtype}, not floating point")
            continue
        with np.errstate(over="ignore"):
            single = np.ascontiguousarray(array, dtype=np.float32)
        if not np.isfinite(single).all():
            problems.append(f"{given} has values that are not finite (NaN or infinite)")
            not_finite = True
        if name in weights and not np.array_equal(weights[name], single):
            problems.append(f"{given} appears twice, under two names and with two values")
        weights[name] = single
    if problems:
        advice = "\nFetch the checkpoint again, or take one from before training diverged." if not_finite else ""
        raise CheckpointError(listed(f"the weights in {folder} can't be used:", problems) + advice)
    return weights


def _drop_tied_decoder(folder: Path, config: AlbertConfig, weights: dict[str, np.ndarray]) -> None:
    """Removes the copies of the word embeddings and of the predictions' bias that old checkpoints contain.

    If a copy differs from its original, this does what transformers 4.57 does: the word embeddings replace the
    decoder's weight, and the decoder's bias replaces the predictions' bias. If the configuration says that the decoder
    is not tied, its weight stays, so that the tasks that need it can refuse it.
    """
    differing = "%s: %s and %s differ, though they are tied; the second is used, as transformers does"
    if DECODER_BIAS in weights:
        bias = weights.pop(DECODER_BIAS)
        if not np.array_equal(bias, weights.get(PREDICTION_BIAS, bias)):
            logger.warning(differing, folder, PREDICTION_BIAS, DECODER_BIAS)
        weights[PREDICTION_BIAS] = bias
    if DECODER in weights and WORD_EMBEDDINGS in weights:
        same = np.array_equal(weights[DECODER], weights[WORD_EMBEDDINGS])
        if same or config.tie_word_embeddings:
            del weights[DECODER]
            if not same:
                logger.warning(differing, folder, DECODER, WORD_EMBEDDINGS)


def _size_problems(config: AlbertConfig, weights: Mapping[str, np.ndarray]) -> list[str]:
    """One message for each size in the configuration that the shapes of the weights contradict."""
    layer = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    measured = {
        "vocab_size": (WORD_EMBEDDINGS, 0),
        "embedding_size": (WORD_EMBEDDINGS, 1),
        "max_position_embeddings": ("albert.embeddings.position_embeddings.weight", 0),
        "type_vocab_size": ("albert.embeddings.token_type_embeddings.weight", 0),
        "hidden_size": ("albert.encoder.embedding_hidden_mapping_in.weight", 0),
        "intermediate_size": (f"{layer}.ffn.weight", 0),
    }
    problems = []
    for field_name, (name, axis) in measured.items():
        if name not in weights:
            continue  # weights_for lists what is missing
        stated, shape = getattr(config, field_name), weights[name].shape
        if len(shape) != 2:
            problems.append(f"{name} has the shape {list(shape)}, and must have two axes")
        elif shape[axis] != stated:
            problems.append(f"{field_name} is {stated}, but {name} has the shape {list(shape)}: {shape[axis]}")
    return problems


def _tasks_of(config: AlbertConfig, weights: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    classifier = _classifier_tasks(config, weights)
    return tuple(
        task
        for task, spec in TASK_SPECS.items()
        if any(_has_head(weights, one) for one in (spec, *spec.heads.values()))
        and (_CLASSIFIER not in spec.head or task in classifier)
    )


def _has_head(weights: Mapping[str, np.ndarray], spec: TaskSpec) -> bool:
    return all(any(name.startswith(prefix) for name in weights) for prefix in spec.head)


def _classifier_tasks(config: AlbertConfig, weights: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """The tasks that the weight called `classifier` serves; three tasks use this name.

    The configuration's `architectures` decide. If they don't name such a task, a checkpoint without a pooler classifies
    tokens, and one with a pooler classifies texts. A single row may also be the score of a choice, so both tasks are
    listed then.
    """
    if "classifier.weight" not in weights:
        return ()
    for task in TASKS.values():
        if TASK_SPECS[task.name].head == (_CLASSIFIER,) and task.architecture in (config.architectures or ()):
            return (task.name,)
    if "albert.pooler.weight" not in weights:
        return ("token-classification",)
    if weights["classifier.weight"].shape[:1] == (1,):
        return ("text-classification", "multiple-choice")
    return ("text-classification",)


def _adopt_label_count(config: AlbertConfig, weights: Mapping[str, np.ndarray], tasks: tuple[str, ...]) -> list[str]:
    """Takes the number of labels from the classifier if the configuration names no labels; returns contradictions."""
    names = [f"{TASK_SPECS[task].head[-1]}weight" for task in tasks if TASKS[task].labelled]
    name = next((name for name in names if name in weights and weights[name].ndim), None)
    if name is None:
        return []
    rows = weights[name].shape[0]
    if config.has_default_labels and rows > 0:
        config.num_labels = rows
    if config.num_labels == rows:
        return []
    labels = ", ".join(config.id2label.values())
    return [f"id2label names {config.num_labels} labels ({labels}), but {name} has {rows} rows"]


def default_task(checkpoint: Checkpoint) -> Task:
    """The task of the class that the checkpoint was saved with, or else of its only head. A pooler is not a head here.

    Raises:
        UsageError: there are several heads, and the configuration names none of them; the message lists them.
    """
    for task in TASKS.values():
        available = checkpoint.available(task)
        if available.architecture in (checkpoint.config.architectures or ()) and task.name in checkpoint.tasks:
            return available
    heads = [name for name in checkpoint.tasks if name != "feature-extraction"] or list(checkpoint.tasks)
    if len(heads) == 1:
        return checkpoint.available(TASKS[heads[0]])
    raise UsageError(
        f"{checkpoint.folder} has heads for {', '.join(checkpoint.tasks) or 'no task'}; "
        "say which one to export, for example --task fill-mask"
    )
