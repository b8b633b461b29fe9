"""Encodings -> the tensors of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
from torch import Tensor

from albert_runtime.encoding import Encoding

#: the positions that a checkpoint has
MAX_POSITIONS = 512
#: the label of tokens that a loss leaves out
IGNORED = -100


def pad(encodings: Sequence[Encoding], rng: Random | None = None) -> dict[str, Tensor]:
    """input_ids, attention_mask and token_type_ids, int64 `[batch, longest]`.

    With `rng`, for training: half of the rows also get position_ids that leave out some positions after [CLS], so
    that the position embeddings of long texts are trained on short ones.
    """
    length = max(len(encoding) for encoding in encodings)
    columns = {
        "input_ids": [encoding.ids for encoding in encodings],
        "attention_mask": [encoding.attention_mask for encoding in encodings],
        "token_type_ids": [encoding.type_ids for encoding in encodings],
    }
    batch = {name: torch.tensor([[*row, *[0] * (length - len(row))] for row in rows]) for name, rows in columns.items()}
    if rng is not None:
        positions = torch.arange(length).repeat(len(encodings), 1)
        for row in range(len(encodings)):
            if rng.random() < 0.5:
                positions[row, 1:] += rng.randint(0, MAX_POSITIONS - length)
        batch["position_ids"] = positions
    return batch


def pad_labels(rows: Sequence[Sequence[int]]) -> Tensor:
    """One label for each token, int64 `[batch, longest]`; padding gets the label that losses leave out."""
    length = max(len(row) for row in rows)
    return torch.tensor([[*row, *[IGNORED] * (length - len(row))] for row in rows])
