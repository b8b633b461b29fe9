"""Whether a file is a whole TFLite graph: a look at its structure that touches no weights.

The format is flatbuffers: tables that point at each other by offsets, weights among them. The fields that an
interpreter follows while it loads stand below by their numbers in TensorFlow's schema.fbs, version 3.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path

from albert_runtime.errors import BundleError

_IDENTIFIER = b"TFL3"

#: number of a field -> what it points to: a vector of elements of so many bytes, a table, or a vector of tables
_Fields = Mapping[int, "int | _Fields | list[_Fields]"]

_STRING, _BYTES, _INT32, _FLOAT32, _INT64 = 1, 1, 4, 4, 8
_NAMED: _Fields = {0: _STRING}
_OPERATOR_CODE: _Fields = {1: _STRING}
_QUANTIZATION: _Fields = {0: _FLOAT32, 1: _FLOAT32, 2: _FLOAT32, 3: _INT64}
_TENSOR: _Fields = {0: _INT32, 3: _STRING, 4: _QUANTIZATION, 7: _INT32}
_OPTIONS: _Fields = {}  # of each operator its own; that the table is there is enough
_OPERATOR: _Fields = {1: _INT32, 2: _INT32, 4: _OPTIONS, 5: _BYTES}
_SUBGRAPH: _Fields = {0: [_TENSOR], 1: _INT32, 2: _INT32, 3: [_OPERATOR], 4: _STRING}
_BUFFER: _Fields = {0: _BYTES}
_SIGNATURE: _Fields = {0: [_NAMED], 1: [_NAMED], 2: _STRING}
_MODEL: _Fields = {1: [_OPERATOR_CODE], 2: [_SUBGRAPH], 3: _STRING, 4: [_BUFFER], 6: [_NAMED], 7: [_SIGNATURE]}


def check_tflite_file(file: Path) -> None:
    """Refuse what is no TFLite graph, or ends before it should.

    Raises:
        BundleError: it is, or it can't be read.
    """
    try:
        with file.open("rb") as stream:
            if stream.read(8)[4:] != _IDENTIFIER:
                raise BundleError(f"{file} is not a TFLite graph; export the model again")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                _Walk(content).table(0, _MODEL)
    except OSError as error:
        raise BundleError(f"can't read {file}: {error.strerror or error}") from error
    except _OutsideError:
        raise BundleError(
            f"{file} is damaged: it points to places past its end, byte {file.stat().st_size}; copy it again"
        ) from None


class _OutsideError(Exception):
    """Something points out of the file."""


class _Walk:
    """Follows every offset from a table on."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content

    def table(self, place: int, fields: _Fields) -> None:
        """The table that the offset at `place` leads to."""
        start = place + self._number("<I", place)
        layout = start - self._number("<i", start)  # where each field lies, shared by tables of one form
        size = self._number("<H", layout)
        for number, kind in fields.items():
            entry = 4 + 2 * number  # behind the sizes of the layout and of the table
            offset = self._number("<H", layout + entry) if entry < size else 0
            if not offset:  # the field has its default
                continue
            if isinstance(kind, int):
                self._vector(start + offset, kind)
            elif isinstance(kind, list):
                first, count = self._vector(start + offset, element_bytes=4)
                for index in range(count):
                    self.table(first + 4 * index, kind[0])
            else:
                self.table(start + offset, kind)

    def _vector(self, place: int, element_bytes: int) -> tuple[int, int]:
        """Where the first element lies of the vector that the offset at `place` leads to, and how many there are."""
        start = place + self._number("<I", place)
        count = self._number("<I", start)
        if start + 4 + count * element_bytes > len(self._content):
            raise _OutsideError
        return start + 4, count

    def _number(self, form: str, place: int) -> int:
        # below 0, struct would count from the end
        if place < 0:
            raise _OutsideError
        try:
            number: int = struct.unpack_from(form, self._content, place)[0]
        except struct.error:
            raise _OutsideError from None
        return number
