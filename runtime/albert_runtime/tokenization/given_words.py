"""Words that the caller has split: where they stand in the text, and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from albert_runtime.errors import UsageError
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.tokenizer import AlbertTokenizer


def locate_words(words: Sequence[str], text: str | None = None) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text of some words, and the characters (start, end) of each of them in it.

    Args:
        words: the words, in order.
        text: the text that they were split from; None for the words with spaces between them.

    Raises:
        UsageError: `words` is not a list of str with something in it, or one of them does not occur in the text.
    """
    if isinstance(words, str) or not isinstance(words, Sequence):
        raise UsageError(f"words must be a list of words, not {type(words).__name__}")
    foreign = [f"words[{number}] is {word!r:.40}" for number, word in enumerate(words) if not isinstance(word, str)]
    if foreign:
        raise UsageError(f"words must hold nothing but str; {', '.join(foreign[:3])}")
    if not any(map(str.strip, words)):
        raise UsageError("words holds no word; give it some")
    joined = " ".join(words) if text is None else text
    spans = []
    end = 0
    for number, word in enumerate(words):
        start = joined.find(word, end)
        if start < 0:
            raise UsageError(
                f"words[{number}] is {word!r:.40}, which does not occur in the text after character {end}, where the "
                f"word before it ends ({joined[end : end + 40]!r}); give words that were split from this text, or "
                "no text"
            )
        end = start + len(word)
        spans.append((start, end))
        end += text is None  # the space
    return joined, tuple(spans)


def encode_words(tokenizer: AlbertTokenizer, words: Sequence[str], spans: Sequence[tuple[int, int]]) -> Encoding:
    """The tokens of some words, each tokenized by itself, as one sequence without special tokens.

    Args:
        tokenizer: the tokenizer.
        words: the words, in order.
        spans: the characters (start, end) of each word in the text; the offsets of the tokens refer to the same text.
    """
    encodings = tokenizer(list(words), add_special_tokens=False).encodings

    def joined(field: str) -> tuple[Any, ...]:
        return tuple(chain.from_iterable(getattr(encoding, field) for encoding in encodings))

    starts = [start for start, _ in spans]
    return Encoding(
        ids=joined("ids"),
        type_ids=joined("type_ids"),
        attention_mask=joined("attention_mask"),
        special_tokens_mask=joined("special_tokens_mask"),
        tokens=joined("tokens"),
        offsets=tuple(
            (start + begin, start + end)
            for start, encoding in zip(starts, encodings, strict=True)
            for begin, end in encoding.offsets
        ),
        word_ids=tuple(number for number, encoding in enumerate(encodings) for _ in encoding.ids),
        sequence_ids=joined("sequence_ids"),
        sample=0,
    )
