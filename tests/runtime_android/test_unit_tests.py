"""The Kotlin library's own tests pass, and its tables are those of Python."""

from __future__ import annotations

import subprocess
import unicodedata

import pytest

from tools.kotlin_jvm import unicode_ranges
from tools.kotlin_jvm.build import Build


@pytest.mark.jvm
@pytest.mark.slow
def test_junit(kotlin: Build) -> None:
    classes = kotlin.test_classes()
    assert len(classes) > 10
    command = kotlin.command("org.junit.runner.JUnitCore", classes)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_tables_of_unicode_are_up_to_date() -> None:
    target = unicode_ranges.TARGET.read_text(encoding="utf-8")
    if f"from Unicode {unicodedata.unidata_version};" not in target:
        pytest.skip(f"this Python has Unicode {unicodedata.unidata_version}, and the tables are those of Python 3.11")
    assert target == unicode_ranges.source()
