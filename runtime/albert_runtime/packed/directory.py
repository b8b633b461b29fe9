"""Reads the directory of a packed bundle, and refuses whatever `layout.py` does not allow.

Only the directory and the headers are read, and they have fewer bytes than the file. A declared size is compared with
the places of the entries before anything of that size is read.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

from albert_runtime.errors import BundleError, listed
from albert_runtime.packed import layout
from albert_runtime.packed.layout import MANIFEST_FILE

#: what a message about a file that another tool wrote, or changed, ends with
REPAIR = "Copy it again from where it was packed, or pack the bundle's folder again: albert-export pack BUNDLE"
_MOST_PROBLEMS = 10
#: a bundle has about ten files
_MOST_ENTRIES = 1000
_MOST_DIRECTORY_BYTES = 1 << 20


class Entry(NamedTuple):
    """A file inside a packed bundle."""

    name: str
    #: the place of its first byte
    start: int
    #: in bytes
    size: int
    crc32: int


class _Record(NamedTuple):
    """What the directory says of an entry."""

    name: bytes
    #: the fields that the local header repeats: version, flags, method, time, date, CRC-32, stored size, size
    repeated: tuple[int, ...]
    #: the place of the local header
    place: int


def read_directory(stream: BinaryIO, shown: object) -> dict[str, Entry]:
    """The entries of a packed bundle by name, in their order in the file.

    Args:
        stream: the file, open for reading.
        shown: what error messages call it.

    Raises:
        BundleError: it is damaged, cut short, or not a packed bundle; the message lists what is wrong.
        OSError: it can't be read.
    """
    size = stream.seek(0, os.SEEK_END)
    records, directory_start, problems = _records(stream, size)
    entries: dict[str, Entry] = {}
    folded: set[str] = set()
    place = 0
    for record in records:
        name, name_problem = _decoded(record.name)
        local_problems, start = _local_problems(stream, record, place, directory_start)
        found = [*_field_problems(record), *local_problems]
        if name_problem:
            problems.append(name_problem)
        elif name.casefold() in folded:
            problems.append(f"{name} is there twice")
        problems += [f"{name}: {problem}" for problem in found]
        folded.add(name.casefold())
        entries[name] = Entry(name, start, record.repeated[-1], record.repeated[-3])
        if local_problems:
            break  # the places of all others follow from this one
        place = start + record.repeated[-1]
    else:
        if records and place != directory_start:
            problems.append(f"there are {directory_start - place} bytes between the last file and the directory")
        if records and next(iter(entries)) != MANIFEST_FILE:
            problems.append(f"its first file is {next(iter(entries))}, and must be {MANIFEST_FILE}")
    if problems:
        raise damaged(shown, problems)
    return entries


def damaged(shown: object, problems: list[str]) -> BundleError:
    """The error that lists what is wrong with a packed bundle."""
    more = len(problems) - _MOST_PROBLEMS
    problems = [*problems[:_MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
    return BundleError(listed(f"{shown} is not a packed bundle, or is damaged:", problems) + f"\n{REPAIR}")


def is_file_name(value: object) -> bool:
    """Whether `value` names a file inside a bundle: a name must not reach out of its folder."""
    if not isinstance(value, str) or not value or any(sign in value for sign in "\\:\0"):
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts and path.parts != ()


def _records(stream: BinaryIO, size: int) -> tuple[list[_Record], int, list[str]]:
    """The records of the directory, where it begins, and what is wrong with its end record."""
    end = _read_at(stream, max(size - layout.END_RECORD.size, 0), layout.END_RECORD.size)
    if len(end) < layout.END_RECORD.size or not end.startswith(layout.END_SIGNATURE):
        return [], 0, ["it does not end as a packed bundle does: it is cut short, or is another kind of file"]
    _, disk, directory_disk, here, count, length, start, comment = layout.END_RECORD.unpack(end)
    if count > layout.LARGEST_COUNT or max(length, start) > layout.LARGEST_SIZE:
        return [], 0, ["it is in the format ZIP64, which packed bundles don't use"]
    problems = []
    if disk or directory_disk or here != count:
        problems.append("it is a part of an archive in several parts")
    if comment:
        problems.append("it has a comment, or is cut short")
    if start + length != size - layout.END_RECORD.size:
        problems.append("its directory is not where its end says")
    if not 0 < count <= _MOST_ENTRIES or length > _MOST_DIRECTORY_BYTES:
        problems.append(f"its directory names {count} files in {length} bytes; a bundle has at most {_MOST_ENTRIES}")
    if problems:
        return [], 0, problems
    directory = _read_at(stream, start, length)
    records: list[_Record] = []
    place = 0
    for _ in range(count):
        fields = directory[place : place + layout.DIRECTORY_RECORD.size]
        if len(fields) < layout.DIRECTORY_RECORD.size or not fields.startswith(layout.DIRECTORY_SIGNATURE):
            return records, start, ["its directory is damaged"]
        _, _, *repeated, named, extra, noted, _, _, _, local = layout.DIRECTORY_RECORD.unpack(fields)
        place += layout.DIRECTORY_RECORD.size
        name = directory[place : place + named]
        if extra or noted:
            problems.append(f"{_shown(name)}: its record has an extra field or a comment")
        records.append(_Record(name, tuple(repeated), local))
        place += named + extra + noted
    if place != length:
        problems.append("its directory is damaged")
    return records, start, problems


def _decoded(name: bytes) -> tuple[str, str]:
    """The name of an entry, and what is wrong with it."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return _shown(name), f"{_shown(name)} is not a name in UTF-8"
    if not is_file_name(text) or text.endswith("/") or any(part in ("", ".") for part in text.split("/")):
        return _shown(name), f"{_shown(name)} is not the name of a file in a bundle"
    return text, ""


def _shown(name: bytes) -> str:
    return f"{name[:80].decode('utf-8', 'replace')!r}"


def _field_problems(record: _Record) -> list[str]:
    _, flags, method, _, _, _, stored, size = record.repeated
    problems = []
    if flags & layout.ENCRYPTED_FLAG:
        problems.append("it is encrypted")
    if flags & layout.DESCRIPTOR_FLAG:
        problems.append("its sizes are behind its data (a data descriptor)")
    if flags & ~(layout.UTF8_FLAG | layout.ENCRYPTED_FLAG | layout.DESCRIPTOR_FLAG):
        problems.append(f"its flags are {flags:#x}, which packed bundles don't use")
    if method != layout.STORED:
        problems.append(f"it is compressed (method {method}), and files of a packed bundle are stored as they are")
    elif stored != size:
        problems.append(f"its sizes don't agree: {stored} and {size} bytes")
    return problems


def _local_problems(stream: BinaryIO, record: _Record, place: int, limit: int) -> tuple[list[str], int]:
    """What is wrong with the local header and the place of an entry, and where its data start.

    `place` is the end of the entry before it, and `limit` the place of the directory.
    """
    if record.place != place:
        what = "overlaps the file before it" if record.place < place else "does not follow the file before it"
        return [f"it {what} (its place is {record.place} and not {place})"], 0
    header = _read_at(stream, place, layout.LOCAL_HEADER.size)
    if len(header) < layout.LOCAL_HEADER.size or not header.startswith(layout.LOCAL_SIGNATURE):
        return ["its header is damaged"], 0
    _, *repeated, named, extra = layout.LOCAL_HEADER.unpack(header)
    if tuple(repeated) != record.repeated or _read_at(stream, place + len(header), named) != record.name:
        return ["its header and the directory don't agree"], 0
    start = place + len(header) + named + extra
    if start + record.repeated[-1] > limit:
        return [f"it reaches past the end of the data, {start + record.repeated[-1]} and not {limit} bytes"], 0
    if start % layout.FILE_ALIGNMENT:
        return [f"its data do not start at a multiple of {layout.FILE_ALIGNMENT}, as if another tool had packed it"], 0
    return [], start


def _read_at(stream: BinaryIO, place: int, count: int) -> bytes:
    stream.seek(place)
    return stream.read(count)
