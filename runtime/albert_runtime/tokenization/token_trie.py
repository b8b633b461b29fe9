"""TokenTrie: finds tokens in a text as the trie of Hugging Face's slow tokenizers does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: the key of a node at which a token ends; every other key is one character
_END = ""


class TokenTrie:
    """A trie of tokens. It never changes after construction, so threads may share it."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._root: dict[str, Any] = {}
        for token in tokens:
            node = self._root
            for character in token:
                node = node.setdefault(character, {})
            node[_END] = True

    def overlaps(self, tokens: Iterable[str]) -> bool:
        """Whether a token of the trie may begin within one of `tokens`, so that both lay claim to the same text."""
        return any(self._begins_in(token, start) for token in tokens for start in range(1, len(token)))

    def _begins_in(self, token: str, start: int) -> bool:
        node = self._root
        for character in token[start:]:
            if character not in node:
                return False
            node = node[character]
            if _END in node:
                return True
        return True

    def cuts(self, text: str) -> list[int]:
        """The positions at which `text` is cut, in order: before and after each token that is found.

        The text is read once from left to right. The token that ends first is found, unless a longer one begins at the
        same place or before it. This is `Trie.split` of transformers 4.57 (tokenization_utils.py), with what it does if
        tokens overlap: `node` of an earlier candidate is followed from the character behind the current one, even if
        the current one has just ruled the candidate out. The text between two cuts need not be a token, therefore.
        """
        candidates: dict[int, dict[str, Any]] = {}  # the start of each token that may be under way -> its node
        cuts: list[int] = []
        resume = 0
        for position, character in enumerate(text):
            if position < resume:
                continue
            found = None
            following: dict[int, dict[str, Any]] = {}
            for start, node in candidates.items():
                if _END in node:
                    found = start
                    break
                if character in node:
                    following[start] = node[character]
            if found is not None:
                start, end, resume = self._longest(text, position, found, {**candidates, **following}, resume)
                cuts += (start, end)
                following = {}
            if position >= resume and character in self._root:
                following[position] = self._root[character]
            candidates = following
        for start, node in candidates.items():
            if _END in node:
                cuts += (start, len(text))
                break
        return cuts

    @staticmethod
    def _longest(
        text: str, position: int, found: int, candidates: dict[int, dict[str, Any]], resume: int
    ) -> tuple[int, int, int]:
        """Start and end of the token to take, and where to read on: the longest token of the earliest candidate.

        Args:
            text: the text.
            position: the current position.
            found: the start of the token that ends before `position`.
            candidates: start -> node; the nodes of the candidates before `found` include the character at `position`.
            resume: where to read on if nothing else is found.
        """
        start, end = found, position
        for candidate, node in candidates.items():
            if candidate > start:
                break
            # `start` may have moved to an earlier candidate, which does not matter: later ones end the loop.
            end = ahead = position + 1 if candidate < start else position
            if _END in node:
                start, end, resume = candidate, ahead, ahead
            while ahead < len(text) and text[ahead] in node:
                node = node[text[ahead]]
                ahead += 1
                if _END in node:
                    start, end, resume = candidate, ahead, ahead
        return start, end, resume
