"""Keeps TensorFlow's own talk off the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def suppressed_native_stderr() -> Iterator[None]:
    """What native code writes to standard error in the block is shown only if the block fails.

    TensorFlow's libraries greet while they are loaded, before any of their settings can be made, and a user reads
    it as errors. Python's own `sys.stderr` is kept back as well, for it writes to the same file.
    """
    if sys.stderr is None:  # closed before the process began: descriptor 2 may be any file by now
        yield
        return
    try:
        own = os.dup(2)
    except OSError:  # closed since: then nothing is said anyway
        yield
        return
    with tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:  # and not where the user interrupts it
            kept.seek(0)
            os.write(own, kept.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)
