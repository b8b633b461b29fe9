"""The cache folder: files that are quicker to read than to make again, and that may be deleted at any time.

It is the folder `albert-runtime` in the user's own cache folder: `$XDG_CACHE_HOME` or `~/.cache`, on macOS
`~/Library/Caches`, on Windows `%LOCALAPPDATA%`. The variable ALBERT_CACHE names another one, or is "off".

What is in the cache decides what a process computes, so nothing is read from a folder in which another user may write:
it is made with the mode 0700, and a folder that belongs to somebody else (other than root) or is writable for a group
or for everybody is not used. Every file begins with the SHA-256 of its content, so that a damaged one is noticed. That
is no protection from somebody who can write there, who could change the user's programs as well.

No error of the cache is ever raised. Whoever can't read or write it works without, and the log says so at level DEBUG.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

#: the environment variable that names the folder
VARIABLE = "ALBERT_CACHE"
#: its value for no cache
OFF = "off"

#: the files of the cache end like this; clear_cache() and the limits touch no others
_SUFFIX = ".cached"
_UNFINISHED = ".unfinished-"
_MAGIC = b"ALBERT\x00\x01"
#: the oldest files are deleted if there are more than these
_MOST_FILES, _MOST_BYTES = 128, 64 << 20
#: what a process that was killed has left is deleted after an hour
_UNFINISHED_SECONDS = 3600

_logger = logging.getLogger("albert_runtime")


def cache_folder() -> Path | None:
    """The cache folder, which need not exist yet; None if there is none, or if it is switched off."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return None if given.strip().lower() in (OFF, "") else Path(given).absolute()
    try:
        if sys.platform == "win32":
            base = Path(os.environ["LOCALAPPDATA"])
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            # A path that is not absolute is to be ignored (XDG Base Directory Specification).
            stated = Path(os.environ.get("XDG_CACHE_HOME", ""))
            base = stated if stated.is_absolute() else Path.home() / ".cache"
    except (KeyError, RuntimeError):  # the user has no home
        return None
    return base / "albert-runtime" if base.is_absolute() else None


def clear_cache() -> int:
    """Delete what is in the cache folder, and return how many files that were. Other files in it stay.

    Raises:
        OSError: a file can't be deleted.
    """
    folder = cache_folder()
    files = [] if folder is None or not folder.is_dir() else [*folder.glob(f"*{_SUFFIX}")]
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def read_cached(name: str) -> bytes | None:
    """The content that was written as `name`; None if there is none, or if it is damaged."""
    folder = _usable_folder(create=False)
    if folder is None:
        return None
    file = folder / f"{name}{_SUFFIX}"
    try:
        stored = file.read_bytes()
        content = stored[len(_MAGIC) + hashlib.sha256().digest_size :]
        if not stored.startswith(_MAGIC + hashlib.sha256(content).digest()):
            _logger.debug("%s is damaged and will be made again", file)
            return None
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            _logger.debug("can't read %s: %s", file, error)
        return None
    with contextlib.suppress(OSError):
        os.utime(file)  # the files that were not used for longest are deleted first
    return content


def write_cached(name: str, content: bytes) -> None:
    """Keep `content` as `name`, in place of what was written before. Several processes may do so at once."""
    folder = _usable_folder(create=True)
    if folder is None:
        return
    unfinished = None
    try:
        # Only its owner may read such a file.
        with tempfile.NamedTemporaryFile("wb", prefix=_UNFINISHED, dir=folder, delete=False) as stream:
            unfinished = Path(stream.name)
            stream.write(_MAGIC + hashlib.sha256(content).digest() + content)
        # On Windows this fails while another process reads the old file, which has the same content.
        unfinished.replace(folder / f"{name}{_SUFFIX}")
        _delete_oldest(folder)
    except OSError as error:
        _logger.debug("can't write to the cache %s: %s", folder, error)
        if unfinished is not None:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path | None]:
    """An empty folder inside the cache folder, which is deleted when the block ends; None if there is no cache.

    Raises:
        OSError: it can't be made.
    """
    folder = _usable_folder(create=True)
    if folder is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder, ignore_cleanup_errors=True) as name:
        yield Path(name)


def _usable_folder(*, create: bool) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    try:
        if create:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
        status = folder.stat()
    except OSError as error:
        if create:
            _logger.debug("there is no cache, since %s can't be made: %s", folder, error)
        return None
    if not stat.S_ISDIR(status.st_mode):
        _logger.debug("there is no cache, since %s is no folder", folder)
        return None
    if hasattr(os, "geteuid"):  # Windows keeps the folders of a user's profile from other users
        foreign = status.st_uid not in (os.geteuid(), 0)
        if foreign or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            _logger.debug("the cache %s is not used, since other users may write to it", folder)
            return None
    return folder


def _delete_oldest(folder: Path) -> None:
    """Delete the files above the limits, and what killed processes have left."""
    kept, size = 0, 0
    files = [(file.stat(), file) for file in folder.glob(f"*{_SUFFIX}") if file.is_file()]
    for status, file in sorted(files, key=lambda one: one[0].st_mtime, reverse=True):
        kept, size = kept + 1, size + status.st_size
        if kept > _MOST_FILES or size > _MOST_BYTES:
            file.unlink(missing_ok=True)
    for left in folder.glob(f"{_UNFINISHED}*"):
        if time.time() - left.lstat().st_mtime > _UNFINISHED_SECONDS:
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
