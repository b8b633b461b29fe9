"""The special and added tokens of a `tokenizer.json`.

The fast tokenizer finds a token either in the text as it is (`normalized` false), or in the text after normalization
(`normalized` true). The slow one finds all of them after lower-casing, but before the rest of the normalization. So in
a tokenizer that lower-cases, "[E1]" is the added token "[e1]", while a full-width "\uff3b" never becomes its bracket.

Such tokens are expressed as follows. The first steps of the normalizer replace what the slow tokenizer would find by
one character for each token, from a private area of Unicode. As the normalizer turns the token itself into the same
character, the fast tokenizer finds exactly these places.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.added_vocabulary import AddedToken
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

#: the characters that stand for tokens: Supplementary Private Use Area-A
_FIRST_MARK, _LAST_MARK = 0xF0000, 0xFFFFD
#: what such a character in a text is replaced by: another one that no vocabulary has
_OTHER_PRIVATE = "\U00100000"
#: the content of a token that is never found begins with this; the code point is reserved, and is in no text
_NEVER_FOUND = "\ufdd0"


@dataclass(frozen=True)
class FastAddedTokens:
    """The parts of a tokenizer.json that make the fast tokenizer find the added tokens."""

    #: "added_tokens", in the order of their ids
    records: list[dict[str, Any]]
    #: the first steps of the normalizer
    normalizers: list[dict[str, Any]]

    def reserved_characters(self) -> frozenset[str]:
        """Return the characters that `records` and `normalizers` need: no later step may change them."""
        marks = map(chr, range(_FIRST_MARK, _LAST_MARK + 1)) if self.normalizers else ()
        never_found = any(record["content"].startswith(_NEVER_FOUND) for record in self.records)
        return frozenset((*marks, *(_NEVER_FOUND if never_found else "")))


def fast_added_tokens(tokenizer: AlbertTokenizer, *, trims_parts: bool) -> FastAddedTokens:
    """Return the special and the added tokens of `tokenizer`.

    Args:
        tokenizer: the tokenizer.
        trims_parts: whether SentencePiece drops the white space at the ends of the text between two tokens.

    Raises:
        UnsupportedError: there are more tokens than characters that can stand for them.
    """
    tokens = sorted(tokenizer.vocabulary.added.tokens, key=_id)
    records: list[dict[str, Any]] = []
    marked: list[AddedToken] = []
    for token in tokens:
        # the fast tokenizer gives new tokens the next free ids, so gaps must be filled
        following = max(len(records) and records[-1]["id"] + 1, tokenizer.vocab_size)
        records += [_never_found(index) for index in range(following, _id(token))]
        record = {"id": _id(token), **token_record(token)}
        lowered = "".join(map(str.lower, token.content))
        if token.content in tokenizer.special_tokens.contents:
            pass
        elif tokenizer.do_lower_case and tokenizer.vocabulary.added.is_unreachable(token.content):
            record["content"] = _NEVER_FOUND + token.content
        elif token.normalized or (tokenizer.do_lower_case and lowered == token.content != token.content.upper()):
            record["normalized"] = True
            if trims_parts:  # normalization can make new spaces, for example of a macron
                record["lstrip"] = record["rstrip"] = True
            marked.append(token)
        records.append(record)
    if len(marked) > _LAST_MARK - _FIRST_MARK:
        raise UnsupportedError(f"{len(marked)} added tokens are more than a tokenizer.json can be written for")
    steps = [replace_pattern(f"[{chr(_FIRST_MARK)}-{chr(_LAST_MARK)}]", _OTHER_PRIVATE)] if marked else []
    space = character_class(str.isspace) + "*" if marked and (tokenizer.remove_space or trims_parts) else ""
    # a longer token is found rather than a shorter one
    for place, token in enumerate(sorted(marked, key=lambda token: len(token.content), reverse=True)):
        pattern = "".join(_any_case(one) if tokenizer.do_lower_case else re.escape(one) for one in token.content)
        steps.append(replace_pattern(f"{space}{pattern}{space}", chr(_FIRST_MARK + place)))
    return FastAddedTokens(records, steps)


def token_record(token: AddedToken) -> dict[str, Any]:
    """Describe a token as Hugging Face does."""
    return {
        "content": token.content,
        "single_word": False,
        "lstrip": token.lstrip,
        "rstrip": token.rstrip,
        "normalized": token.normalized,
        "special": token.special,
    }


def replace_pattern(pattern: str, content: str) -> dict[str, Any]:
    """Return the step of a normalizer that replaces each match of a regular expression."""
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def character_class(belongs: Callable[[str], object]) -> str:
    """Return a character class of all characters for which `belongs` is true, written out for any regex dialect."""
    ranges: list[tuple[str, str]] = []
    for is_in, characters in groupby(map(chr, range(sys.maxunicode + 1)), lambda character: bool(belongs(character))):
        if is_in:
            first, *rest = characters
            ranges.append((first, rest[-1] if rest else first))
    return "[" + "".join(first if first == last else f"{first}-{last}" for first, last in ranges) + "]"


def _id(token: AddedToken) -> int:
    assert token.id is not None  # the tokens of a vocabulary have ids
    return token.id


def _never_found(index: int) -> dict[str, Any]:
    return {"id": index, **token_record(AddedToken(f"{_NEVER_FOUND}{index}"))}


def _any_case(character: str) -> str:
    """Return a regular expression for the characters whose lower case is `character`."""
    others = _upper_cases().get(character, "")
    return f"[{character}{others}]" if others else re.escape(character)


@cache
def _upper_cases() -> dict[str, str]:
    """Each character -> the others that become it in lower case."""
    found: dict[str, str] = {}
    for character in map(chr, range(sys.maxunicode + 1)):
        lowered = character.lower()
        if lowered != character:
            found[lowered] = found.get(lowered, "") + character
    return found
