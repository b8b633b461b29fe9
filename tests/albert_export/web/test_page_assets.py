"""The built page: taken from a wheel, built in a checkout, and what is said where it can't be built."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from albert_export.cli.main import main
from albert_export.web import page_assets as module
from albert_export.web.page_assets import PageBuildError, page_assets, sources_hash
from tests.runtime.tiny_bundle import make_bundle


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A JavaScript package in a folder of the test, with a build that copies a file, and no built page yet."""
    package = tmp_path / "js"
    for name in ("page/page.ts", "src/index.ts", "package.json", "package-lock.json"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    monkeypatch.setattr(module, "JAVASCRIPT", package)
    monkeypatch.setattr(module, "ASSETS", tmp_path / "assets")
    return package


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that would have run; the build writes `page.js`."""
    run: list[str] = []

    def pretend(program: str, *arguments: str) -> str:
        run.append(f"{program} {arguments[0]}")
        if arguments[0].endswith("build.mjs"):
            Path(arguments[1]).mkdir()
            (Path(arguments[1]) / "page.js").write_text("built")
        return "v20.1.0\n"

    monkeypatch.setattr(module, "_run", pretend)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return run


def built(commands: list[str]) -> int:
    return sum("build.mjs" in command for command in commands)


def test_a_checkout_builds_when_its_sources_change(checkout: Path, commands: list[str]) -> None:
    assert (page_assets() / "page.js").read_text() == "built"
    assert any(command == "npm ci" for command in commands)
    assert built(commands) == 1
    page_assets()
    assert built(commands) == 1
    (checkout / "page" / "page.ts").write_text("changed")
    page_assets()
    assert built(commands) == 2
    assert [path.name for path in checkout.parent.iterdir() if path.name.startswith(".")] == []


def test_the_hash_tells_names_and_contents(checkout: Path) -> None:
    first = sources_hash()
    (checkout / "page" / "page.ts").rename(checkout / "page" / "other.ts")
    second = sources_hash()
    (checkout / "src" / "index.ts").write_text("")
    assert len({first, second, sources_hash()}) == 3


def test_a_wheel_has_the_page_and_no_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JAVASCRIPT", tmp_path / "none")
    monkeypatch.setattr(module, "ASSETS", tmp_path / "assets")
    with pytest.raises(PageBuildError, match="lacks the page"):
        page_assets()
    (tmp_path / "assets").mkdir()
    assert page_assets() == tmp_path / "assets"


@pytest.mark.usefixtures("checkout")
def test_missing_npm_is_exit_code_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/node" if name == "node" else None)
    bundle = make_bundle(tmp_path / "bundle", "fill-mask")
    assert main(["web", str(bundle), "--output", str(tmp_path / "site")]) == 4
    assert "building the page needs npm; install Node 20" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


@pytest.mark.usefixtures("checkout")
def test_old_node_is_named(commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_run", lambda *_arguments: "v16.20.0\n")
    with pytest.raises(PageBuildError, match=r"needs Node 20, and this is v16\.20\.0"):
        page_assets()
    assert commands == []


@pytest.mark.usefixtures("checkout")
def test_a_failed_build_shows_its_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "line 1\nno network\n")

    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(PageBuildError, match=r"`node --version` failed in .*\n.*\nno network"):
        page_assets()
    assert not (tmp_path / "assets").exists()
