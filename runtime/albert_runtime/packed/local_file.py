"""Gives an engine that opens files by name, or takes only `bytes`, a model that lies inside a packed bundle."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from albert_runtime.errors import UsageError
from albert_runtime.packed.path import BundlePath, PackedPath

#: the fields of a bytes object of CPython in front of its characters: references, type, length, hash
_BYTES_HEADER = struct.Struct("@nPnn")
#: so many references that the object is never freed; it is not Python that owns its memory
_REFERENCES = 1 << 29


@contextlib.contextmanager
def local_file(file: BundlePath) -> Iterator[Path]:
    """A file of the file system with the bytes of `file`, while the block runs; `file` itself if it is one.

    A file of a packed bundle is copied by the kernel into an unnamed file in memory, which is gone when the block has
    ended and nothing has it open or mapped any more. Where the system has no such files (macOS, Windows), it is a
    temporary file.

    Raises:
        UsageError: there is not enough space for the copy.
        BundleError: the packed bundle has changed since it was opened.
    """
    if not isinstance(file, PackedPath):
        yield file
        return
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(file.packed.open())
        try:
            copy, path = stack.enter_context(_unnamed_file(file.suffix))
            _copy(source.fileno(), copy, file)
        except OSError as error:
            raise UsageError(f"there is no space for a copy of {file}: {error.strerror or error}") from error
        yield path


class MappedBytes:
    """A bytes object, and the memory that it is in, which must live as long as anything refers to the object."""

    def __init__(self, content: bytes, memory: mmap.mmap) -> None:
        self.content = content
        self._memory = memory
        # Until `release` the memory stays in any case: an error's traceback may refer to the bytes for a long time.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(memory))

    def release(self) -> None:
        """Let the memory go together with this object. From then on, nothing may refer to the bytes for longer."""
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(self._memory))

    def __del__(self) -> None:
        del self.content  # it lies in the memory, and so has to go first


def mapped_bytes(file: PackedPath) -> MappedBytes | None:
    """The bytes of `file`, without reading them; None if this Python can't do that.

    An interpreter of TFLite takes its model as a path or as `bytes`, and keeps it. So the packed bundle is mapped into
    memory as the interpreter itself would map a file, and the few bytes in front of the model, padding that the process
    gets as a private copy, become the head of a bytes object. The model is never copied: its pages are read when they
    are used, and belong to the system's cache of files.
    """
    entry = file.entry
    if sys.implementation.name != "cpython" or bytes.__basicsize__ != _BYTES_HEADER.size + 1:
        return None  # another Python, or one without the global lock, whose objects look different
    head = entry.start - _BYTES_HEADER.size
    offset = head - head % mmap.ALLOCATIONGRANULARITY
    with file.packed.open() as stream:
        # ACCESS_COPY: what is written to the memory does not change the file
        memory = mmap.mmap(
            stream.fileno(), entry.start + entry.size + 1 - offset, access=mmap.ACCESS_COPY, offset=offset
        )
    _BYTES_HEADER.pack_into(memory, head - offset, _REFERENCES, id(bytes), entry.size, -1)
    memory[entry.start + entry.size - offset] = 0  # bytes end with a zero that does not count
    view = ctypes.c_char.from_buffer(memory, head - offset)
    address = ctypes.addressof(view)
    return MappedBytes(ctypes.cast(address, ctypes.py_object).value, memory)


@contextlib.contextmanager
def _unnamed_file(suffix: str) -> Iterator[tuple[int, Path]]:
    """The descriptor of a new file that is open for writing, and a path by which it can be opened once more."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("albert-model")
        path = Path(f"/proc/self/fd/{descriptor}")
        try:
            if path.exists():  # /proc need not be mounted
                yield descriptor, path
                return
        finally:
            os.close(descriptor)
    descriptor, name = tempfile.mkstemp(suffix=suffix)
    try:
        yield descriptor, Path(name)
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):  # Windows keeps a file that is mapped
            Path(name).unlink()


def _copy(source: int, target: int, file: PackedPath) -> None:
    """Copy the bytes of `file` from the descriptor of its packed bundle to another one."""
    place, end = file.entry.start, file.entry.start + file.entry.size
    try:
        while place < end and (count := os.sendfile(target, source, place, end - place)):
            place += count
    except (AttributeError, OSError):  # the system has no such call, or not for such files
        os.ftruncate(target, 0)
        with file.open() as stream, open(target, "wb", closefd=False) as copy:
            copy.seek(0)
            shutil.copyfileobj(stream, copy)
