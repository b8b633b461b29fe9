"""Virtual environments that see only some of the packages installed here: as good as bare ones, made in a second."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections import defaultdict
from importlib import metadata
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def linked_environment(folder: Path, wheel: Path, extras: tuple[str, ...] = ()) -> str:
    """Make an environment that holds `wheel` and what it requires, linked from this environment.

    pip installs the wheel alone. Of the packages installed here, the new environment then sees those that the wheel
    and the `extras` require, the packages that these require, and no others. Nothing is downloaded.

    Returns:
        The Python of the environment, beside which the scripts of the wheel are.

    Raises:
        AssertionError: a requirement is not installed here, or in another version than the wheel asks for.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (installed,) = metadata.distributions(path=[str(site_packages)])
    for distribution in _required(installed, extras):
        _link(distribution, site_packages)
    return str(python)


def _required(root: metadata.Distribution, extras: tuple[str, ...]) -> list[metadata.Distribution]:
    """The distributions that `root` with `extras` requires, directly or through others; each once."""
    found: dict[str, metadata.Distribution] = {}
    asked: set[tuple[str, str]] = set()
    waiting = [(root, extra) for extra in ("", *extras)]
    while waiting:
        distribution, extra = waiting.pop()
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(requirement.name)
            needed = _installed_here().get(name)
            assert needed, f"{distribution.name} requires {text}, which is not installed here"
            assert requirement.specifier.contains(needed.version, prereleases=True), (
                f"{distribution.name} requires {text}; {needed.version} is installed here"
            )
            found[name] = needed
            new = {(name, one) for one in ("", *requirement.extras)} - asked
            asked |= new
            waiting += [(needed, one) for _, one in new]
    return list(found.values())


@functools.cache
def _installed_here() -> dict[str, metadata.Distribution]:
    return {canonicalize_name(one.name): one for one in metadata.distributions()}


@functools.cache
def _owners() -> dict[PurePosixPath, set[str]]:
    """Path in site-packages -> the distributions that have files there or below."""
    owners: dict[PurePosixPath, set[str]] = defaultdict(set)
    for name, distribution in _installed_here().items():
        for file in distribution.files or ():
            for path in (file, *file.parents):
                owners[PurePosixPath(path)].add(name)
    return owners


def _link(distribution: metadata.Distribution, site_packages: Path) -> None:
    """Link the files of a distribution, whole folders where they belong to no other one."""
    name = canonicalize_name(distribution.name)
    for file in distribution.files or ():
        if ".." in file.parts:  # a script or a manual page, outside of site-packages
            continue
        above = [PurePosixPath(path) for path in (file, *file.parents)][-2::-1]
        path = next((one for one in above if _owners()[one] == {name}), above[-1])
        link = site_packages / path
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path(str(distribution.locate_file(path))))
