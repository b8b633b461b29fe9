"""Several sequences of tokens -> the padded arrays that a graph takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.tasks import INPUT_NAMES
from albert_runtime.tokenization.encoding import Encoding


def pad_batch(encodings: Sequence[Encoding], *, pad_token_id: int, length: int | None = None) -> Arrays:
    """The three inputs of `tasks.INPUT_NAMES`, each int64 `[batch, sequence]`.

    Args:
        encodings: one or more sequences of any lengths.
        pad_token_id: the id that is appended to short sequences, with the attention mask 0 and the type id 0.
        length: the length of every sequence after padding; None means the length of the longest sequence.

    Raises:
        UsageError: there is no sequence, or one is longer than `length`.
    """
    longest = max((len(one) for one in encodings), default=0)
    if not longest:
        raise UsageError("a batch needs one sequence at least, of one token at least")
    if length is not None and longest > length:
        raise UsageError(f"a sequence of {longest} tokens does not fit the fixed length of {length} tokens")
    shape = (len(encodings), length or longest)
    ids, mask, types = np.full(shape, pad_token_id, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, one in enumerate(encodings):
        ids[row, : len(one)] = one.ids
        mask[row, : len(one)] = one.attention_mask
        types[row, : len(one)] = one.type_ids
    return dict(zip(INPUT_NAMES, (ids, mask, types), strict=True))


def masked_positions(input_ids: NDArray[Any], mask_token_id: int) -> NDArray[np.int64]:
    """The places of the masks in each sequence, int64 `[batch, masks]`, in order; see `tasks.MASKED_POSITIONS`.

    There are as many columns as masks in the sequence with most of them, and one at least.

    Args:
        input_ids: `[batch, sequence]`.
        mask_token_id: the id of the mask.
    """
    found = [np.flatnonzero(row == mask_token_id) for row in np.asarray(input_ids)]
    places = np.zeros((len(found), max(1, *map(len, found))), np.int64)
    for row, own in zip(places, found, strict=True):
        row[: len(own)] = own
    return places
