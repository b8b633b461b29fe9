"""Gives an engine that opens files by name a model that lies inside a packed bundle."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from albert_runtime.errors import BundleError, UsageError
from albert_runtime.packed.path import BundlePath, PackedFile, PackedPath

#: the endings of graphs whose engines take a path and nothing else; ONNX Runtime reads a stream, see `streamed_file`
_OPENED_BY_NAME = (".tflite",)


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
    ahead = _copies_ahead.pop(file.packed, None)
    if ahead is not None and ahead.name == file.name:
        with contextlib.closing(ahead):
            if path := ahead.finished():
                yield path
                return
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(file.packed.open())
        try:
            copy, path = stack.enter_context(_unnamed_file(file.suffix))
            _copy(source.fileno(), copy, file)
        except OSError as error:
            raise UsageError(f"there is no space for a copy of {file}: {error.strerror or error}") from error
        yield path


def copy_ahead(file: BundlePath) -> None:
    """Begin to copy `file` for the next `local_file`, in a thread, while the caller checks and loads other files.

    Nothing is done for a file of a folder, for a graph that its engine reads from a stream, and where the system has no
    files in memory.
    """
    if isinstance(file, PackedPath) and file.suffix in _OPENED_BY_NAME and hasattr(os, "memfd_create"):
        _copies_ahead[file.packed] = _CopyAhead(file)


class _CopyAhead:
    """A copy of a packed file in memory that a thread makes. If it fails, `local_file` makes another, and says why."""

    def __init__(self, file: PackedPath) -> None:
        self.name = file.name
        self._path: Path | None = None
        self._files = contextlib.ExitStack()
        # Nobody takes the copy if the bundle turns out to be damaged.
        weakref.finalize(self, self._files.close)
        self._thread = threading.Thread(target=self._copy, args=(file,), daemon=True)
        self._thread.start()

    def _copy(self, file: PackedPath) -> None:
        with contextlib.suppress(OSError, BundleError), file.packed.open() as source:
            copy, path = self._files.enter_context(_unnamed_file(file.suffix))
            _copy(source.fileno(), copy, file)
            self._path = path

    def finished(self) -> Path | None:
        """The path of the copy, until `close`; None if there is no complete one."""
        self._thread.join()
        return self._path

    def close(self) -> None:
        """Delete the copy, unless something has it open or mapped."""
        self._files.close()


#: at most one for each packed bundle; it goes when nothing refers to the bundle any more
_copies_ahead: weakref.WeakKeyDictionary[PackedFile, _CopyAhead] = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def streamed_file(file: PackedPath) -> Iterator[Path | None]:
    """A path from which the bytes of `file` can be read once, from the first to the last; None if the system has none.

    It is a pipe, into which the kernel moves the pages of the packed bundle, so that there is no copy of the model.
    """
    if not hasattr(os, "splice") or not Path("/proc/self/fd").exists():
        yield None
        return
    with file.packed.open() as source:
        readable, writable = os.pipe()
        feeder = threading.Thread(target=_feed, args=(source.fileno(), writable, file), daemon=True)
        feeder.start()
        try:
            yield Path(f"/proc/self/fd/{readable}")
        finally:
            os.close(readable)  # the feeder stops if not everything was read
            feeder.join()


def _feed(source: int, pipe: int, file: PackedPath) -> None:
    place, end = file.entry.start, file.entry.start + file.entry.size
    with contextlib.suppress(OSError):  # nobody reads any more
        while place < end and (count := os.splice(source, pipe, end - place, offset_src=place)):
            place += count
    os.close(pipe)


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
