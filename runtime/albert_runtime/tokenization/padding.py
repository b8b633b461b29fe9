"""Several sequences of tokens -> the padded arrays that a graph takes."""

from __future__ import annotations

from collections.abc import Sequence

from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.tokenization.encoding import BatchEncoding, Encoding
from albert_runtime.tokenization.special_tokens import PAD_TOKEN


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
    rows = tuple(one.padded(length or longest, PAD_TOKEN, pad_token_id) for one in encodings)
    return BatchEncoding(rows).to_arrays()
