"""Finds in a checkpoint how sessions turn requests into sequences, and outputs into answers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from albert_export.checkpoints.checkpoint import Checkpoint
from albert_export.checkpoints.sentence_transformers import read_sentence_transformers
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import CheckpointError, UsageError
from albert_runtime.postprocessing.pooling import POOLINGS, EmbeddingOptions
from albert_runtime.tasks import TASKS, Task


def request_settings(
    checkpoint: Checkpoint,
    tokenizer: AlbertTokenizer | None,
    task: Task,
    null_threshold: float | None = None,
    *,
    pooling: str | None = None,
    default_pooling: str = "pooler",
) -> dict[str, Any]:
    """The manifest fields `max_length`, `embedding`, `null_threshold`, `missing_outputs` and `head`.

    The most tokens in a sequence are the positions of the model, unless the tokenizer's `model_max_length` is less. For
    embeddings, the `max_seq_length` of sentence-transformers replaces `model_max_length`, as it does there. Without a
    pooler, an embedding is the mean of the tokens' vectors, unless sentence-transformers says otherwise.

    Args:
        checkpoint: the checkpoint.
        tokenizer: its tokenizer; None for a bundle without one.
        task: the task of the session, with the outputs that the checkpoint has weights for.
        null_threshold: see `Manifest.null_threshold`; None takes what the checkpoint's configuration says.
        pooling: how an embedding is made of the tokens' vectors, one of POOLINGS; None takes what the checkpoint says.
        default_pooling: what is taken if the checkpoint says nothing.

    Raises:
        CheckpointError: a file of sentence-transformers can't be read, or the configuration's threshold is no number.
        UnsupportedError: the files ask for embeddings that are made in a way that is not supported.
        UsageError: `null_threshold` is no finite number, or the task is not question answering; `pooling` is unknown,
            or the task is not feature extraction, or the model has no pooler for it.
    """
    positions = checkpoint.config.max_position_embeddings
    limit = positions if tokenizer is None else tokenizer.model_max_length
    found = read_sentence_transformers(checkpoint.folder) if task.name == "feature-extraction" else None
    missing = tuple(name for name in TASKS[task.name].with_head(task.head).outputs if name not in task.outputs)
    stated = found.embedding if found else None
    embedding = _embedding(task, stated, pooling, default_pooling, "pooler_output" not in missing)
    return {
        "max_length": min(positions, (found and found.max_seq_length) or limit),
        "embedding": embedding.to_dict() if embedding else {},
        "missing_outputs": missing,
        "head": task.head,
        "null_threshold": _null_threshold(checkpoint, task, null_threshold),
    }


def _embedding(
    task: Task, found: EmbeddingOptions | None, pooling: str | None, default: str, has_pooler: bool
) -> EmbeddingOptions | None:
    """How a text becomes one vector; None if nothing is said about it, or the task makes no vectors."""
    if task.name != "feature-extraction":
        if pooling is not None:
            raise UsageError(f"a pooling goes with feature-extraction only, and the task is {task.name}")
        return None
    if pooling is not None and pooling not in POOLINGS:
        raise UsageError(f"there is no pooling {pooling!r}; choose one of {', '.join(POOLINGS)}")
    if pooling == "pooler" and not has_pooler:
        raise UsageError("the checkpoint has no weights for a pooler; choose the pooling cls, mean or max")
    if found is not None:
        return found if pooling is None else replace(found, pooling=pooling)
    chosen = pooling or (default if has_pooler else "mean")
    return None if chosen == "pooler" else EmbeddingOptions(pooling=chosen)


def _null_threshold(checkpoint: Checkpoint, task: Task, given: float | None) -> float | None:
    """Hugging Face's run_squad and run_qa call training on SQuAD v2.0 `version_2_with_negative`, and the threshold
    `null_score_diff_threshold`. They do not write either into config.json, but their users may.
    """
    settings = checkpoint.config.extra
    if given is not None:
        if task.name != "question-answering":
            raise UsageError(f"a null threshold goes with question-answering only, and the task is {task.name}")
        if not math.isfinite(given):
            raise UsageError(f"the null threshold must be a finite number, not {given}")
        return given
    # Google's head for SQuAD v2.0 was trained with questions that have no answer, whatever the configuration says.
    if task.head != "beam-search" and settings.get("version_2_with_negative") is not True:
        return None
    if task.name != "question-answering":
        return None
    threshold = settings.get("null_score_diff_threshold", 0.0)
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not math.isfinite(threshold):
        raise CheckpointError(
            f"{checkpoint.folder}: null_score_diff_threshold in config.json must be a number, not {threshold!r}"
        )
    return float(threshold)
