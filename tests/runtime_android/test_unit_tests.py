"""The Kotlin library's own tests pass."""

from __future__ import annotations

import subprocess

import pytest

from tools.kotlin_jvm.build import Build


@pytest.mark.jvm
@pytest.mark.slow
def test_junit(kotlin: Build) -> None:
    classes = kotlin.test_classes()
    assert len(classes) > 10
    command = kotlin.command("org.junit.runner.JUnitCore", classes)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
