"""What figures depend on besides the bundle: the machine and the interpreter."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from albert_runtime._version import __version__
from albert_runtime.engines.cores import usable_cores

#: what /proc/cpuinfo calls the instructions that decide how fast matrix products are: x86, then ARM
_FLAGS = (
    *("avx2", "fma", "f16c", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8"),
    *("neon", "asimd", "asimdhp", "asimddp", "i8mm", "sve"),
)


def machine_facts(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """The facts, as JSON types; `cpu_flags` is empty where the system has no /proc/cpuinfo.

    `load_average` is of the last minute: processes that wanted a core, before ours did.
    """
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    # A board of ARM cores names itself, not the cores.
    model = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    present = set(flags[1].split()) if flags else set()
    return {
        "cpu": model[1] if model else platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cpu_flags": [flag for flag in _FLAGS if flag in present],
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,  # not on Windows
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "albert_export": __version__,
    }
