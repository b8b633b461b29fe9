"""FastAddedTokens: finds the added tokens in a text as Hugging Face's `tokenizers` library does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from albert_runtime.errors import UnsupportedError, listed
from albert_runtime.tokenization.added_vocabulary import AddedToken, is_content, is_id
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.fast.normalizers import Normalize


@dataclass(frozen=True)
class Section:
    """An added token with the text that it stands for, or a text between two of them."""

    text: AlignedText
    #: the content of the token; None for the text between
    token: str | None = None


@dataclass(frozen=True)
class _Token(AddedToken):
    single_word: bool = False


class FastAddedTokens:
    """The "added_tokens" of a tokenizer.json.

    A token is found in the text as it is, or, if it says `normalized`, in the text after normalization, where its own
    content is normalized too. The longest token that begins first is taken.
    """

    def __init__(self, records: Any, normalize: Normalize) -> None:
        """Read the "added_tokens" of a tokenizer.json.

        Raises:
            UnsupportedError: one of them is not described as it must be; the message lists all that are not.
        """
        self.tokens = tuple(_read(records))
        self._normalize = normalize
        plain = {token.content: token for token in self.tokens if not token.normalized}
        normalized = {normalize(AlignedText.of(token.content)).text: token for token in self.tokens if token.normalized}
        normalized.pop("", None)
        self._plain, self._normalized = (_Finder(tokens) for tokens in (plain, normalized))

    def split(self, text: AlignedText) -> Iterator[Section]:
        """The tokens in `text`, and the normalized parts between them; no part is empty."""
        for section in self._plain.split(text):
            if section.token is not None:
                yield section
            else:
                yield from self._normalized.split(self._normalize(section.text))


class _Finder:
    """Finds tokens by one regular expression."""

    def __init__(self, tokens: Mapping[str, _Token]) -> None:
        self._tokens = tokens
        self._any = re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))) if tokens else None

    def split(self, text: AlignedText) -> Iterator[Section]:
        start = 0
        for match in self._any.finditer(text.text) if self._any else ():
            token = self._tokens[match.group()]
            begin, end = match.span()
            if begin < start or (token.single_word and not _stands_alone(text.text, begin, end)):
                continue
            # White space beside the token becomes a part of it, unless another token has taken it already.
            if token.lstrip:
                begin = start + len(text.text[start:begin].rstrip())
            if token.rstrip:
                end = len(text.text) - len(text.text[end:].lstrip())
            if begin > start:
                yield Section(text.part(start, begin))
            yield Section(text.part(begin, end), token.content)
            start = end
        if start < len(text.text):
            yield Section(text.part(start, len(text.text)))


def _stands_alone(text: str, begin: int, end: int) -> bool:
    return not (re.match(r"\w", text[max(0, begin - 1) : begin]) or re.match(r"\w", text[end : end + 1]))


def _read(records: Any) -> Iterator[_Token]:
    given: Sequence[Any] = records if isinstance(records, Sequence) and not isinstance(records, str) else [records]
    problems = [
        f"{record!r:.80}"
        for record in given
        if not (isinstance(record, Mapping) and is_content(record.get("content")) and is_id(record.get("id")))
    ]
    if problems:
        raise UnsupportedError(listed("added_tokens must hold objects with a content and an id, not:", problems))
    for record in given:
        flags = {
            name: bool(record.get(name, False)) for name in ("lstrip", "rstrip", "normalized", "special", "single_word")
        }
        yield _Token(record["content"], record["id"], **flags)
