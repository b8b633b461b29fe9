"""Runs the thin wheel on emulated ARM64 processors; see `emulator.py`."""
