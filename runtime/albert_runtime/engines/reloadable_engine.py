"""ReloadableEngine: what the engines that load a file share, so that forked and unpickled copies of them work."""

from __future__ import annotations

import ctypes
import os
import threading
from abc import ABC, abstractmethod
from typing import Any
from weakref import WeakSet

from albert_runtime.engines.cores import usable_cores
from albert_runtime.errors import BundleError
from albert_runtime.packed.path import BundlePath, PackedPath, bundle_path


class ReloadableEngine(ABC):
    """The base of the engines that load a model file, and can load it again in another process.

    The worker threads of a native library don't survive a fork. In a child process that was forked, the first run
    therefore loads the file again. A pickled engine is the path of its file, and is loaded where it is unpickled.

    Args:
        model_file: the file of the graph.
        threads: the number of threads that compute one run; None means the cores that this process may use.
    """

    def __init__(self, model_file: str | BundlePath, *, threads: int | None = None) -> None:
        self.model_file = bundle_path(model_file)
        self.threads = threads or usable_cores()
        self._given_threads = threads
        #: the current folder may have changed when the file is loaded again
        self._path = self.model_file.absolute()
        self._file_identity = _identity(self._path)
        #: held while the file is loaded again; engines that run one request at a time hold it for each run too
        self._lock = threading.Lock()
        #: the object of the native library, or None in a forked child that has not loaded the file yet
        self._native: Any = None
        self._load()
        _engines.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        file = self._path if isinstance(self._path, PackedPath) else str(self._path)
        return _load_engine, (type(self), file, self._given_threads)

    @abstractmethod
    def _load(self) -> None:
        """Load the file and set `_native`.

        Raises:
            BundleError: the file is damaged or is not a graph.
            OperatorError: the graph needs an operator that the engine lacks.
        """

    def reload_without_cache(self) -> bool:
        """Load the file itself if something from the cache was loaded in its place; returns whether that was so.

        Raises:
            BundleError, OperatorError: as the constructor.
        """
        return False

    def _load_after_fork(self) -> None:
        """Load the file again if this process was forked and has not done so; the caller holds `_lock`.

        Raises:
            BundleError: the file is not the one that the parent process loaded, or can't be loaded.
        """
        if self._native is not None:
            return
        if self._file_identity is None or _identity(self._path) != self._file_identity:
            raise BundleError(
                f"{self._path} has changed since it was loaded, so this forked process can't load it again; "
                "open the session again: albert_runtime.load(...)"
            )
        self._load()

    def _forget_parent(self) -> None:
        """In a forked child: leave the native object alone, and replace the lock, which a lost thread may hold."""
        if self._native is not None:
            # The destructor of the native object would wait forever for threads that exist only in the parent. This
            # one reference too many keeps it from running, even when the interpreter exits.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._native))
            self._native = None
        self._lock = threading.Lock()


#: the engines of this process
_engines: WeakSet[ReloadableEngine] = WeakSet()


def _forget_parents() -> None:
    for engine in list(_engines):
        engine._forget_parent()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_forget_parents)


def _load_engine(
    engine_class: type[ReloadableEngine], model_file: str | PackedPath, threads: int | None
) -> ReloadableEngine:
    return engine_class(model_file, threads=threads)


def _identity(file: BundlePath) -> tuple[int, ...] | None:
    """What changes if `file` is replaced or written to; None if there is no such file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
