"""Hides the messages that TensorFlow's native libraries write to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def suppressed_native_stderr() -> Iterator[None]:
    """Holds back what native code writes to standard error in the block, and shows it only if the block fails.

    TensorFlow's libraries print messages while they are loaded, before any setting could prevent it, and users take
    these for errors. Python's own `sys.stderr` is held back as well, since it writes to the same file descriptor.
    """
    if sys.stderr is None:  # It was closed before the process began, so descriptor 2 may be any file by now.
        yield
        return
    try:
        own = os.dup(2)
    except OSError:  # It was closed later, so that no message can appear anyway.
        yield
        return
    with tempfile.TemporaryFile() as held_back:
        sys.stderr.flush()
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except Exception:  # KeyboardInterrupt is none, so an interruption by the user shows nothing.
            held_back.seek(0)
            os.write(own, held_back.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)
