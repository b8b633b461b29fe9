"""The weights of Google's TF1 checkpoints by Hugging Face's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from albert_export.checkpoints.account import NamedWeight
from albert_export.checkpoints.weight_names import ENCODER, HEADS, MAPPING, WeightName
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, listed

# Google's SQuAD 2 head (squad_utils.create_v2_model) has a start beam, an end conditioned on the start, and an
# answer class.
_SQUAD_V2 = ("start_logits/", "end_logits/", "answer_class/")


def by_hugging_face_names(
    index_file: Path, config: AlbertConfig, weights: Iterable[NamedWeight]
) -> tuple[list[NamedWeight], tuple[str, ...]]:
    """The weights of google-research/albert, pre-trained or fine-tuned, by Hugging Face's names and in its layout.

    Returns:
        The weights, those that the table does not have under Google's names; and descriptions of further heads, which
        no task can use.

    Raises:
        CheckpointError: variables are missing; the message lists all, and those that are left over.
    """
    weights = list(weights)
    prefix = _scope(weight.name for weight in weights)
    stored = {weight.name.removeprefix(prefix): weight for weight in weights}
    squad_v2 = {name for name in stored if name.startswith(_SQUAD_V2)}
    variables = {name: weight.array for name, weight in stored.items() if name not in squad_v2}
    rows = _rows_for(config, variables)
    needed = {row.google for row in rows}
    left_over = [weight for name, weight in stored.items() if name in variables.keys() - needed]
    _refuse_missing(index_file.with_suffix(""), needed - variables.keys(), left_over)
    found = [
        NamedWeight(
            stored[row.google].given,
            row.hugging_face,
            variables[row.google].T if row.transposed else variables[row.google],
        )
        for row in rows
    ]
    if _mapping_is_identity(config, variables):
        weight, bias = (row.hugging_face for row in MAPPING)
        found.append(NamedWeight(weight, weight, np.eye(config.hidden_size, dtype=np.float32)))
        found.append(NamedWeight(bias, bias, np.zeros(config.hidden_size, dtype=np.float32)))
    other_heads = ("Google's SQuAD 2 head (start beam, end and answerability)",) if squad_v2 else ()
    return [*found, *left_over], other_heads


def _scope(names: Iterable[str]) -> str:
    """What stands before the names of Google's variables: TF Hub modules keep everything below `module/`."""
    places = ((name, name.find("bert/encoder/")) for name in names)
    return next((name[:place] for name, place in places if place > 0 and name[place - 1] == "/"), "")


def _rows_for(config: AlbertConfig, variables: Mapping[str, np.ndarray]) -> list[WeightName]:
    """The rows of the table that this checkpoint must have: the encoder, and every head that it has a weight of."""
    heads = [row for rows in HEADS.values() if any(row.google in variables for row in rows) for row in rows]
    identity = _mapping_is_identity(config, variables)
    encoder = [row for row in ENCODER if not (identity and row in MAPPING)]
    return [weight for row in (*encoder, *heads) for weight in row.expanded(config)]


def _mapping_is_identity(config: AlbertConfig, variables: Mapping[str, np.ndarray]) -> bool:
    return config.embedding_size == config.hidden_size and not any(row.google in variables for row in MAPPING)


def _refuse_missing(prefix: Path, missing: Iterable[str], left_over: Iterable[NamedWeight]) -> None:
    problems = [f"missing: {name}" for name in sorted(missing)]
    if problems:
        problems += [f"left over: {name}" for name in sorted(weight.given for weight in left_over)]
        raise CheckpointError(
            listed(f"the variables in {prefix} are not those of its configuration's ALBERT:", problems)
        )
