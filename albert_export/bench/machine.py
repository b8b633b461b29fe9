"""The machine and the Python interpreter, on which the figures of a bundle depend."""

from __future__ import annotations

import os
import platform
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from albert_runtime._version import __version__
from albert_runtime.engines.cores import usable_cores

#: Names that /proc/cpuinfo has for the instructions that determine the speed of matrix multiplications: x86, then ARM.
_FLAGS = (
    *("avx2", "fma", "f16c", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8"),
    *("neon", "asimd", "asimdhp", "asimddp", "i8mm", "sve"),
)


def machine_facts(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """Return the facts as JSON types; `cpu_flags` is empty on a system without /proc/cpuinfo.

    `date` is now, in UTC. `load_average` is the number of processes that used or waited for a core, averaged over the
    last minute. It is None on Windows.
    """
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    # On ARM, /proc/cpuinfo names the board and not the processor.
    model = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    present = set(flags[1].split()) if flags else set()
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": model[1] if model else platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cpu_flags": [flag for flag in _FLAGS if flag in present],
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "albert_export": __version__,
    }
