"""A small WordPiece vocabulary, made from the texts of tests/fixtures/udhr."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "fixtures" / "udhr"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
#: a piece of several characters occurs so often, and has at most so many characters
_FREQUENT, _LONGEST = 4, 5
#: every so many pieces, one is missing
_MISSING = 29


def declarations() -> dict[str, list[str]]:
    """Language -> the paragraphs of the declaration."""
    return {file.stem: file.read_text("utf-8").splitlines() for file in sorted(FOLDER.glob("*.txt"))}


def write_vocabulary(file: Path, more: Iterable[str] = ()) -> Path:
    """Write a vocabulary with the pieces of all declarations, as they are written and as normalization leaves them.

    Some of the pieces are missing, so that a few words are unknown.
    """
    counts: Counter[str] = Counter()
    for paragraphs in declarations().values():
        for text in _forms("\n".join(paragraphs)):
            for word in text.split():
                counts.update(_pieces(word))
    pieces = [piece for piece, count in counts.items() if len(piece.removeprefix("##")) == 1 or count >= _FREQUENT]
    kept = [piece for place, piece in enumerate(pieces) if place % _MISSING]
    file.write_text("\n".join(dict.fromkeys([*SPECIAL, *more, *kept])) + "\n", encoding="utf-8", newline="\n")
    return file


def _forms(text: str) -> Iterator[str]:
    spaced = "".join(f" {one} " if unicodedata.category(one).startswith("P") else one for one in text)
    for written in (spaced, spaced.lower(), spaced.upper()):
        yield unicodedata.normalize("NFC", written)
        yield "".join(one for one in unicodedata.normalize("NFD", written) if unicodedata.category(one) != "Mn")


def _pieces(word: str) -> Iterator[str]:
    for start in range(len(word)):
        yield word[start]
        yield f"##{word[start]}"
        for stop in range(start + 2, min(start + _LONGEST, len(word)) + 1):
            yield ("##" if start else "") + word[start:stop]
