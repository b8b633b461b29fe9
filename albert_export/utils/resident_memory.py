"""Gives memory that is not needed now back to the system: pages of mapped files, and memory that was freed."""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
from collections.abc import Iterable

import numpy as np

#: the size of a model from which on freed memory is given back
_LEAST_BYTES = 32 << 20


def give_back_pages(arrays: Iterable[np.ndarray]) -> None:
    """Give back the pages of the files that `arrays` are views of. Where they are used again, they are read again.

    No array may have been changed, as what was written to it is lost. Arrays that are no views of a mapped file keep
    their memory, and so do all of them on systems without `madvise`.
    """
    if not hasattr(mmap, "MADV_DONTNEED"):
        return
    files = {id(file): file for file in map(_mapped_file, arrays) if file is not None}
    for file in files.values():
        file.madvise(mmap.MADV_DONTNEED)


def _mapped_file(array: np.ndarray) -> mmap.mmap | None:
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return owner if isinstance(owner, mmap.mmap) else None


def return_freed_memory(model_bytes: int) -> None:
    """Give freed memory back, where the C library is glibc. It keeps freed blocks below 32 MB for later.

    Nothing is done for a model of fewer bytes than that: it leaves little behind, and to look for garbage takes a
    large process a second.
    """
    if model_bytes < _LEAST_BYTES:
        return
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries of Linux do not have it
        if trim is not None:
            trim(0)
