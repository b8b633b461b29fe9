"""The outputs of a beam search as scores of all positions, which change smoothly with the model."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

#: smaller probabilities count as this one: a position that can't be in an answer has none at all
_LEAST = math.log(1e-6)


def beam_scores(outputs: Mapping[str, Tensor], length: int) -> dict[str, Tensor]:
    """The scores of starts, of ends and of "there is no answer", from the outputs of the head "beam-search".

    Args:
        outputs: by the names of the task's contract.
        length: the tokens of the sequences, S.

    Returns:
        start_scores: `[B, S]`; a position outside of the beam counts as the last one in it.
        end_scores: the same for the best start.
        cls_scores: `[B, 2]`, index 0 for "there is an answer" and 1 for "there is none".
    """
    beam = outputs["start_top_index"].shape[1]
    ends = outputs["end_top_index"].shape[1] // beam  # those of the best start come first
    none = outputs["cls_logits"]
    return {
        "start_scores": _table(outputs["start_top_index"], outputs["start_top_log_probs"], length),
        "end_scores": _table(outputs["end_top_index"][:, :ends], outputs["end_top_log_probs"][:, :ends], length),
        "cls_scores": torch.stack([torch.zeros_like(none), none], dim=-1),
    }


def _table(positions: Tensor, log_probs: Tensor, length: int) -> Tensor:
    """`[B, K]` positions and their log-probabilities -> `[B, S]`. Short sequences have positions beyond their end."""
    table = log_probs[:, -1:].repeat(1, length + positions.shape[1])
    return table.scatter(1, positions, log_probs)[:, :length].clip(min=_LEAST)
