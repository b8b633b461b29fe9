"""How many processor cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cores(cgroups: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """The number of cores that this process may use, at least 1.

    It is the minimum of the processor affinity (`taskset`, `--cpuset-cpus`) and of the time quotas that a container
    sets through control groups, version 2 or 1 (`docker run --cpus 1.5` counts as 2). More threads than that would only
    wait for each other. The arguments exist for tests.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows do not have it
        cores = os.cpu_count() or 1
    quota = _quota(cgroups, membership)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def _quota(cgroups: Path, membership: Path) -> float | None:
    """The processor time in each period, in cores; None if there is no limit."""
    quotas = []
    for folder in _own_groups(cgroups, membership):
        try:
            if (folder / "cpu.max").is_file():  # version 2: "150000 100000", or "max 100000"
                quota, period = (folder / "cpu.max").read_text().split()
            else:  # version 1: one number in each file, -1 for no limit
                quota = (folder / "cpu.cfs_quota_us").read_text()
                period = (folder / "cpu.cfs_period_us").read_text()
            if quota != "max" and int(quota) > 0:
                quotas.append(int(quota) / int(period))
        except (OSError, ValueError, ZeroDivisionError):
            continue  # this group sets no limit, or this process may not read it
    return min(quotas, default=None)


def _own_groups(cgroups: Path, membership: Path) -> list[Path]:
    """The folders of this process's control group and of all groups that contain it: each of them may set a limit."""
    try:
        # Each line is "number:controllers:/path"; version 2 has the number 0 and no controllers.
        entries = [line.split(":", 2) for line in membership.read_text().splitlines()]
    except OSError:
        return []
    folders = []
    for _, controllers, path in (entry for entry in entries if len(entry) == 3):
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = cgroups / controllers if controllers else cgroups
        # In a container the path may be one of the host, which is not mounted here, so the root is always included.
        group = root / path.lstrip("/")
        folders += [group, *(parent for parent in group.parents if parent == root or root in parent.parents)]
    return folders
