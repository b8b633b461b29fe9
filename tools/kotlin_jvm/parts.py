"""The compiler and the libraries that the Kotlin library is built with: fetched once, checked, and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from tools.cache_folder import cache_folder as shared_cache_folder

_JDK = 17
#: where Debian's packages put their jars
_DEBIAN_JARS = Path("/usr/share/java")
_TESTING_JARS = ("junit4.jar", "hamcrest.jar")


class MissingPartError(Exception):
    """Something that the build needs is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class Package:
    """An archive of a package registry, which its own client fetches."""

    file: str
    sha256: str
    #: the command that writes `file` to the current folder
    command: tuple[str, ...]
    #: what has to be installed for it
    needs: str


_COMPILER = Package(
    "kotlin-compiler-2.4.20.tgz",
    "c23dab400d7ce5ea8b6c909947c0ca5454189e4bb1108695b5f464500e5e950f",
    ("npm", "pack", "--silent", "kotlin-compiler@2.4.20"),
    "npm (Debian: apt-get install npm)",
)
#: ONNX Runtime for Android, version 1.29: the API that the library is compiled against
_ANDROID_ENGINE = Package(
    "com.github.asus4.onnxruntime-0.4.9.tgz",
    "e59788788818fdde1b2e522e766a21ba0f7d8391de55737abf81e32cc801785d",
    ("npm", "pack", "--silent", "com.github.asus4.onnxruntime@0.4.9"),
    "npm (Debian: apt-get install npm)",
)
#: It holds a jar with ONNX Runtime for the JVM, version 1.17, which the tests run.
_JVM_ENGINE = Package(
    "pyserini-1.6.0.tar.gz",
    "e34761d700b33613c26bc61113effc6d65598dee6ada28a33214f79350f833f4",
    (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "pyserini==1.6.0"),
    "pip",
)


def cache_folder() -> Path:
    """The folder of everything that is fetched or compiled: $ALBERT_KOTLIN_CACHE, or one in the user's cache folder."""
    return shared_cache_folder("kotlin-jvm", "ALBERT_KOTLIN_CACHE")


class Parts:
    """The parts of the build; each is fetched when it is first asked for.

    Every property raises a MissingPartError if its part is not there and can't be fetched.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Keep the parts in `folder`; None for `cache_folder`."""
        self.folder = cache_folder() if folder is None else folder

    @cached_property
    def java_home(self) -> Path:
        """The folder of a JDK 17 or newer: $JAVA_HOME, or that of `javac` on the path."""
        given = os.environ.get("JAVA_HOME")
        found = shutil.which("javac") if given is None else str(Path(given) / "bin" / "javac")
        advice = f"install a JDK {_JDK} (Debian: apt-get install openjdk-{_JDK}-jdk-headless), or set JAVA_HOME to one"
        if found is None or not Path(found).is_file():
            raise MissingPartError(f"there is no javac{'' if given is None else f' in JAVA_HOME={given}'}; {advice}")
        answer = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)
        version = re.search(r"javac (?:1\.)?(\d+)", answer.stdout + answer.stderr)
        if version is None or int(version[1]) < _JDK:
            raise MissingPartError(f"{found} is {version[0] if version else 'no javac'}; {advice}")
        return Path(found).resolve().parent.parent

    @cached_property
    def compiler(self) -> Path:
        """The folder with kotlin-compiler.jar and kotlin-stdlib.jar."""
        return self._unpacked(_COMPILER, "kotlin-compiler", _jars_of_compiler) / "lib"

    @cached_property
    def android_engine(self) -> Path:
        """The classes of ONNX Runtime's Android library."""
        return self._unpacked(_ANDROID_ENGINE, "onnxruntime-android", _classes_of_aar) / "classes.jar"

    @cached_property
    def jvm_engine(self) -> Path:
        """The folder with the classes and the native libraries of ONNX Runtime for the JVM."""
        return self._unpacked(_JVM_ENGINE, "onnxruntime-jvm", _engine_of_jar)

    @cached_property
    def testing(self) -> tuple[Path, ...]:
        """JUnit 4 and Hamcrest."""
        jars = tuple(_DEBIAN_JARS / name for name in _TESTING_JARS)
        absent = [str(jar) for jar in jars if not jar.is_file()]
        if absent:
            raise MissingPartError(f"{', '.join(absent)} missing; install JUnit 4 (Debian: apt-get install junit4)")
        return jars

    def missing(self) -> str | None:
        """What keeps the tests from running, or None. Whatever is not there is fetched."""
        try:
            _ = (self.java_home, self.compiler, self.android_engine, self.jvm_engine, self.testing)
        except MissingPartError as error:
            return str(error)
        return None

    def _unpacked(self, package: Package, name: str, unpack: Callable[[Path, Path], None]) -> Path:
        """The folder with what `unpack` takes out of the archive of `package`."""
        target = self.folder / f"{name}-{package.sha256[:12]}"
        if target.is_dir():
            return target
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            archive = _fetch(package, Path(temporary))
            part = Path(temporary) / "part"
            part.mkdir()
            unpack(archive, part)
            try:
                part.rename(target)
            except OSError:
                if not target.is_dir():  # otherwise another process was faster
                    raise
        return target


def _fetch(package: Package, folder: Path) -> Path:
    if package.command[0] != sys.executable and shutil.which(package.command[0]) is None:
        raise MissingPartError(f"{package.file} can't be fetched: install {package.needs}")
    answer = subprocess.run(package.command, cwd=folder, capture_output=True, text=True, check=False)
    file = folder / package.file
    if answer.returncode or not file.is_file():
        lines = answer.stderr.strip().splitlines() or ["it says nothing"]
        raise MissingPartError(f"{package.file} can't be fetched by `{' '.join(package.command)}`: {lines[-1]}")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != package.sha256:
        raise MissingPartError(f"{package.file} has the SHA-256 {found}, and must have {package.sha256}")
    return file


def _jars_of_compiler(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        _copy(tar, [one for one in tar if one.name.endswith(".jar")], folder / "lib")


def _classes_of_aar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        _copy(tar, [one for one in tar if one.name.endswith("Plugins/Android/onnxruntime.aar")], folder)
    with zipfile.ZipFile(folder / "onnxruntime.aar") as aar:
        aar.extract("classes.jar", folder)


def _engine_of_jar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        _copy(tar, [one for one in tar if re.search(r"anserini-.*-fatjar\.jar$", one.name)], folder)
    [jar] = folder.glob("*.jar")
    with zipfile.ZipFile(jar) as content:
        wanted = [name for name in content.namelist() if name.startswith("ai/onnxruntime/")]
        content.extractall(folder, [name for name in wanted if "/native/" not in name or "/native/linux-" in name])
    jar.unlink()


def _copy(tar: tarfile.TarFile, members: Sequence[tarfile.TarInfo], folder: Path) -> None:
    """Copy files of an archive to `folder` by their last names."""
    folder.mkdir(parents=True, exist_ok=True)
    for member in members:
        stream = tar.extractfile(member)
        if stream is not None:
            with stream, (folder / PurePosixPath(member.name).name).open("wb") as target:
                shutil.copyfileobj(stream, target)
