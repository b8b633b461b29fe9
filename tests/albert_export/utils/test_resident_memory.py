"""Pages of mapped files are given back, and their numbers stay what they are."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from albert_export.utils.resident_memory import give_back_pages, return_freed_memory

NUMBERS = np.arange(1 << 20, dtype=np.float32)


def resident(field: str) -> int:
    """A field of this process's resident memory, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_pages_are_given_back_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    NUMBERS.tofile(file)
    mapped = np.asarray(np.memmap(file, np.float32, "c")).reshape(-1, 16)[:, :8]
    assert mapped.sum() > 0
    before = resident("RssFile")
    give_back_pages([mapped])
    assert before - resident("RssFile") > 0.9 * NUMBERS.nbytes
    np.testing.assert_array_equal(mapped, NUMBERS.reshape(-1, 16)[:, :8])


def test_other_arrays_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    given = NUMBERS.copy()
    give_back_pages([given, given[::2], np.frombuffer(b"numbers!", np.uint8)])
    return_freed_memory(1 << 30)
    np.testing.assert_array_equal(given, NUMBERS)
    monkeypatch.delattr(mmap, "MADV_DONTNEED", raising=False)  # as on Windows
    give_back_pages([given])
