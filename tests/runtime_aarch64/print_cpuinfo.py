"""Prints what engines read about the processor."""

from pathlib import Path

print(Path("/proc/cpuinfo").read_text(), end="")
