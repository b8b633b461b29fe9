"""Atomic writing: a file is written completely or not at all."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from albert_runtime.errors import UsageError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to.

    The file is renamed to `path` when the block ends without an error, and removed otherwise. A missing folder is
    created.

    Raises:
        UsageError: the file can't be written (read-only or full disk, no permission).
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror or error}; choose another folder") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
