"""Finds in a checkpoint how sessions turn requests into sequences, and outputs into answers."""

from __future__ import annotations

import math
from typing import Any

from albert_export.checkpoints.checkpoint import Checkpoint
from albert_export.checkpoints.sentence_transformers import read_sentence_transformers
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import CheckpointError, UsageError
from albert_runtime.postprocessing.pooling import EmbeddingOptions
from albert_runtime.tasks import TASKS, Task


def request_settings(
    checkpoint: Checkpoint, tokenizer: AlbertTokenizer | None, task: Task, null_threshold: float | None = None
) -> dict[str, Any]:
    """The manifest fields `max_length`, `embedding`, `null_threshold` and `missing_outputs`.

    The most tokens in a sequence are the positions of the model, unless the tokenizer's `model_max_length` is less. For
    embeddings, the `max_seq_length` of sentence-transformers replaces `model_max_length`, as it does there. Without a
    pooler, an embedding is the mean of the tokens' vectors, unless sentence-transformers says otherwise.

    Args:
        checkpoint: the checkpoint.
        tokenizer: its tokenizer; None for a bundle without one.
        task: the task of the session, with the outputs that the checkpoint has weights for.
        null_threshold: see `Manifest.null_threshold`; None takes what the checkpoint's configuration says.

    Raises:
        CheckpointError: a file of sentence-transformers can't be read, or the configuration's threshold is no number.
        UnsupportedError: the files ask for embeddings that are made in a way that is not supported.
        UsageError: `null_threshold` is no finite number, or the task is not question answering.
    """
    positions = checkpoint.config.max_position_embeddings
    limit = positions if tokenizer is None else tokenizer.model_max_length
    found = read_sentence_transformers(checkpoint.folder) if task.name == "feature-extraction" else None
    missing = tuple(name for name in TASKS[task.name].outputs if name not in task.outputs)
    embedding = found.embedding if found else EmbeddingOptions(pooling="mean") if "pooler_output" in missing else None
    return {
        "max_length": min(positions, (found and found.max_seq_length) or limit),
        "embedding": embedding.to_dict() if embedding else {},
        "missing_outputs": missing,
        "null_threshold": _null_threshold(checkpoint, task, null_threshold),
    }


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
    if task.name != "question-answering" or settings.get("version_2_with_negative") is not True:
        return None
    threshold = settings.get("null_score_diff_threshold", 0.0)
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not math.isfinite(threshold):
        raise CheckpointError(
            f"{checkpoint.folder}: null_score_diff_threshold in config.json must be a number, not {threshold!r}"
        )
    return float(threshold)
