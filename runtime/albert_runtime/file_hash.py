"""The SHA-256 of files, which can be computed while something else is done."""

from __future__ import annotations

import hashlib
import mmap
import threading

from albert_runtime.packed.path import BundlePath, PackedPath

_CHUNK_BYTES = 1 << 20


def sha256_of(file: BundlePath) -> str:
    """The SHA-256 of `file` in hexadecimal. A model need not fit into memory.

    Raises:
        OSError: it can't be read.
        BundleError: it lies in a packed bundle that has changed since it was opened.
    """
    # The checksum of a packed bundle would take half as long again, and shows nothing that this hash does not.
    with file.open(checksum=False) if isinstance(file, PackedPath) else file.open("rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


class HashAhead:
    """The SHA-256 of a file that a thread computes.

    The file is mapped and hashed by one call, which does not hold the interpreter's lock. In pieces, each of them would
    wait for the lock, which other extension modules hold for long.
    """

    def __init__(self, file: BundlePath) -> None:
        self._file = file
        self._digest = ""
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._compute, daemon=True)
        self._thread.start()

    def __reduce__(self) -> tuple[type[HashAhead], tuple[BundlePath]]:
        return HashAhead, (self._file,)  # a thread can't be pickled

    def _compute(self) -> None:
        try:
            self._digest = _sha256_of_mapped(self._file)
        except Exception as error:
            self._error = error

    def result(self) -> str:
        """The hash in hexadecimal. It is waited for; what was raised is what `sha256_of` raises."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._digest


def _sha256_of_mapped(file: BundlePath) -> str:
    if not file.stat().st_size:  # a length of 0 would map everything
        return sha256_of(file)
    start, size = (file.entry.start, file.entry.size) if isinstance(file, PackedPath) else (0, file.stat().st_size)
    with file.packed.open() if isinstance(file, PackedPath) else file.open("rb") as stream:
        try:
            begin = start - start % mmap.ALLOCATIONGRANULARITY
            content = mmap.mmap(stream.fileno(), start - begin + size, access=mmap.ACCESS_READ, offset=begin)
        except (OSError, ValueError):  # there are file systems that map no files
            return sha256_of(file)
        with content, memoryview(content) as view, view[start - begin :] as part:
            return hashlib.sha256(part).hexdigest()
