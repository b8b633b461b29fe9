"""An emulated ARM64 Linux with Python 3.11 and the packages that the thin wheel needs.

The system is Debian 12's, unpacked by debootstrap into a folder. Nothing is installed in it, and no privilege is needed
to run it: QEMU looks for every absolute path below that folder first. The packages are the wheels that pip would
install on the board. Both are kept in a cache folder, so that they are fetched once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tools.aarch64.boards import Board
from tools.cache_folder import cache_folder as shared_cache_folder

QEMU = "qemu-aarch64-static"
_DEBIAN = "bookworm"
_PYTHON = "3.11"
_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")
_CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


class PreparationError(Exception):
    """The emulated system can't be prepared; the message says why."""


def cache_folder() -> Path:
    """The folder of everything that is fetched: $ALBERT_AARCH64_CACHE, or one in the user's cache folder."""
    return shared_cache_folder("aarch64", "ALBERT_AARCH64_CACHE")


def missing() -> str:
    """Why nothing can be emulated here, and what to install; empty if it can."""
    lacking = [program for program in (QEMU, "debootstrap", "dpkg-deb") if shutil.which(program) is None]
    if lacking:
        return f"{', '.join(lacking)} not found: apt-get install qemu-user-static debootstrap (as root, on Debian)"
    if os.geteuid() != 0 and not (cache_folder() / "system").is_dir():
        return "debootstrap unpacks the emulated system, which only root may do"
    return ""


@dataclass(frozen=True)
class Emulator:
    """A prepared system, and the folder of its Python packages."""

    system: Path
    packages: Path

    @classmethod
    def prepare(cls, wheel: Path, extras: tuple[str, ...], folder: Path | None = None) -> Emulator:
        """Fetch the system and what `wheel` with `extras` requires, where the cache lacks them, and install the wheel.

        Args:
            wheel: the wheel of albert-runtime.
            extras: the extras to install, such as ("onnx", "litert").
            folder: where to keep everything; None means `cache_folder`.

        Raises:
            PreparationError: something can't be fetched.
        """
        folder = cache_folder() if folder is None else folder
        folder.mkdir(parents=True, exist_ok=True)
        system = folder / "system"
        digest = hashlib.sha256(repr(extras).encode() + wheel.read_bytes()).hexdigest()
        packages = folder / f"packages-{digest[:16]}"
        # Of several processes, such as workers of pytest, one prepares and the others wait.
        with FileLock(folder / "lock"):
            if not system.is_dir():
                _unpack_system(system)
            if not packages.is_dir():
                for older in folder.glob("packages*"):
                    shutil.rmtree(older)
                incomplete = folder / "packages.incomplete"
                _install_packages(wheel, extras, folder / "wheels", incomplete)
                incomplete.rename(packages)
        return cls(system, packages)

    def run(self, board: Board, script: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a Python script as on `board`. The script sees `packages` and the standard library, nothing else."""
        python = self.system / "usr" / "bin" / f"python{_PYTHON}"
        command = [QEMU, "-cpu", board.cpu, "-L", str(self.system), str(python), "-B", str(script), *arguments]
        environment = {"PYTHONPATH": str(self.packages), "PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}
        cpuinfo = self.system / "proc" / "cpuinfo"
        cpuinfo.parent.mkdir(exist_ok=True)
        # The system is that of one board at a time.
        with FileLock(self.system.with_name("lock")):
            cpuinfo.write_text(board.cpuinfo, encoding="utf-8")
            return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=environment)


def _unpack_system(system: Path) -> None:
    """Unpack Debian's base system and Python for ARM64 into the new folder `system`."""
    incomplete = system.with_name("system.incomplete")
    shutil.rmtree(incomplete, ignore_errors=True)
    options = ["--foreign", "--arch=arm64", "--variant=minbase", "--include=python3"]
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").is_file():
        options.append("--no-check-gpg")
    _do("debootstrap", *options, _DEBIAN, str(incomplete))
    # The second stage of debootstrap would run the packages' scripts under emulation; their files are enough.
    for package in sorted((incomplete / "var" / "cache" / "apt" / "archives").glob("*.deb")):
        _do("dpkg-deb", "--extract", str(package), str(incomplete))
    incomplete.rename(system)


def _install_packages(wheel: Path, extras: tuple[str, ...], cache: Path, packages: Path) -> None:
    """Install `wheel` and what it requires for the board into the folder `packages`; `cache` keeps the downloads."""
    platforms = [f"--platform={name}" for name in _PLATFORMS]
    target = [*platforms, f"--python-version={_PYTHON}", "--implementation=cp", "--only-binary=:all:", "--quiet"]
    requirement = f"{wheel}[{','.join(extras)}]"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    local = ["--no-index", f"--find-links={cache}"]
    install = ["install", *target, *local, f"--target={packages}", requirement]
    if subprocess.run([*pip, *install], capture_output=True, check=False).returncode == 0:
        return
    _do(*pip, "download", *target, f"--constraint={_CONSTRAINTS}", f"--dest={cache}", requirement)
    shutil.rmtree(packages, ignore_errors=True)
    _do(*pip, *install)


def _do(*command: str) -> None:
    """Run a command.

    Raises:
        PreparationError: it failed; the message has the last lines that it wrote.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
        raise PreparationError(f"{' '.join(command)}\nended with code {done.returncode}:\n{last}")
