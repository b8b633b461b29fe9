"""The wheels hold the packages and nothing else; the source archives hold all that is needed to build and test them."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from albert_runtime._version import __version__
from tests.virtual_environment import ROOT, build

pytestmark = pytest.mark.slow

#: distribution -> the folders of the packages in its wheel
PACKAGES = {
    "albert_export": ("albert_export", "converters/albert_converters", "runtime/albert_runtime"),
    "albert_runtime": ("runtime/albert_runtime",),
}


def wheel_files(folder: Path, name: str) -> dict[str, bytes]:
    """Path in the wheel -> content. The version of the file's name is the one of the package."""
    with zipfile.ZipFile(folder / f"{name}-{__version__}-py3-none-any.whl") as wheel:
        return {file: wheel.read(file) for file in wheel.namelist()}


def archive_files(folder: Path, name: str) -> set[str]:
    """The paths in the source archive, below its only folder."""
    top = f"{name}-{__version__}/"
    with tarfile.open(folder / f"{name}-{__version__}.tar.gz") as archive:
        names = archive.getnames()
    assert [file for file in names if not file.startswith(top)] == []
    return {file.removeprefix(top) for file in names}


def sources(folder: str) -> set[str]:
    """The files of the package in `folder`, by their paths in a wheel."""
    package = ROOT / folder
    files = (file.relative_to(package.parent) for file in package.rglob("*") if file.is_file())
    return {file.as_posix() for file in files if "__pycache__" not in file.parts}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_holds_its_packages_alone(name: str, distributions: Path) -> None:
    files = set(wheel_files(distributions, name))
    expected = set.union(*map(sources, PACKAGES[name]))
    metadata = {file for file in files if file.startswith(f"{name}-{__version__}.dist-info/")}
    assert files - metadata == expected
    assert {f"{Path(folder).name}/py.typed" for folder in PACKAGES[name]} <= expected


def test_the_data_is_in_the_wheel(distributions: Path) -> None:
    files = wheel_files(distributions, "albert_export")
    assert files["albert_export/samples/samples.txt"]
    assert files["albert_export/samples/corpus.txt"]
    assert files["albert_export/samples/corpora/ja.txt"]
    assert b"MIT licence" in files["albert_export/samples/corpora/README.md"]
    assert sum(file.endswith("/model.safetensors") for file in files) == 7


@pytest.mark.skipif(shutil.which("npm") is None, reason="the page is built with npm: install Node 20 or newer")
def test_the_page_is_in_the_wheel(distributions: Path) -> None:
    files = wheel_files(distributions, "albert_export")
    page = {file.removeprefix("albert_export/web/assets/") for file in files if "/web/assets/" in file}
    assert {"index.html", "page.js", "worker.js", "sw.js", "style.css", "engine/LICENSE"} <= page
    assert files["albert_export/web/assets/engine/ort-wasm-simd-threaded.wasm"].startswith(b"\0asm")
    assert [file for file in files if "node_modules" in file or file.endswith(".ts")] == []


@pytest.mark.parametrize(("name", "folder"), [("albert_export", ROOT), ("albert_runtime", ROOT / "runtime")])
def test_a_wheel_describes_itself(name: str, folder: Path, distributions: Path) -> None:
    files = wheel_files(distributions, name)
    home = f"{name}-{__version__}.dist-info"
    metadata = files[f"{home}/METADATA"].decode()
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "\nDescription-Content-Type: text/markdown\n" in metadata
    assert metadata.endswith((folder / "README.md").read_text(encoding="utf-8"))
    assert files[f"{home}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_only_albert_export_has_a_command(distributions: Path) -> None:
    home = f"-{__version__}.dist-info/entry_points.txt"
    scripts = wheel_files(distributions, "albert_export")[f"albert_export{home}"].decode()
    assert scripts.split() == ["[console_scripts]", "albert-export", "=", "albert_export.__main__:main"]
    assert f"albert_runtime{home}" not in wheel_files(distributions, "albert_runtime")


def test_source_archives_hold_what_a_build_and_a_test_need(distributions: Path) -> None:
    files = archive_files(distributions, "albert_export")
    packages = {str(Path(folder).parent / file) for folder in PACKAGES["albert_export"] for file in sources(folder)}
    assert packages <= files
    needed = {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "hatch_build.py"}
    assert needed | {"constraints.txt", "runtime/pyproject.toml", "tests/conftest.py", "tools/show_demo.py"} <= files
    assert not {file.split("/")[0] for file in files} & {".ci", ".venv", "out", "dist", "shared"}

    runtime = archive_files(distributions, "albert_runtime")
    assert sources("runtime/albert_runtime") | {"LICENSE", "README.md", "pyproject.toml"} <= runtime
    assert {file.split("/")[0] for file in runtime} <= {
        *("albert_runtime", "LICENSE", "README.md", "pyproject.toml", "PKG-INFO", ".gitignore")
    }


@pytest.mark.parametrize(("name", "folder"), [("albert_export", ROOT), ("albert_runtime", ROOT / "runtime")])
def test_a_source_archive_builds_the_wheel_of_the_sources(
    name: str, folder: Path, distributions: Path, tmp_path: Path
) -> None:
    """`build` makes each wheel in `distributions` from the source archive; here one is built from the checkout."""
    build(folder, tmp_path, "--wheel")
    assert wheel_files(tmp_path, name) == wheel_files(distributions, name)
