"""Compiles the example app with the Kotlin library, for the tests: without Gradle and without an Android SDK."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from tests.docs.blocks import ROOT
from tools.kotlin_jvm.build import Build, joined

APP = ROOT / "examples" / "android" / "app"
SOURCES = APP / "src" / "main" / "kotlin"
TESTS = APP / "src" / "test" / "kotlin"
STAND_INS = Path(__file__).with_name("android_stand_ins")
COROUTINES = "kotlinx-coroutines-core-jvm.jar"


def logic_sources() -> list[Path]:
    """The files of the app that need nothing of Android."""
    return sorted((SOURCES / "albert" / "example" / "logic").glob("*.kt"))


def android_sources() -> list[Path]:
    """All other files of the app."""
    return sorted(set(SOURCES.rglob("*.kt")) - set(logic_sources()))


def compile_kotlin(
    build: Build, sources: Sequence[Path], target: Path, libraries: Sequence[Path] = (), *, compose: bool = False
) -> str:
    """Compile `sources` against the library to `target`; returns what the compiler says, "" if it is content.

    Args:
        build: the compiled library.
        sources: the files.
        target: where the classes go.
        libraries: what the sources need besides the library, Kotlin, coroutines and ONNX Runtime.
        compose: apply the plugin of Compose, which checks where composable functions are called.
    """
    parts = build.parts
    path = [build.main, parts.compiler / "kotlin-stdlib.jar", parts.compiler / COROUTINES, parts.android_engine]
    command = [
        *(str(parts.java_home / "bin" / "java"), "-Xmx1g", "-cp", joined(sorted(parts.compiler.glob("*.jar")))),
        "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
        *("-jvm-target", "1.8", "-no-stdlib", "-no-reflect", "-Xsuppress-deprecated-jvm-target-warning", "-Werror"),
        *("-module-name", "app", "-cp", joined([*path, *libraries]), "-d", str(target)),
        *([f"-Xplugin={parts.compiler / 'compose-compiler-plugin.jar'}"] if compose else []),
        *map(str, sources),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr + done.stdout


def run_tests(build: Build, classes: Path, folder_of_bundles: Path) -> subprocess.CompletedProcess[str]:
    """Run the JUnit tests in `classes`, with the demo bundles `qa` and `cls` in `folder_of_bundles`."""
    path = [classes, *build.run_time, build.parts.compiler / COROUTINES]
    names = [".".join(file.relative_to(TESTS).with_suffix("").parts) for file in sorted(TESTS.rglob("*Test.kt"))]
    command = [str(build.parts.java_home / "bin" / "java"), "-cp", joined(path), "org.junit.runner.JUnitCore", *names]
    environment = {**os.environ, "ALBERT_EXAMPLE_BUNDLES": str(folder_of_bundles)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def resource_class() -> str:
    """The class `R` that Android's build makes of the resources."""
    strings = ElementTree.parse(APP / "src/main/res/values/strings.xml").getroot().findall("string")
    names = [f"        const val {one.get('name')} = {number}\n" for number, one in enumerate(strings)]
    return f"package albert.example\n\nobject R {{\n    object string {{\n{''.join(names)}    }}\n}}\n"


def strings_used() -> set[str]:
    """The texts of the resources that the sources and the manifest name."""
    kotlin = "".join(file.read_text(encoding="utf-8") for file in SOURCES.rglob("*.kt"))
    manifest = (APP / "src/main/AndroidManifest.xml").read_text(encoding="utf-8")
    return set(re.findall(r"R\.string\.(\w+)", kotlin)) | set(re.findall(r"@string/(\w+)", manifest))


def strings_defined() -> set[str]:
    """The texts of the resources."""
    strings = ElementTree.parse(APP / "src/main/res/values/strings.xml").getroot().findall("string")
    return {one.get("name", "") for one in strings}
