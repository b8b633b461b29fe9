"""How many cores this process may use: what the machine has, less what the system withholds."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cores(cgroups: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """The cores that this process may keep busy, at least 1.

    The least of the processor affinity (`taskset`, `--cpuset-cpus`) and of the time quotas that a container
    sets through control groups, version 2 or 1 (`docker run --cpus 1.5` counts as 2). More threads than that
    only take turns. The arguments are there for tests.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    quota = _quota(cgroups, membership)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def _quota(cgroups: Path, membership: Path) -> float | None:
    """Cores' worth of time in each period, or None where there is no limit."""
    quotas = []
    for folder in _own_groups(cgroups, membership):
        try:
            if (folder / "cpu.max").is_file():  # version 2: "150000 100000", or "max 100000"
                quota, period = (folder / "cpu.max").read_text().split()
            else:  # version 1: one number a file, -1 for no limit
                quota = (folder / "cpu.cfs_quota_us").read_text()
                period = (folder / "cpu.cfs_period_us").read_text()
            if quota != "max" and int(quota) > 0:
                quotas.append(int(quota) / int(period))
        except (OSError, ValueError, ZeroDivisionError):
            continue  # not limited here, or not ours to read
    return min(quotas, default=None)


def _own_groups(cgroups: Path, membership: Path) -> list[Path]:
    """The folders of this process's group and of all that it stands in: each may set a limit."""
    try:
        # lines of "number:controllers:/path"; version 2 has number 0 and no controllers
        entries = [line.split(":", 2) for line in membership.read_text().splitlines()]
    except OSError:
        return []
    folders = []
    for _, controllers, path in (entry for entry in entries if len(entry) == 3):
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = cgroups / controllers if controllers else cgroups
        # Inside a container the path may be the host's, which is not mounted here; the root is always looked at.
        group = root / path.lstrip("/")
        folders += [group, *(parent for parent in group.parents if parent == root or root in parent.parents)]
    return folders
