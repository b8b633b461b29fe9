"""Checks that a file is a complete TFLite graph. Only its structure is read, not its weights.

The format is flatbuffers: tables that refer to each other and to the weights by offsets. The fields that an interpreter
follows while it loads are listed below by their numbers in TensorFlow's schema.fbs, version 3.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path

from albert_runtime.errors import BundleError
from albert_runtime.failed_downloads import failed_download
from albert_runtime.packed.path import BundlePath

_IDENTIFIER = b"TFL3"

#: the number of a field -> what it refers to: the bytes of one element for a vector of numbers, the fields of a table,
#: or a list with the fields of each table for a vector of tables
_Fields = Mapping[int, "int | _Fields | list[_Fields]"]

_STRING, _BYTES, _INT32, _FLOAT32, _INT64 = 1, 1, 4, 4, 8
_NAMED: _Fields = {0: _STRING}
_OPERATOR_CODE: _Fields = {1: _STRING}
_QUANTIZATION: _Fields = {0: _FLOAT32, 1: _FLOAT32, 2: _FLOAT32, 3: _INT64}
_TENSOR: _Fields = {0: _INT32, 3: _STRING, 4: _QUANTIZATION, 7: _INT32}
_OPTIONS: _Fields = {}  # each operator has its own fields; it is only checked that the table is there
_OPERATOR: _Fields = {1: _INT32, 2: _INT32, 4: _OPTIONS, 5: _BYTES}
_SUBGRAPH: _Fields = {0: [_TENSOR], 1: _INT32, 2: _INT32, 3: [_OPERATOR], 4: _STRING}
_BUFFER: _Fields = {0: _BYTES}
_SIGNATURE: _Fields = {0: [_NAMED], 1: [_NAMED], 2: _STRING}
_MODEL: _Fields = {1: [_OPERATOR_CODE], 2: [_SUBGRAPH], 3: _STRING, 4: [_BUFFER], 6: [_NAMED], 7: [_SIGNATURE]}


def check_tflite_file(file: Path, *, shown: BundlePath | None = None) -> None:
    """Check that `file` is a TFLite graph and is complete.

    Args:
        file: the file to read.
        shown: the file that messages name, if `file` is a copy of it.

    Raises:
        BundleError: it is not, or it can't be read.
    """
    named = shown or file
    try:
        with file.open("rb") as stream:
            if stream.read(8)[4:] != _IDENTIFIER:
                raise BundleError(failed_download(named) or f"{named} is not a TFLite graph; export the model again")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                _FlatbufferReader(content).table(0, _MODEL)
    except OSError as error:
        raise BundleError(f"can't read {named}: {error.strerror or error}") from error
    except _OutsideError:
        raise BundleError(
            f"{named} is damaged: it points to places past its end, byte {file.stat().st_size}; copy it again"
        ) from None


class _OutsideError(Exception):
    """An offset points outside the file."""


class _FlatbufferReader:
    """Follows every offset of a table and of the tables that it refers to."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content

    def table(self, place: int, fields: _Fields) -> None:
        """Read the table that the offset at `place` refers to."""
        start = place + self._number("<I", place)
        layout = start - self._number("<i", start)  # the offset of each field, which similar tables share
        size = self._number("<H", layout)
        for number, kind in fields.items():
            entry = 4 + 2 * number  # the sizes of the layout and of the table come first
            offset = self._number("<H", layout + entry) if entry < size else 0
            if not offset:  # the field is absent and has its default value
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
        """The address of the first element of the vector that the offset at `place` refers to, and their number."""
        start = place + self._number("<I", place)
        count = self._number("<I", start)
        if start + 4 + count * element_bytes > len(self._content):
            raise _OutsideError
        return start + 4, count

    def _number(self, form: str, place: int) -> int:
        # struct would count a negative place from the end of the file
        if place < 0:
            raise _OutsideError
        try:
            number: int = struct.unpack_from(form, self._content, place)[0]
        except struct.error:
            raise _OutsideError from None
        return number
