"""The weights of Google's TF1 checkpoints by Hugging Face's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from albert_export.checkpoints.weight_names import ENCODER, HEADS, MAPPING, WeightName
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, listed

# Google's SQuAD 2 head (squad_utils.create_v2_model) has a start beam, an end conditioned on the start, and an
# answer class.
_SQUAD_V2 = ("start_logits/", "end_logits/", "answer_class/")


def by_hugging_face_names(
    index_file: Path, config: AlbertConfig, variables: Mapping[str, np.ndarray]
) -> tuple[Iterator[tuple[str, np.ndarray]], tuple[str, ...]]:
    """The weights of google-research/albert, pre-trained or fine-tuned, by Hugging Face's names and in its layout.

    Returns:
        The weights, and descriptions of further heads, which no task can use.

    Raises:
        CheckpointError: variables are missing or left over; the message lists all.
    """
    squad_v2 = {name for name in variables if name.startswith(_SQUAD_V2)}
    rows = _rows_for(config, variables)
    _check_names(index_file.with_suffix(""), rows, variables.keys() - squad_v2)
    other_heads = ("Google's SQuAD 2 head (start beam, end and answerability)",) if squad_v2 else ()
    return _hugging_face_weights(config, rows, variables), other_heads


def _rows_for(config: AlbertConfig, variables: Mapping[str, np.ndarray]) -> list[WeightName]:
    """The rows of the table that this checkpoint must have: the encoder, and every head that it has a weight of."""
    heads = [row for rows in HEADS.values() if any(row.google in variables for row in rows) for row in rows]
    identity = _mapping_is_identity(config, variables)
    encoder = [row for row in ENCODER if not (identity and row in MAPPING)]
    return [weight for row in (*encoder, *heads) for weight in row.expanded(config)]


def _mapping_is_identity(config: AlbertConfig, variables: Mapping[str, np.ndarray]) -> bool:
    return config.embedding_size == config.hidden_size and not any(row.google in variables for row in MAPPING)


def _check_names(prefix: Path, rows: list[WeightName], names: set[str]) -> None:
    needed = {row.google for row in rows}
    problems = [f"missing: {name}" for name in sorted(needed - names)]
    problems += [f"left over: {name}" for name in sorted(names - needed)]
    if problems:
        raise CheckpointError(
            listed(f"the variables in {prefix} are not those of its configuration's ALBERT:", problems)
        )


def _hugging_face_weights(
    config: AlbertConfig, rows: list[WeightName], variables: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """The weights by Hugging Face's names, in its layout."""
    for row in rows:
        array = variables[row.google]
        yield row.hugging_face, array.T if row.transposed else array
    if _mapping_is_identity(config, variables):
        weight, bias = (row.hugging_face for row in MAPPING)
        yield weight, np.eye(config.hidden_size, dtype=np.float32)
        yield bias, np.zeros(config.hidden_size, dtype=np.float32)
