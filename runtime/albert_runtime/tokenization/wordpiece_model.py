"""WordPieceModel: the vocabulary of a BertTokenizer, which splits words into pieces with their spans.

The pieces are those of `WordpieceTokenizer` in Google's BERT (tokenization.py) and in transformers 4.57: the longest
piece that begins a word, then the longest that continues it, and so on.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from albert_runtime.errors import UnsupportedError, listed
from albert_runtime.packed.path import BundlePath
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.piece_model import Piece

#: the beginning of each piece that continues a word
CONTINUATION = "##"
#: a word of more characters is unknown
LONGEST_WORD = 100
#: what `str.split` takes for a word
_WORD = re.compile(r"\S+")
#: far more than any vocabulary has: 500,000 pieces of many languages are 5 MB
_LARGEST_FILE = 1 << 26
#: so many characters of a line are shown in messages
_SHOWN = 40


class WordPieceModel:
    """A loaded `vocab.txt`. It never changes after construction, so threads may share it.

    The number of a line, counted from 0, is the id of its piece. Where several lines are equal, the last one counts, as
    in transformers; the ids of the others stand for the unknown piece.
    """

    mask_takes_space = False

    def __init__(self, file: BundlePath, unknown_piece: str, content: bytes | None = None) -> None:
        """Load the vocabulary.

        Args:
            file: where it is; error messages name it.
            unknown_piece: the piece that stands for words that can't be spelled.
            content: the bytes of the vocabulary, if they are not in a file.

        Raises:
            UnsupportedError: the file can't be read, is not a text in UTF-8, is empty or larger than any vocabulary, or
                lacks `unknown_piece`.
        """
        self.unknown_piece = unknown_piece
        #: the bytes of the vocabulary
        self.content = _read(file) if content is None else content
        lines = _read_lines(file, self.content)
        self._ids = {line: index for index, line in enumerate(lines)}
        if unknown_piece not in self._ids:
            raise UnsupportedError(
                listed(f"{file} is not the vocabulary of a BertTokenizer:", _problems_of(lines, unknown_piece))
                + "\nuse the vocab.txt that the checkpoint was trained with"
            )
        self._pieces = [line if self._ids[line] == index else unknown_piece for index, line in enumerate(lines)]
        self._longest = max(map(len, lines))
        #: the pieces that stand on several lines
        self.repeated = tuple(dict.fromkeys(line for index, line in enumerate(lines) if self._ids[line] != index))

    def __len__(self) -> int:
        """The number of lines, which is one more than the largest id."""
        return len(self._pieces)

    def id_of(self, piece: str) -> int:
        """The id of `piece`, or the id of the unknown piece if the vocabulary does not hold it."""
        return self._ids[piece if piece in self._ids else self.unknown_piece]

    def piece_of(self, index: int) -> str:
        """The piece of an id from 0 to len(self) - 1."""
        return self._pieces[index]

    def holds(self, piece: str) -> bool:
        """Whether `piece` is in the vocabulary."""
        return piece in self._ids

    @staticmethod
    def starts_word(piece: str) -> bool:
        """Whether a word begins with `piece`."""
        return not piece.startswith(CONTINUATION)

    @staticmethod
    def spelling(piece: str) -> str:
        """`piece` without the mark that says whether it begins a word; it may be empty."""
        return piece.removeprefix(CONTINUATION)

    @staticmethod
    def join(pieces: Sequence[str]) -> str:
        """The text that `pieces` spell, with a space between words."""
        return " ".join(pieces).replace(f" {CONTINUATION}", "").strip()

    def split(self, text: AlignedText) -> list[Piece]:
        """The pieces of the words of `text`, between which there is white space.

        A word that can't be spelled, or that is longer than 100 characters, is the unknown piece.
        """
        starts, ends = text.starts.tolist(), text.ends.tolist()
        found: list[Piece] = []
        for match in _WORD.finditer(text.text):
            first, last = match.start(), match.end() - 1
            lengths = self._lengths(match.group())
            if not lengths:
                found.append(Piece(self.unknown_piece, starts[first], ends[last]))
                continue
            for length in lengths:
                beginning = CONTINUATION if first > match.start() else ""
                piece = beginning + text.text[first : first + length]
                found.append(Piece(piece, starts[first], ends[first + length - 1]))
                first += length
        return found

    def _lengths(self, word: str) -> list[int]:
        """How many characters of `word` each of its pieces spells; empty if it can't be spelled."""
        if len(word) > LONGEST_WORD:
            return []
        lengths = []
        start = 0
        while start < len(word):
            beginning = CONTINUATION if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                if beginning + word[start:end] in self._ids:
                    lengths.append(end - start)
                    start = end
                    break
            else:
                return []
        return lengths


def clean_up_spaces(text: str) -> str:
    """`text` without the spaces before punctuation and English contractions.

    BertTokenizer's `decode` ends with this, unless `clean_up_tokenization_spaces` is false.
    """
    for spaced in (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"):
        text = text.replace(spaced, spaced.strip())
    return text


_ADVICE = "an ALBERT checkpoint with a BertTokenizer keeps its vocabulary in vocab.txt, a piece on each line"


def _read(file: BundlePath) -> bytes:
    try:
        size = file.stat().st_size
        if size > _LARGEST_FILE:
            raise UnsupportedError(f"{file} has {size} bytes, and the limit is {_LARGEST_FILE}; {_ADVICE}")
        return file.read_bytes()
    except OSError as error:
        raise UnsupportedError(f"the vocabulary {file} can't be read ({error.strerror}); {_ADVICE}") from None


def _read_lines(file: BundlePath, content: bytes) -> list[str]:
    """The lines of a vocabulary, ended by "\\n", "\\r\\n" or "\\r"; a byte order mark belongs to the first line."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnsupportedError(
            f"{file} is not a text in UTF-8 (byte {error.start} is {content[error.start]:#04x}); {_ADVICE}; if it is "
            "that text in another encoding, such as UTF-16, save it as UTF-8"
        ) from None
    # These are the lines of a file that is opened as a text, which is how transformers reads it.
    lines = [line.rstrip("\n") for line in io.StringIO(text, newline=None)]
    if not any(lines):
        raise UnsupportedError(f"{file} ({len(content)} bytes) is empty; {_ADVICE}")
    return lines


def _problems_of(lines: Sequence[str], unknown_piece: str) -> list[str]:
    """Why `lines` have no `unknown_piece`, as far as it can be said."""
    first = lines[0] if len(lines[0]) <= _SHOWN else lines[0][:_SHOWN] + "..."
    problems = [f"the piece {unknown_piece} is missing among its {len(lines)} lines, the first of which is {first!r}"]
    if lines[0].startswith("\ufeff"):
        problems.append("it begins with a byte order mark, which becomes part of the first piece; save it without one")
    if any("\0" in line for line in lines):
        problems.append("it holds zero bytes, as a text in UTF-16 does; save it as UTF-8")
    spaced = [number for number, line in enumerate(lines, start=1) if line.strip() == unknown_piece]
    if spaced:
        problems.append(f"line {spaced[0]} has white space around {unknown_piece}; remove it")
    return problems
