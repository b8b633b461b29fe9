"""The results of the tokenizer: sequences of token ids, and facts about each token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from albert_runtime.errors import UsageError
from albert_runtime.tasks import INPUT_NAMES


@dataclass(frozen=True)
class Encoding:
    """One sequence of tokens: a text or a pair of texts, complete or one window of it. All tuples have the same length.

    A token that the tokenizer added ([CLS], [SEP], padding) has 1 in `special_tokens_mask`, the span (0, 0), and None
    as its word and its sequence. A special token that is written in the text is a token of that text.
    """

    ids: tuple[int, ...]
    #: 0 for the first text with its [CLS] and [SEP] and for padding, 1 for the second text with its [SEP]; 0 for both
    #: texts if no special tokens were added
    type_ids: tuple[int, ...]
    #: 0 for padding, 1 otherwise
    attention_mask: tuple[int, ...]
    special_tokens_mask: tuple[int, ...]
    tokens: tuple[str, ...]
    #: the characters (start, end) of the text that the caller gave; the space before a word is not part of the word
    offsets: tuple[tuple[int, int], ...]
    #: the number of the word in its text, counted from 0: a token that begins with "▁" starts a word, and a special
    #: token written in the text is a word of its own
    word_ids: tuple[int | None, ...]
    #: 0 for the first text, 1 for the second
    sequence_ids: tuple[int | None, ...]
    #: the index of the text (or pair) that this sequence or window was made from
    sample: int

    @classmethod
    def added(
        cls, token: str, token_id: int, *, count: int = 1, type_id: int = 0, attention: int = 1, sample: int = 0
    ) -> Encoding:
        """A sequence of `count` times a token that stands for no text."""
        return cls(
            ids=(token_id,) * count,
            type_ids=(type_id,) * count,
            attention_mask=(attention,) * count,
            special_tokens_mask=(1,) * count,
            tokens=(token,) * count,
            offsets=((0, 0),) * count,
            word_ids=(None,) * count,
            sequence_ids=(None,) * count,
            sample=sample,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __add__(self, other: Encoding) -> Encoding:
        """The tokens of `self` and then those of `other`; the sample is that of `self`."""
        return Encoding(
            ids=self.ids + other.ids,
            type_ids=self.type_ids + other.type_ids,
            attention_mask=self.attention_mask + other.attention_mask,
            special_tokens_mask=self.special_tokens_mask + other.special_tokens_mask,
            tokens=self.tokens + other.tokens,
            offsets=self.offsets + other.offsets,
            word_ids=self.word_ids + other.word_ids,
            sequence_ids=self.sequence_ids + other.sequence_ids,
            sample=self.sample,
        )

    def part(self, which: range) -> Encoding:
        """The tokens with the positions `which`, a range of step 1."""
        kept = slice(which.start, which.stop)
        return Encoding(
            ids=self.ids[kept],
            type_ids=self.type_ids[kept],
            attention_mask=self.attention_mask[kept],
            special_tokens_mask=self.special_tokens_mask[kept],
            tokens=self.tokens[kept],
            offsets=self.offsets[kept],
            word_ids=self.word_ids[kept],
            sequence_ids=self.sequence_ids[kept],
            sample=self.sample,
        )

    def padded(self, length: int, pad_token: str, pad_token_id: int) -> Encoding:
        """The sequence with padding on the right up to `length` tokens; unchanged if it is already that long."""
        return self + Encoding.added(pad_token, pad_token_id, count=max(length - len(self), 0), attention=0)


_FIELD_OF_KEY = {
    "input_ids": "ids",
    "attention_mask": "attention_mask",
    "token_type_ids": "type_ids",
    "special_tokens_mask": "special_tokens_mask",
    "overflow_to_sample_mapping": "sample",
}


class BatchEncoding(Mapping[str, Any]):
    """The encodings of one call of the tokenizer.

    As a mapping it holds the inputs of a model, so that `model(**batch)` works: `input_ids`, `attention_mask` and
    `token_type_ids`. Each is a list if the call had a single text and no windows, and a list of lists otherwise.
    `special_tokens_mask` (in the same form) and `overflow_to_sample_mapping` (one index for each encoding) can be
    looked up too, but iteration does not give them as keys.
    """

    def __init__(self, encodings: tuple[Encoding, ...], *, is_single: bool = False) -> None:
        """Hold `encodings`; `is_single` says that the call had a single text, not a list, and no windows."""
        self.encodings = encodings
        self._is_single = is_single

    def __getitem__(self, key: str) -> Any:
        values = [getattr(encoding, _FIELD_OF_KEY[key]) for encoding in self.encodings]
        if key == "overflow_to_sample_mapping":
            return values
        rows = [list(value) for value in values]
        return rows[0] if self._is_single else rows

    def __iter__(self) -> Iterator[str]:
        return iter(INPUT_NAMES)

    def __len__(self) -> int:
        return len(INPUT_NAMES)

    def to_arrays(self, dtype: DTypeLike = np.int64) -> dict[str, NDArray[Any]]:
        """The three inputs of a model, each `[batch, sequence]` of `dtype`; a single text is a batch of one.

        Raises:
            UsageError: the sequences have different lengths.
        """
        lengths = {len(encoding) for encoding in self.encodings}
        if len(lengths) > 1:
            raise UsageError(
                f"the {len(self.encodings)} sequences have between {min(lengths)} and {max(lengths)} tokens and don't "
                "fit into one array; tokenize them with padding=True"
            )
        shape = (len(self.encodings), max(lengths, default=0))
        return {
            name: np.array([getattr(encoding, _FIELD_OF_KEY[name]) for encoding in self.encodings], dtype).reshape(
                shape
            )
            for name in INPUT_NAMES
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lengths={[len(encoding) for encoding in self.encodings]})"
