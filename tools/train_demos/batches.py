"""Turns the encodings of a batch into padded tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from albert_runtime.tokenization.encoding import Encoding

#: the position embeddings of a checkpoint, unless its demo also learns longer texts (`lengthening.LongTextDemo`)
MAX_POSITIONS = 128
#: the label of tokens that do not count in the loss
IGNORED = -100


def pad(encodings: Sequence[Encoding]) -> dict[str, Tensor]:
    """input_ids, attention_mask and token_type_ids, int64 `[batch, longest]`."""
    length = max(len(encoding) for encoding in encodings)
    columns = {
        "input_ids": [encoding.ids for encoding in encodings],
        "attention_mask": [encoding.attention_mask for encoding in encodings],
        "token_type_ids": [encoding.type_ids for encoding in encodings],
    }
    return {name: torch.tensor([[*row, *[0] * (length - len(row))] for row in rows]) for name, rows in columns.items()}


def pad_labels(rows: Sequence[Sequence[int]]) -> Tensor:
    """One label for each token, int64 `[batch, longest]`; padding gets the label IGNORED."""
    length = max(len(row) for row in rows)
    return torch.tensor([[*row, *[IGNORED] * (length - len(row))] for row in rows])
