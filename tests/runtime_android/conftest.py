"""The compiled Kotlin library, and how the tests run what it holds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import BuiltOnce
from tools.kotlin_jvm.build import Build, build
from tools.kotlin_jvm.parts import Parts

#: the class and its arguments -> its exit code and what it printed
RunKotlin = Callable[..., subprocess.CompletedProcess[str]]
Int8BundleOf = Callable[[str], Path]


@pytest.fixture(scope="session")
def kotlin() -> Build:
    """The compiled library and its tests; skips if the compiler or a library can't be had."""
    parts = Parts()
    if reason := parts.missing():
        pytest.skip(f"the Kotlin library can't be built here: {reason}")
    return build(parts)


@pytest.fixture(scope="session")
def run_kotlin(kotlin: Build) -> RunKotlin:
    """A function that runs a class below albert.runtime with arguments, in a JVM of its own."""

    def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = kotlin.command(f"albert.runtime.{name}", [str(one) for one in arguments])
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def int8_bundle_of(built_once: BuiltOnce) -> Int8BundleOf:
    """The int8 bundle of a demo with a scale for each channel, since ONNX Runtime 1.17 has no blocks of 8 bits."""

    def make(task: str) -> Path:
        from albert_export.demos import demo_checkpoint
        from albert_export.export import export_onnx

        return built_once(
            f"demo-onnx-{task}-int8-per-channel",
            lambda folder: export_onnx(demo_checkpoint(task), folder, task=task, precision="int8", max_drop=50),
        )

    return make
