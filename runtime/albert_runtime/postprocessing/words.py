"""Words: where the words of a text begin and end, for labels that are given to words.

The rules are those of the corpora that entity models are trained on (CoNLL 2003, WNUT 17, Universal Dependencies).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise
from typing import NamedTuple


class Role(Enum):
    """What a word is, as far as its characters tell."""

    WORD = "word"
    #: nothing but punctuation
    PUNCTUATION = "punctuation"
    #: a dash between words; a hyphen inside a word is part of it
    DASH = "dash"
    #: the 's of "Germany's", or the apostrophe of "James'"
    POSSESSIVE = "possessive"


class Word(NamedTuple):
    """The characters `start:end` of a text."""

    start: int
    end: int
    role: Role


#: scripts that write no spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, Tai Le, New Tai Lue, Tai Tham,
#: Balinese, Javanese, Yi, Chinese characters (with 々, 〆 and 〇), hiragana, katakana and bopomofo
_UNSPACED = re.compile(
    "([\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\u3005-\u3007\u3040-\u312f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaa7f\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff]+)"
)
#: dashes; two hyphens in a row are one in plain text
_DASHES = re.compile("([\u2012-\u2015\u2e3a\u2e3b]+|--+)")
_HYPHENS = frozenset("-\u2010\u2011")
_APOSTROPHES = "'\u2019\u02bc\uff07`\u00b4"
_POSSESSIVE = re.compile(f"[{_APOSTROPHES}][sS]")
#: abbreviations in names; the period after them is part of the word
_ABBREVIATIONS = frozenset(
    """
    ave blvd bros capt co col corp dept dr esq ft gen gov hon inc jr lt ltd messrs mr mrs ms mt mtn pres prof pt rep rev
    sen sgt sr st ste univ
    """.split()  # noqa: SIM905
)
#: letters with periods between them, such as U.S and Ph.D
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")


def split_words(text: str, token_starts: Sequence[int] = (), word_starts: Sequence[int] = ()) -> list[Word]:
    """The words of `text`, in order; white space is in none of them.

    - Punctuation at either end of what stands between two spaces forms words of its own, one for each character:
      in "(Paris)," the word Paris has its own label, and the comma does not become part of the entity.
    - The period of an abbreviation ("U.S.", "St.", "Jr.") is part of the word.
    - A possessive 's is a word of its own, and so is a dash between two words.
    - In a script without spaces nobody can tell words from spaces, so each token is a word.

    Args:
        text: any text.
        token_starts: the character at which each token begins.
        word_starts: characters at which a word begins although no white space stands before it, in order.
    """
    cuts = sorted(set(token_starts))
    words: list[Word] = []
    for chunk in re.finditer(r"\S+", text):
        for start, end in pairwise(_bounds(word_starts, chunk.start(), chunk.end())):
            words += _split_chunk(text, start, end, cuts)
    return words


def role_of(surface: str) -> Role:
    """The role of a word that is given by itself."""
    if _DASHES.fullmatch(surface) or (surface and set(surface) <= _HYPHENS):
        return Role.DASH
    if _POSSESSIVE.fullmatch(surface):
        return Role.POSSESSIVE
    return Role.PUNCTUATION if is_punctuation(surface) else Role.WORD


def is_punctuation(surface: str) -> bool:
    """Whether `surface` holds nothing but punctuation; currency signs and mathematical signs are not punctuation."""
    return bool(surface) and all(unicodedata.category(sign).startswith("P") for sign in surface)


def is_unspaced(surface: str) -> bool:
    """Whether `surface` is written in scripts without spaces between words."""
    return _UNSPACED.fullmatch(surface) is not None


def is_abbreviation(core: str) -> bool:
    """Whether a period after `core` belongs to it, wherever it stands in a sentence."""
    return core.lower() in _ABBREVIATIONS or _INITIALS.fullmatch(core) is not None


def _split_chunk(text: str, start: int, end: int, cuts: Sequence[int]) -> Iterator[Word]:
    """The words between two spaces, first divided at dashes and where a script without spaces begins or ends."""
    chunk = text[start:end]
    if chunk.isascii() and chunk.isalnum():  # most chunks are; what follows would find the same, but slowly
        yield Word(start, end, Role.WORD)
        return
    for part in _DASHES.split(chunk):
        for segment in _UNSPACED.split(part):
            stop = start + len(segment)
            if _DASHES.fullmatch(segment):
                yield Word(start, stop, Role.DASH)
            elif _UNSPACED.fullmatch(segment):
                yield from _split_at(cuts, text, start, stop)
            elif segment:
                yield from _split_spaced(text, start, stop, cuts)
            start = stop


def _split_spaced(text: str, start: int, end: int, cuts: Sequence[int]) -> Iterator[Word]:
    """The words of a script with spaces: punctuation at both ends, the word between it, and its possessive."""
    stop = end
    while stop > start and is_punctuation(text[stop - 1]):
        stop -= 1
    if _POSSESSIVE.fullmatch(text, max(start, stop - 2), stop):
        yield from _split_spaced(text, start, stop - 2, cuts)
        yield Word(stop - 2, stop, Role.POSSESSIVE)
    else:
        begin = start
        while begin < stop and is_punctuation(text[begin]):
            begin += 1
        yield from _split_at(cuts, text, start, begin)
        if begin < stop:
            core = text[begin:stop]
            stop += text.startswith(".", stop, end) and is_abbreviation(core)
            yield Word(begin, stop, Role.WORD)
            if core[-1] in "sS" and stop < end and text[stop] in _APOSTROPHES:
                yield Word(stop, stop + 1, Role.POSSESSIVE)
                stop += 1
    yield from _split_at(cuts, text, stop, end)


def _split_at(cuts: Sequence[int], text: str, start: int, end: int) -> Iterator[Word]:
    """The characters `start:end`, divided at every one of `cuts` between them."""
    for begin, stop in pairwise(_bounds(cuts, start, end) if start < end else ()):
        yield Word(begin, stop, role_of(text[begin:stop]))


def _bounds(cuts: Sequence[int], start: int, end: int) -> list[int]:
    """`start`, those of the sorted `cuts` that are between the two, and `end`."""
    return [start, *cuts[bisect_right(cuts, start) : bisect_left(cuts, end)], end]
