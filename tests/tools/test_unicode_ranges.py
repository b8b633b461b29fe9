"""The Unicode properties of the Kotlin library and of the npm package are those of Python."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import unicode_ranges


@pytest.mark.parametrize(
    ("file", "source"),
    [(unicode_ranges.KOTLIN, unicode_ranges.kotlin), (unicode_ranges.TYPESCRIPT, unicode_ranges.typescript)],
    ids=["kotlin", "typescript"],
)
def test_the_file_is_current(file: Path, source: Callable[[], str]) -> None:
    content = file.read_text(encoding="utf-8")
    if f"from Unicode {unicodedata.unidata_version};" not in content:
        pytest.skip(f"this Python has Unicode {unicodedata.unidata_version}, and the tables are those of Python 3.11")
    assert content == source()
