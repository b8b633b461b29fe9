"""assemble: makes a Checkpoint of a configuration and named weights, and checks that they fit each other."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from albert_export.checkpoints.account import NamedWeight, WeightAccount
from albert_export.checkpoints.checkpoint import Checkpoint, find_vocabulary, tasks_of
from albert_export.checkpoints.number_formats import as_float32, float_format, is_finite
from albert_export.checkpoints.training_settings import adopt_label_names, adopt_training_settings
from albert_export.checkpoints.weight_names import (
    DECODER,
    DECODER_BIAS,
    MEASURED_SIZES,
    PREDICTION_BIAS,
    WORD_EMBEDDINGS,
)
from albert_export.config import AlbertConfig
from albert_export.tasks import TASK_SPECS
from albert_runtime.errors import CheckpointError, listed
from albert_runtime.tasks import TASKS

logger = logging.getLogger("albert_export")


def assemble(
    folder: Path,
    config: AlbertConfig,
    weights: Iterable[NamedWeight],
    account: WeightAccount,
    *,
    classifier_tasks: Sequence[str] | None = None,
) -> Checkpoint:
    """The checkpoint of `folder`, made of its configuration and its weights.

    Args:
        folder: where the files are; its vocabulary is found here.
        config: the configuration; the number of labels may be taken from the classifier.
        weights: the weights by their full names.
        account: what becomes of all weights of the file.
        classifier_tasks: the tasks that the weight called `classifier` may serve if the configuration does not say.

    Raises:
        CheckpointError: a weight appears twice with two values, is not finite or not floating point; or the sizes or
            labels contradict the configuration. All problems of one kind are listed.
    """
    adopt_training_settings(folder, config)
    arrays = _by_full_name(folder, weights)
    _drop_tied_decoder(folder, config, arrays)
    problems = _size_problems(config, arrays)
    tasks = tasks_of(config, arrays, classifier_tasks)
    problems += _adopt_label_count(config, arrays, tasks)
    if problems:
        raise CheckpointError(listed(f"the weights in {folder} do not fit its configuration:", problems))
    adopt_label_names(folder, config)
    return Checkpoint(folder, config, arrays, find_vocabulary(folder), tasks, account)


def _by_full_name(folder: Path, weights: Iterable[NamedWeight]) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    problems, not_finite = [], False
    for given, name, stored in weights:
        if float_format(stored.dtype) is None:
            problems.append(f"{given} is {stored.dtype}, not floating point")
            continue
        array = as_float32(stored)
        if not is_finite(array):
            problems.append(f"{given} has values that are not finite (NaN or infinite)")
            not_finite = True
        if name in arrays and not np.array_equal(arrays[name], array):
            problems.append(f"{given} appears twice, under two names and with two values")
        arrays[name] = array
    if problems:
        advice = "\nFetch the checkpoint again, or take one from before training diverged." if not_finite else ""
        raise CheckpointError(listed(f"the weights in {folder} can't be used:", problems) + advice)
    return arrays


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
    problems = []
    for field_name, (name, axis) in MEASURED_SIZES.items():
        if name not in weights:
            continue  # weights_for lists what is missing
        stated, shape = getattr(config, field_name), weights[name].shape
        if len(shape) != 2:
            problems.append(f"{name} has the shape {list(shape)}, and must have two axes")
        elif shape[axis] != stated:
            problems.append(f"{field_name} is {stated}, but {name} has the shape {list(shape)}: {shape[axis]}")
    return problems


def _adopt_label_count(config: AlbertConfig, weights: Mapping[str, np.ndarray], tasks: tuple[str, ...]) -> list[str]:
    """Takes the number of labels from the classifier if the configuration names no labels; returns contradictions."""
    names = [f"{TASK_SPECS[task].head[-1]}weight" for task in tasks if TASKS[task].labelled]
    name = next((name for name in names if name in weights and weights[name].ndim), None)
    if name is None:
        return []
    rows = weights[name].shape[0]
    if rows > 0:
        config.adopt_label_count(rows)
    if config.num_labels == rows:
        return []
    labels = ", ".join(config.id2label.values())
    return [f"id2label names {config.num_labels} labels ({labels}), but {name} has {rows} rows"]
