"""The built distributions, and environments with one extra of theirs alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import BuiltOnce
from tests.linked_environment import linked_environment
from tests.virtual_environment import ROOT, build

#: wheel name, extra (or "" for none) -> the Python of the environment
PythonWith = Callable[[str, str], str]


@pytest.fixture(scope="session")
def distributions(built_once: BuiltOnce) -> Path:
    """A folder with the wheels and source archives of both packages, as `make dist` builds them."""

    def build_both(folder: Path) -> None:
        build(ROOT, folder)
        build(ROOT / "runtime", folder)

    return built_once("distributions", build_both)


@pytest.fixture(scope="session")
def python_with(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> PythonWith:
    """Make each environment once: it holds the wheel and what the wheel and the extra require, and nothing else."""
    made: dict[tuple[str, str], str] = {}

    def make(package: str, extra: str) -> str:
        if (package, extra) not in made:
            (wheel,) = distributions.glob(f"{package}-*.whl")
            folder = tmp_path_factory.mktemp(f"{package}-{extra}") / "venv"
            made[package, extra] = linked_environment(folder, wheel, (extra,) if extra else ())
        return made[package, extra]

    return make
