"""SentencePieceModel: the vocabulary of a tokenizer, which splits a text into pieces with their spans."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sentencepiece import SentencePieceProcessor

from albert_runtime.errors import UnsupportedError
from albert_runtime.failed_downloads import failed_download
from albert_runtime.packed.path import BundlePath
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.piece_model import WORD_START, Piece, WordStartMarks

#: a byte of a character that is not in the vocabulary, in models that fall back to bytes
_BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")


class SentencePieceModel(WordStartMarks):
    """A loaded `spiece.model`. It never changes after construction, so threads may share it."""

    mask_takes_space = True

    def __init__(self, file: BundlePath, *, splits_commas: bool = True) -> None:
        """Load `file`.

        Args:
            file: a spiece.model.
            splits_commas: split pieces like "1999," before their comma, as ALBERT's tokenizers do.

        Raises:
            UnsupportedError: the file is missing or is not a SentencePiece model.
        """
        self._processor = _load(file)
        #: whether pieces like "1999," are split before their comma
        self.splits_commas = splits_commas
        #: whether characters that the vocabulary lacks are spelled in bytes: "<0xE2>"
        self._spells_bytes = bool(self._processor.is_byte(self._processor.piece_to_id("<0x00>")))

    def __len__(self) -> int:
        return int(self._processor.get_piece_size())

    def id_of(self, piece: str) -> int:
        """The id of `piece`, or the id of the unknown piece if the model does not hold it."""
        return int(self._processor.piece_to_id(piece))

    def piece_of(self, index: int) -> str:
        """The piece of an id from 0 to len(self) - 1."""
        return str(self._processor.id_to_piece(index))

    def join(self, pieces: Sequence[str]) -> str:
        """The text that `pieces` spell."""
        return str(self._processor.decode(list(pieces))) if pieces else ""

    def split(self, text: AlignedText) -> list[Piece]:
        """The pieces of `text`; one like "1999," may be split before its comma (a rule of Google's tokenization.py)."""
        pieces = self._processor.encode(text.text, out_type=str)
        if not pieces:
            return []
        starts, ends = self._character_spans(text)
        found: list[Piece] = []
        position = 0  # in SentencePiece's own normalized text, which is the pieces joined together
        waiting = 0  # the bytes that the current character still lacks
        for whole in pieces:
            if self._spells_bytes and (byte := _BYTE_PIECE.fullmatch(whole)):
                waiting = (waiting or _bytes_of_character(int(byte[1], 16))) - 1
                # Each byte stands for the whole character.
                found.append(Piece(whole, starts[position], ends[position]))
                position += waiting == 0
                continue
            cut = self.splits_commas and ends_in_digit_and_comma(whole)
            parts = self.without_comma(whole) if cut else [whole]
            # If splitting changed the characters, each part stands for the whole piece.
            spell_whole = "".join(parts) == whole
            for part in parts:
                spelled = part if spell_whole else whole
                first = position + len(spelled) - len(spelled.lstrip(WORD_START))
                last = position + len(spelled.rstrip(WORD_START)) - 1
                # A piece that is only a space stands for no character, unless one character became several words.
                empty_end = max(starts[first], found[-1].end if found else 0)
                found.append(Piece(part, starts[first], ends[last] if last >= first else empty_end))
                position += len(part) if spell_whole else 0
            position += 0 if spell_whole else len(whole)
        return found

    def without_comma(self, piece: str) -> list[str]:
        """A piece like "1999," as the pieces of "1999" and the comma."""
        parts: list[str] = self._processor.encode(piece[:-1].replace(WORD_START, ""), out_type=str)
        # Encoded alone, the digits get the mark of a word's start, which they must not have inside a word.
        if not piece.startswith(WORD_START) and parts[0].startswith(WORD_START):
            parts[:1] = [parts[0][1:]] if len(parts[0]) > 1 else []
        return [*parts, piece[-1]]

    def _character_spans(self, text: AlignedText) -> tuple[list[int], list[int]]:
        """Start and end in the original text of each character of SentencePiece's own normalized text.

        `starts` has one more entry, the position after the last character.
        """
        _, offsets = self._processor.normalize(text.text, with_offsets=True)
        begin = np.asarray(offsets, np.int64)
        # All characters that came from one character begin where it begins, and it ends where the next one begins.
        end = begin[np.minimum(np.searchsorted(begin, begin[:-1], side="right"), len(begin) - 1)]
        for index in np.flatnonzero(end - begin[:-1] > 1):
            # Dropped characters and squeezed spaces do not belong to the character before them.
            while end[index] - begin[index] > 1 and not self._processor.normalize(text.text[end[index] - 1]):
                end[index] -= 1
        after_last = np.append(text.starts, text.ends[-1:])
        return after_last[begin].tolist(), text.ends[np.maximum(end, 1) - 1].tolist()

    def holds(self, piece: str) -> bool:
        """Whether `piece` is in the vocabulary."""
        return self.piece_of(self.id_of(piece)) == piece


def ends_in_digit_and_comma(piece: str) -> bool:
    """Whether `piece` ends in a comma after a digit, so that it is split before the comma."""
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()


def _bytes_of_character(first: int) -> int:
    """The number of bytes of a character in UTF-8, by its first byte."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


def _load(file: BundlePath) -> SentencePieceProcessor:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UnsupportedError(
            f"the SentencePiece model {file} can't be read ({error.strerror}); "
            "an ALBERT checkpoint keeps its vocabulary in a file of that kind, usually spiece.model"
        ) from None
    processor = SentencePieceProcessor()
    try:
        is_model = bool(content) and processor.load_from_serialized_proto(content)
    except RuntimeError:
        is_model = False
    if not is_model:
        raise UnsupportedError(
            failed_download(file)
            or f"{file} ({len(content)} bytes) is not a SentencePiece model, or is damaged; copy spiece.model from the "
            "checkpoint again"
        )
    return processor
