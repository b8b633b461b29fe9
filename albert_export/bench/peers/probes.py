"""Probes: the clock and the memory of this process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def timed_ms(call: Callable[[], Any]) -> float:
    """Return the milliseconds that `call` takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def reset_peak_memory() -> None:
    """Reset the peak VmHWM, so that memory which only the imports needed does not count; see clear_refs in proc(5)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def memory() -> tuple[int | None, int | None]:
    """Return the current and the peak resident bytes of this process; None on a system that does not report them."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None, None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    resident, peak = (int(fields[name].split()[0]) * 1024 if name in fields else None for name in ("VmRSS", "VmHWM"))
    return resident, peak


def difference(after: int | None, before: int | None) -> int | None:
    """Return `after` less `before`; None if one of them is not known."""
    return None if after is None or before is None else after - before
