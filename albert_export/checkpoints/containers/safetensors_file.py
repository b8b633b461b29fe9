"""Reads a safetensors file by mapping it into memory.

The format: 8 bytes with the length of the header, the header in JSON, and the numbers of all weights without gaps
(https://huggingface.co/docs/safetensors, "Format"). The package safetensors can't map bfloat16 without PyTorch.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from albert_export.checkpoints.containers import NamedArrays
from albert_export.checkpoints.number_formats import BFLOAT16
from albert_export.config_file import is_int
from albert_runtime.errors import CheckpointError
from albert_runtime.failed_downloads import failed_download

_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": BFLOAT16,
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_LENGTH_BYTES = 8
#: the format allows no longer header
_LONGEST_HEADER = 100_000_000


class _Entry(NamedTuple):
    """Where the header says that a weight is; the places count from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class _FormatError(Exception):
    """The file breaks the rules of the format."""


def read_safetensors(file: Path) -> NamedArrays:
    """The weights in `file`, in the order of their places. They are parts of the mapped file.

    The mapping is private: an array may be changed, and the file stays as it is.

    Raises:
        CheckpointError: the file is damaged, or has numbers of another kind than floating point, integer and bool.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        try:
            start = int.from_bytes(stream.read(_LENGTH_BYTES), "little") + _LENGTH_BYTES
            if size < _LENGTH_BYTES or start > size or start - _LENGTH_BYTES > _LONGEST_HEADER:
                raise _FormatError("its first 8 bytes are not the length of a header in it")
            entries = _entries(stream.read(start - _LENGTH_BYTES), size - start)
        except _FormatError as error:
            raise CheckpointError(
                failed_download(file)
                or f"{file} is damaged or not a safetensors file ({error}; {size} bytes): fetch it again"
            ) from error
        unsupported = next((entry for entry in entries if entry.dtype not in _DTYPES), None)
        if unsupported is not None:
            raise CheckpointError(
                f"{file}: {unsupported.name} is {unsupported.dtype}; supported are F32, F16, BF16 and F64"
            )
        numbers = np.memmap(stream, np.uint8, mode="c")
    for entry in entries:
        content = np.asarray(numbers[start + entry.begin : start + entry.end])
        yield entry.name, content.view(_DTYPES[entry.dtype]).reshape(entry.shape)


def _entries(header: bytes, data_size: int) -> list[_Entry]:
    """The entries of the header, which must cover `data_size` bytes without gaps, in the order of their places."""
    try:
        values = json.loads(header.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _FormatError(f"its header is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise _FormatError("its header is not a JSON object")
    values.pop("__metadata__", None)
    entries = sorted((_entry(name, value) for name, value in values.items()), key=lambda entry: entry[3:])
    place = 0
    for entry in entries:
        if entry.begin != place:
            raise _FormatError(f"{entry.name!r} begins at {entry.begin}, and must begin at {place}")
        place = entry.end
    if place != data_size:
        raise _FormatError(f"its weights must take {place} bytes, and take {data_size}")
    return entries


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _FormatError("its header has a name twice")
    return values


def _entry(name: str, value: object) -> _Entry:
    fields = value if isinstance(value, dict) else {}
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if not (isinstance(dtype, str) and _are_sizes(shape) and _are_sizes(offsets) and len(offsets) == 2):
        raise _FormatError(f"its header describes {name!r} wrongly")
    begin, end = offsets
    # An unknown kind of numbers is refused later, by its name.
    if begin > end or (dtype in _DTYPES and math.prod(shape) * _DTYPES[dtype].itemsize != end - begin):
        raise _FormatError(f"{name!r} has the shape {shape}, and takes {end - begin} bytes")
    return _Entry(name, dtype, tuple(shape), begin, end)


def _are_sizes(values: object) -> TypeGuard[list[int]]:
    # Of the 64 axes that numpy allows, an ALBERT's weight needs two; a file's size bounds the rest.
    return isinstance(values, list) and len(values) <= 8 and all(is_int(one) and 0 <= one < 2**63 for one in values)
