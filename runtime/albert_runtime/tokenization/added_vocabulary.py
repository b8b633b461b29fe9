"""AddedVocabulary: the tokens that are found in a text before SentencePiece splits it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.normalizer import replace_surrogates
from albert_runtime.tokenization.token_trie import TokenTrie

#: so many tokens, or fewer, are found faster by a regular expression than by the trie, which is written in Python
_FEW_TOKENS = 64
#: ids are below this; engines hold them in 32 bits
LARGEST_ID = 2**31


@dataclass(frozen=True)
class AddedToken:
    """A token that is never split. The fields are those of Hugging Face's AddedToken, which also has `single_word`."""

    content: str
    #: None for the id of the piece with this content, or for the next free id if there is no such piece
    id: int | None = None
    #: drop the white space on its left
    lstrip: bool = False
    #: drop the white space on its right
    rstrip: bool = False
    #: for a token that is not special: also keep its case when the text is lower-cased
    normalized: bool = False
    special: bool = True


def is_content(value: object) -> TypeGuard[str]:
    """Whether `value` can be the content of a token."""
    return isinstance(value, str) and value != ""


def is_id(value: object) -> TypeGuard[int]:
    """Whether `value` can be the id of a token."""
    return type(value) is int and 0 <= value < LARGEST_ID


class AddedVocabulary:
    """The special tokens and the tokens that were added to a vocabulary, found as Hugging Face's slow tokenizer does.

    It never changes after construction, so threads may share it.
    """

    def __init__(self, tokens: Sequence[AddedToken], special: Sequence[str]) -> None:
        """Hold `tokens`; `special` are the contents of those that have a role, or are additional special tokens."""
        self.tokens = tuple(tokens)
        self.special = frozenset(special)
        self._tokens = {token.content: token for token in tokens}
        # The order is that of Hugging Face, where the first alternative that matches is taken.
        kept = [*special, *(token.content for token in tokens if not token.special and token.normalized)]
        self._keeps_case = re.compile("|".join(map(re.escape, kept)))
        trie = TokenTrie(self._tokens)
        overlapping = len(self._tokens) > _FEW_TOKENS or trie.overlaps(self._tokens)
        self._trie = trie if overlapping else None
        self._any = re.compile("|".join(map(re.escape, sorted(self._tokens, key=len, reverse=True))))

    def __contains__(self, content: str) -> bool:
        return content in self._tokens

    def keeps_case(self, content: str) -> bool:
        """Whether the token `content` is left as it is where texts are lower-cased."""
        token = self._tokens[content]
        return content in self.special or (not token.special and token.normalized)

    def is_unreachable(self, content: str) -> bool:
        """Whether the token `content` is never found where texts are lower-cased, because it has capitals itself."""
        return not self.keeps_case(content) and "".join(map(str.lower, content)) != content

    def split(self, text: str, *, do_lower_case: bool) -> list[AlignedText]:
        """The tokens in `text` and the parts between them, in order; no part is empty.

        White space beside a token is dropped as its flags say. Lone surrogates become U+FFFD. If `do_lower_case` is
        set, the parts are in lower case.
        """
        aligned = AlignedText.of(replace_surrogates(text))
        if do_lower_case:
            aligned = self._lower(aligned)
        parts = list(self._cut(aligned))
        # A part that loses white space may become equal to a token, or a token may cease to be one, before the loop
        # comes to it. So does it in Hugging Face's tokenizer.
        for index, part in enumerate(parts):
            token = self._tokens.get(part.text)
            if token is None:
                continue
            if token.rstrip and index + 1 < len(parts):
                parts[index + 1] = parts[index + 1].lstrip()
            if token.lstrip and index:
                parts[index - 1] = parts[index - 1].rstrip()
        return [part for part in parts if part.text]

    def _lower(self, text: AlignedText) -> AlignedText:
        """`text` in lower case, except for the tokens that keep their case.

        Hugging Face lower-cases each character by itself before it looks for tokens. Therefore "<PAD>" is one, and a
        capital sigma never becomes a final sigma.
        """
        parts = []
        end = 0
        for match in self._keeps_case.finditer(text.text):
            parts += [text.part(end, match.start()).map_characters(str.lower), text.part(match.start(), match.end())]
            end = match.end()
        rest = text.part(end, len(text.text)).map_characters(str.lower)
        return AlignedText.joined([*parts, rest]) if parts else rest

    def _cut(self, text: AlignedText) -> Iterator[AlignedText]:
        start = 0
        for end in (*self._cuts(text.text), len(text.text)):
            if end > start:
                yield text.part(start, end)
                start = end

    def _cuts(self, text: str) -> Iterable[int]:
        """The positions before and after each token in `text`."""
        if self._trie is not None:
            return self._trie.cuts(text)
        return [position for match in self._any.finditer(text) for position in match.span()]
