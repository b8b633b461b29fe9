"""Compiles the Kotlin sources into a folder of the cache that is named by their content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tools.kotlin_jvm.parts import Parts

LIBRARY = Path(__file__).parents[2] / "runtime" / "android" / "albert-runtime"

#: Android's API level 24 runs the bytecode of Java 8. The compiler warns of every use of that target.
_OPTIONS = ("-jvm-target", "1.8", "-no-stdlib", "-no-reflect", "-Werror", "-Xsuppress-deprecated-jvm-target-warning")


class CompilationError(Exception):
    """The sources can't be compiled; the message is the compiler's."""


@dataclass(frozen=True)
class Build:
    """The compiled classes: the library's, those of the tests, and those that stand for Android's libraries."""

    main: Path
    test: Path
    stubs: Path
    parts: Parts

    @property
    def run_time(self) -> tuple[Path, ...]:
        """The class path of the tests. ONNX Runtime for the JVM is older than the one that is compiled against."""
        parts = self.parts
        return (
            self.main, self.test, self.stubs, parts.jvm_engine, parts.compiler / "kotlin-stdlib.jar", *parts.testing
        )  # fmt: skip

    def java(self, main_class: str, arguments: Sequence[str], *, options: Sequence[str] = ()) -> int:
        """Run a class of the build; returns its exit code."""
        return subprocess.run(self.command(main_class, arguments, options=options), check=False).returncode

    def command(self, main_class: str, arguments: Sequence[str], *, options: Sequence[str] = ()) -> list[str]:
        """The command line that runs a class of the build; `options` are those of the JVM."""
        java = str(self.parts.java_home / "bin" / "java")
        return [java, *options, "-cp", joined(self.run_time), main_class, *arguments]

    def test_classes(self) -> list[str]:
        """The names of the classes with tests, in order: those whose names end with "Test"."""
        files = sorted(self.test.rglob("*Test.class"))
        return [".".join(file.relative_to(self.test).with_suffix("").parts) for file in files]


def build(parts: Parts, *, tests: bool = True, only: Sequence[str] = ()) -> Build:
    """Compile what has changed since the last time.

    Args:
        parts: the compiler and the libraries.
        tests: compile the tests too.
        only: compile only the sources whose path below the folder of their kind begins with one of these, such as
            "albert/runtime/json"; nothing for all.

    Raises:
        CompilationError: the sources have errors or warnings.
        MissingPartError: a part is not there and can't be fetched.
    """
    source = LIBRARY / "src"
    kotlin = parts.compiler / "kotlin-stdlib.jar"
    stubs = _compiled(parts, "stubs", sorted((source / "stubs" / "java").rglob("*.java")), [])
    libraries = [kotlin, parts.android_engine, stubs]
    main = _compiled(parts, "main", _sources(source / "main" / "kotlin", only), libraries)
    test = parts.folder / "no-tests"
    if tests:
        sources = _sources(source / "test" / "kotlin", only)
        test = _compiled(parts, "test", sources, [main, *libraries, *parts.testing], friend=main)
    return Build(main, test, stubs, parts)


def joined(path: Iterable[Path]) -> str:
    """A class path."""
    return os.pathsep.join(map(str, path))


def _sources(folder: Path, only: Sequence[str]) -> list[Path]:
    files = sorted(folder.rglob("*.kt"))
    return [file for file in files if not only or str(file.relative_to(folder).as_posix()).startswith(tuple(only))]


def _compiled(
    parts: Parts, kind: str, sources: Sequence[Path], libraries: Sequence[Path], friend: Path | None = None
) -> Path:
    """The folder with the classes of `sources`; `friend` are classes whose internal names may be used."""
    digest = hashlib.sha256(repr((_OPTIONS, [str(one) for one in libraries])).encode())
    for file in sources:
        digest.update(f"\0{file.relative_to(LIBRARY)}\0".encode() + file.read_bytes())
    target = parts.folder / f"{kind}-{digest.hexdigest()[:16]}"
    parts.folder.mkdir(parents=True, exist_ok=True)
    # Of several processes, such as workers of pytest, one compiles and the others wait.
    with FileLock(parts.folder / f"{target.name}.lock"):
        if not target.is_dir():
            _compile(parts, kind, sources, libraries, friend, target)
    return target


def _compile(
    parts: Parts, kind: str, sources: Sequence[Path], libraries: Sequence[Path], friend: Path | None, target: Path
) -> None:
    temporary = Path(tempfile.mkdtemp(dir=parts.folder))
    try:
        if sources:
            command = _command(parts, kind, sources, libraries, friend, temporary)
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            if answer.returncode:
                raise CompilationError((answer.stderr + answer.stdout).strip())
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _command(
    parts: Parts, kind: str, sources: Sequence[Path], libraries: Sequence[Path], friend: Path | None, target: Path
) -> list[str]:
    programs = parts.java_home / "bin"
    path = ["-cp", joined(libraries)] if libraries else []
    if kind == "stubs":
        return [
            str(programs / "javac"),
            "-nowarn",
            "--release",
            "8",
            "-Xlint:-options",
            "-d",
            str(target),
            *path,
            *map(str, sources),
        ]
    friends = [] if friend is None else [f"-Xfriend-paths={friend}"]
    compiler = joined(sorted(parts.compiler.glob("*.jar")))
    java = [str(programs / "java"), "-Xmx1g", "-cp", compiler, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"]
    return [*java, *_OPTIONS, "-module-name", "albert-runtime", *friends, *path, "-d", str(target), *map(str, sources)]
