"""The progress of a file run on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol

#: seconds between two updates of the line
_UPDATE_SECONDS = 0.2


class FileProgress(Protocol):
    """Shows how far a run is."""

    def update(self, lines: int, input_bytes: int) -> None:
        """So many lines and bytes of the input are done."""

    def close(self) -> None:
        """The run has ended."""


#: opens the display: the bytes and lines that are done already, and the bytes of the input, None if they are not known
OpenProgress = Callable[[int, int, "int | None"], FileProgress]


class NoProgress:
    """Shows nothing."""

    def update(self, lines: int, input_bytes: int) -> None:
        """See `FileProgress.update`."""

    def close(self) -> None:
        """See `FileProgress.close`."""


class PlainProgress:
    """One line on standard error: lines, rate, share of the input, and time left."""

    def __init__(self, done_bytes: int, done_lines: int, total_bytes: int | None) -> None:
        self._done_bytes, self._done_lines, self._total = done_bytes, done_lines, total_bytes
        self._started = self._shown = time.monotonic()
        self._width = 0

    def update(self, lines: int, input_bytes: int) -> None:
        """See `FileProgress.update`."""
        now = time.monotonic()
        if now - self._shown < _UPDATE_SECONDS:
            return
        self._shown = now
        seconds = now - self._started
        parts = [f"{lines:,} lines", f"{(lines - self._done_lines) / seconds:,.0f} lines/s"]
        if self._total:
            parts.append(f"{input_bytes / self._total:.0%}")
            rate = (input_bytes - self._done_bytes) / seconds
            parts.append(f"{duration((self._total - input_bytes) / rate)} left" if rate else "")
        self._show("  ".join(parts))

    def close(self) -> None:
        """See `FileProgress.close`."""
        self._show("")

    def _show(self, text: str) -> None:
        print("\r" + text.ljust(self._width) + ("" if text else "\r"), end="", file=sys.stderr, flush=True)
        self._width = len(text)


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
