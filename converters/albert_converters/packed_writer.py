"""Writes packed bundles, and unpacks them; `albert_runtime/packed/layout.py` says what lies where in the file."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from albert_converters.bundle_writer import new_bundle
from albert_runtime.bundle import files_of, open_every_precision
from albert_runtime.errors import ConversionError, UsageError
from albert_runtime.packed import layout
from albert_runtime.packed.path import BundlePath

_CHUNK_BYTES = 1 << 20


def pack_bundle(folder: str | Path, file: str | Path | None = None, *, force: bool = False) -> Path:
    """Write the bundle in `folder` into one `.albert` file, and return its path.

    The same folder always gives the same bytes. The file has another name until it is complete, so that it is either
    complete or not there at all. Files that the manifest does not list are left out.

    Args:
        folder: the folder of a bundle, all hashes of which are checked; or a packed bundle, which is copied.
        file: the file to be written, which ends in ".albert"; None means beside the folder, with its name.
        force: whether a file that is there already may be replaced.

    Raises:
        UsageError: there is no such folder, the file exists, has another ending, or can't be written.
        BundleError: the folder is not a bundle, or is damaged.
        ConversionError: writing fails, for example because the disk is full.
    """
    bundles = open_every_precision(folder)
    bundle = bundles[0]
    target = Path(file) if file is not None else _packed_name(bundle.path)
    _refuse_target(target, force=force)
    if target.is_symlink():
        target = target.resolve()
    # "./config.json" in a manifest is config.json in an archive
    names = dict.fromkeys(PurePosixPath(name).as_posix() for name in files_of(bundles))
    models = {one.model_file for one in bundles}
    part = target.absolute().with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as stream:
            writer = _Writer(stream)
            for name in names:
                source = bundle.folder / name
                writer.add(name, source, layout.MODEL_ALIGNMENT if source in models else layout.FILE_ALIGNMENT)
            writer.finish()
        part.replace(target)
    except OSError as error:
        full = "free some space or " if error.errno == errno.ENOSPC else ""
        raise ConversionError(
            f"writing {target} failed: {error.strerror or error}; nothing was kept of it; {full}choose another --output"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return target


def unpack_bundle(file: str | Path, folder: str | Path, *, force: bool = False) -> Path:
    """Write the files of a packed bundle to `folder`, which becomes the bundle that was packed, and return its path.

    Args:
        file: a packed bundle, all hashes of which are checked.
        folder: the folder to be written.
        force: whether a bundle that is there already may be replaced.

    Raises:
        UsageError: there is no such file, or the folder must not be overwritten.
        BundleError: the file is not a packed bundle, or is damaged.
        ConversionError: writing fails.
    """
    bundles = open_every_precision(file)
    with new_bundle(Path(folder), force=force) as part:
        for name in files_of(bundles):
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with (bundles[0].folder / name).open("rb") as source, target.open("xb") as copy:
                shutil.copyfileobj(source, copy, _CHUNK_BYTES)
    return Path(folder)


class _Written(NamedTuple):
    """An entry of the directory that is still to be written."""

    name: bytes
    crc32: int
    size: int
    place: int

    @property
    def fields(self) -> tuple[int, ...]:
        """The fields that the local header and the directory share."""
        flags = 0 if self.name.isascii() else layout.UTF8_FLAG
        return layout.VERSION, flags, layout.STORED, layout.TIME, layout.DATE, self.crc32, self.size, self.size


class _Writer:
    """Writes the entries of a packed bundle one after the other to a stream, and the directory behind them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._written: list[_Written] = []

    def add(self, name: str, source: BundlePath, alignment: int) -> None:
        """Append the file `source` as the entry `name`, whose data start at a multiple of `alignment`."""
        place, encoded = self._stream.tell(), name.encode()
        header_end = place + layout.LOCAL_HEADER.size + len(encoded)
        padding = -(header_end + layout.PADDING.size) % alignment + layout.PADDING.size
        start = header_end + padding
        self._stream.seek(start)
        crc32 = size = 0
        with source.open("rb") as content:
            while chunk := content.read(_CHUNK_BYTES):
                self._stream.write(chunk)
                crc32, size = zlib.crc32(chunk, crc32), size + len(chunk)
        if start + size > layout.LARGEST_SIZE:
            raise ConversionError(
                f"a packed bundle has at most {layout.LARGEST_SIZE:,} bytes, and {name} reaches past them"
            )
        entry = _Written(encoded, crc32, size, place)
        self._stream.seek(place)
        self._stream.write(
            layout.LOCAL_HEADER.pack(layout.LOCAL_SIGNATURE, *entry.fields, len(encoded), padding)
            + encoded
            + layout.PADDING.pack(layout.PADDING_ID, padding - 4, alignment)
            + bytes(padding - layout.PADDING.size)
        )
        self._stream.seek(0, os.SEEK_END)
        self._written.append(entry)

    def finish(self) -> None:
        """Append the directory and the end record, and write everything to the disk."""
        start = self._stream.tell()
        for entry in self._written:
            numbers = (len(entry.name), 0, 0, 0, 0, 0, entry.place)
            signature, version = layout.DIRECTORY_SIGNATURE, layout.VERSION
            self._stream.write(layout.DIRECTORY_RECORD.pack(signature, version, *entry.fields, *numbers) + entry.name)
        length, count = self._stream.tell() - start, len(self._written)
        self._stream.write(layout.END_RECORD.pack(layout.END_SIGNATURE, 0, 0, count, count, length, start, 0))
        self._stream.flush()
        os.fsync(self._stream.fileno())


def _packed_name(path: Path) -> Path:
    """The file beside the folder `path` with its name."""
    named = path if path.name else path.absolute()  # "." has no name
    return named.with_name(f"{named.name.removesuffix(layout.PACKED_SUFFIX)}{layout.PACKED_SUFFIX}")


def _refuse_target(target: Path, *, force: bool) -> None:
    if target.suffix.lower() != layout.PACKED_SUFFIX:
        raise UsageError(f"{target} must end in {layout.PACKED_SUFFIX}, by which a packed bundle is known")
    if target.is_dir():
        raise UsageError(f"{target} is a folder; choose another --output")
    if (target.exists() or target.is_symlink()) and not force:
        raise UsageError(f"{target} already exists; choose another --output, or give --force to replace it")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {target.parent} to write to; make it, or choose another --output")
