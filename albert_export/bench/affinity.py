"""Affinity: binding this process, and those that it starts, to as many cores as there are threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")


@contextlib.contextmanager
def bound_to_cores(count: int) -> Iterator[tuple[int, ...] | None]:
    """Bind this thread and the processes that it starts to `count` of its cores while the context is open.

    Cores of their own come before second threads of the same core. Gives the numbers of the cores; None on a system
    that binds none.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    chosen = cores_in_order(before)[:count]
    os.sched_setaffinity(0, chosen)
    try:
        yield tuple(sorted(chosen))
    finally:
        os.sched_setaffinity(0, before)


def cores_in_order(usable: set[int], cpus: Path = _CPUS) -> list[int]:
    """Return the cores, those first that share nothing with an earlier one. The argument `cpus` exists for tests."""
    taken: dict[str, int] = {}
    ranked = []
    for core in sorted(usable):
        try:
            siblings = (cpus / f"cpu{core}" / "topology" / "thread_siblings_list").read_text().strip()
        except OSError:
            siblings = str(core)
        taken[siblings] = taken.get(siblings, 0) + 1
        ranked.append((taken[siblings], core))
    return [core for _, core in sorted(ranked)]
