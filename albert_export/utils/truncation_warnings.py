"""Keeps the runtime's warnings about truncated texts off the log where the texts are not the user's."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def suppressed_truncation_warnings() -> Iterator[None]:
    """Drop warnings of `albert_runtime` within the block; its errors are still logged.

    Samples for calibration and verification are often longer than a short model accepts. That they are truncated is
    intended, and a warning about texts that the user has never seen would only confuse.
    """
    logger = logging.getLogger("albert_runtime")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
