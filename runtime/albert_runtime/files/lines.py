"""LineSource: the lines of a file or of standard input, with their place in it."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

from albert_runtime.errors import UsageError

#: bytes of the longest line that is read; what is longer is passed over, so that no input fills the memory
MAX_LINE = 1 << 26
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class LineError(UsageError):
    """One line of the input can't be used; the others are not affected."""


class Line(NamedTuple):
    """A line with its line break. Of a line that is longer than `MAX_LINE`, only the beginning is kept."""

    #: counted from 1
    number: int
    #: the byte of the input that it begins at
    start: int
    content: bytes
    #: the number of bytes of the whole line
    size: int
    #: the CRC-32 of the whole line
    checksum: int

    @property
    def is_complete(self) -> bool:
        """Whether a line break ends it; the last line of a file may lack one."""
        return self.content.endswith(b"\n")

    def text(self) -> str:
        """The line as text, with its line break.

        Raises:
            LineError: it is not UTF-8, or it is too long.
        """
        if self.size > len(self.content):
            raise LineError(f"the line has {self.size:,} bytes; at most {MAX_LINE:,} are read")
        content = self.content.removeprefix(_BOM) if self.number == 1 else self.content
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            place = self.start + len(self.content) - len(content) + error.start
            raise LineError(
                f"byte 0x{content[error.start]:02x} at byte {place} of the input is not UTF-8; if the input is "
                "latin-1, convert it: iconv -f latin1 -t utf-8"
            ) from error


class LineSource:
    """Reads lines from a stream of bytes. A line ends with a line feed, so that a JSON text may hold U+2028.

    A line counts as consumed when it is given to `accept`, because a reader may put back lines that it has read.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Read from `stream`; messages call it `name`."""
        self.name = name
        #: the bytes, the lines and the checksum of what was accepted
        self.position = 0
        self.count = 0
        self.checksum = 0
        self._stream = stream
        self._next_start, self._next_number = 0, 1
        self._put_back: deque[Line] = deque()

    def read(self) -> Line | None:
        """The next line; None at the end.

        Raises:
            UsageError: the input can't be read, or it is UTF-16.
        """
        if self._put_back:
            return self._put_back.popleft()
        content = self._read_piece()
        if not content:
            return None
        if self._next_number == 1 and content.startswith(_UTF16_BOMS):
            raise UsageError(f"{self.name} is UTF-16; convert it first: iconv -f utf-16 -t utf-8")
        size, checksum, piece = len(content), zlib.crc32(content), content
        while len(piece) == MAX_LINE and not piece.endswith(b"\n"):
            piece = self._read_piece()
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
        line = Line(self._next_number, self._next_start, content, size, checksum)
        self._next_number += 1
        self._next_start += size
        return line

    def put_back(self, lines: Iterable[Line]) -> None:
        """Give these lines, the last ones that were read, again to the next readers."""
        self._put_back.extendleft(reversed(list(lines)))

    def accept(self, lines: Iterable[Line]) -> None:
        """Count these lines as consumed; lines are accepted in the order of the input."""
        for line in lines:
            self.position += line.size
            self.count += 1
            self.checksum = zlib.crc32(line.checksum.to_bytes(4, "big"), self.checksum)

    def skip_to(self, position: int, checksum: int) -> None:
        """Read and accept the lines up to the byte `position`.

        Raises:
            UsageError: the input has changed since it was read up to this position.
        """
        while self.position < position and (line := self.read()) is not None:
            self.accept([line])
        if (self.position, self.checksum) != (position, checksum):
            raise UsageError(
                f"the first {position:,} bytes of {self.name} are not those that the interrupted run has answered; "
                "give the same input, or start again with --force"
            )

    def _read_piece(self) -> bytes:
        try:
            return self._stream.readline(MAX_LINE)
        except OSError as error:
            raise UsageError(f"can't read {self.name}: {error.strerror or error}") from error
