"""Gives an engine that opens files by name a model that lies inside a packed bundle."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from albert_runtime.errors import UsageError
from albert_runtime.packed.path import BundlePath, PackedPath


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
