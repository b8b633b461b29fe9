"""PackedPath: a file inside a packed bundle, with the part of `pathlib.Path` that readers of a bundle use."""

from __future__ import annotations

import io
import os
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NamedTuple, TypeAlias

from albert_runtime.errors import BundleError
from albert_runtime.packed import layout
from albert_runtime.packed.directory import Entry, read_directory


class FileStatus(NamedTuple):
    """The fields of `os.stat_result` that say which file it is, and how large."""

    st_dev: int
    st_ino: int
    st_size: int
    st_mtime_ns: int


class PackedFile:
    """A packed bundle on disk, whose directory has been read. It is opened for each reading and stays closed between.

    Args:
        file: the `.albert` file.

    Raises:
        BundleError: it is damaged or is not a packed bundle.
        OSError: it can't be read.
    """

    def __init__(self, file: Path) -> None:
        self.file = file.absolute()
        #: what messages call it
        self.shown = str(file)
        with self.file.open("rb") as stream:
            self.identity = _identity(stream)
            self.entries: dict[str, Entry] = read_directory(stream, file)

    def open(self) -> BinaryIO:
        """The file, open for reading.

        Raises:
            BundleError: it was replaced or written to since its directory was read.
            OSError: it can't be read.
        """
        stream = self.file.open("rb", buffering=0)
        if _identity(stream) != self.identity:
            stream.close()
            raise BundleError(
                f"{self.shown} has changed since it was opened; open it again: albert_runtime.load({self.shown!r})"
            )
        return stream


class PackedPath:
    """A file in a packed bundle, or all of them, as `Path` is a file in a folder, or the folder.

    Args:
        packed: the packed bundle.
        name: the name of the file in it; "" for the bundle.
    """

    def __init__(self, packed: PackedFile, name: str = "") -> None:
        self.packed = packed
        self.inside = PurePosixPath(name)

    def __reduce__(self) -> tuple[object, ...]:
        return _reopened, (str(self.packed.file), self._name)

    def __truediv__(self, name: str) -> PackedPath:
        return PackedPath(self.packed, (self.inside / name).as_posix())

    def __str__(self) -> str:
        return str(self._shown)

    def __repr__(self) -> str:
        return f"<{self}>"

    def __hash__(self) -> int:
        return hash((self.packed.file, self.packed.identity, self.inside))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackedPath) and (self.packed.file, self.packed.identity, self.inside) == (
            other.packed.file,
            other.packed.identity,
            other.inside,
        )

    @property
    def _name(self) -> str:
        return "" if self.inside == PurePosixPath() else self.inside.as_posix()

    @property
    def _shown(self) -> Path:
        return Path(self.packed.shown, self.inside)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._shown.name

    @property
    def suffix(self) -> str:
        """The ending of the name."""
        return self._shown.suffix

    @property
    def parent(self) -> Path:
        """The folder that messages name; files are not found through it."""
        return self._shown.parent

    @property
    def entry(self) -> Entry:
        """Where the file lies in the packed bundle.

        Raises:
            FileNotFoundError: there is no such file in it.
        """
        found = self.packed.entries.get(self._name)
        if found is None:
            raise FileNotFoundError(2, "No such file in the packed bundle", str(self))
        return found

    def absolute(self) -> PackedPath:
        """The path itself, because it does not depend on the current folder."""
        return self

    def exists(self) -> bool:
        """Whether there is such a file."""
        return self._name in self.packed.entries

    is_file = exists

    def is_symlink(self) -> bool:
        """False: a packed bundle holds no links."""
        return False

    def readlink(self) -> Path:
        """An error, since it is no link."""
        raise OSError(22, "Not a link", str(self))

    def stat(self) -> FileStatus:
        """Which file it is, by the packed bundle on disk as it is now, and the size of this one in bytes."""
        status = self.packed.file.stat()
        return FileStatus(status.st_dev, status.st_ino, self.entry.size, status.st_mtime_ns)

    def open(self, mode: str = "rb", *, checksum: bool = True) -> IO[bytes]:
        """A stream of the file's bytes. Its checksum is compared when all of them have been read, if `checksum`."""
        if mode != "rb":
            raise ValueError(f"files of a packed bundle are opened with mode 'rb', not {mode!r}")
        return io.BufferedReader(_EntryStream(self.packed.open(), self.entry, str(self), checksum))

    def read_bytes(self) -> bytes:
        """All bytes of the file.

        Raises:
            BundleError: their checksum is not the one that was packed.
        """
        with self.open() as stream:
            return stream.read(self.entry.size + 1)  # one more, so that an empty file is checked too

    def read_text(self, encoding: str) -> str:
        """The text of the file, with line ends as they are."""
        return self.read_bytes().decode(encoding)


#: a file of a bundle, or the bundle, in a folder or packed
BundlePath: TypeAlias = "Path | PackedPath"


def bundle_path(path: str | BundlePath) -> BundlePath:
    """`path` as a `Path`, unless it is a path in a packed bundle already."""
    return path if isinstance(path, PackedPath) else Path(path)


def is_packed(path: Path) -> bool:
    """Whether `path` is a file with the name of a packed bundle, which may still be damaged."""
    return path.suffix.lower() == layout.PACKED_SUFFIX and path.is_file()


def begins_as_packed(path: Path) -> bool:
    """Whether the first entry of the archive at `path` is that of a packed bundle, whatever the file is called."""
    head = layout.LOCAL_HEADER.size + len(layout.MANIFEST_FILE)
    try:
        with path.open("rb") as stream:
            begin = stream.read(head)
    except OSError:
        return False
    return begin.startswith(layout.LOCAL_SIGNATURE) and begin.endswith(layout.MANIFEST_FILE.encode())


def is_bundle(path: Path) -> bool:
    """Whether `path` is meant as a bundle and not as a checkpoint: a folder with a manifest, or a packed bundle."""
    return is_packed(path) or (path / layout.MANIFEST_FILE).is_file()


class _EntryStream(io.RawIOBase):
    """The bytes of one entry. Reading all of them in their order checks their CRC-32, if `checksum`."""

    def __init__(self, stream: BinaryIO, entry: Entry, shown: str, checksum: bool) -> None:
        self._stream, self._entry, self._shown, self._checksum = stream, entry, shown, checksum
        self._place = 0
        #: the CRC-32 of all bytes before `_checked`
        self._crc32 = self._checked = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._entry.size}[whence]
        self._place = max(base + offset, 0)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._stream.seek(self._entry.start + self._place)
        wanted = memoryview(buffer)[: max(self._entry.size - self._place, 0)]
        count: int = self._stream.readinto(wanted)  # type: ignore[attr-defined]
        if self._checksum and self._place == self._checked:
            self._crc32 = zlib.crc32(wanted[:count], self._crc32)
            self._checked += count
        self._place += count
        complete = self._checksum and self._checked == self._entry.size
        if (wanted and not count) or (complete and self._crc32 != self._entry.crc32):
            raise BundleError(
                f"{self._shown} is damaged: its checksum (CRC-32) is not the one that was packed; "
                "copy the packed bundle again"
            )
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def _identity(stream: IO[bytes]) -> FileStatus:
    status = os.fstat(stream.fileno())
    return FileStatus(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _reopened(file: str, name: str) -> PackedPath:
    return PackedPath(PackedFile(Path(file)), name)
