"""What can be said about the Gradle files without Gradle: their versions agree, and what they name exists."""

from __future__ import annotations

import re
import sys

import pytest

import albert_runtime
from tests.docs.blocks import ROOT

if sys.version_info < (3, 11):
    pytest.skip("tomllib needs Python 3.11 or newer", allow_module_level=True)
import tomllib

LIBRARY = ROOT / "runtime" / "android"
EXAMPLE = ROOT / "examples" / "android"
CATALOG = tomllib.loads((LIBRARY / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))
SCRIPTS = sorted([*LIBRARY.glob("*.kts"), *LIBRARY.glob("*/*.kts"), *EXAMPLE.glob("*.kts"), *EXAMPLE.glob("*/*.kts")])
PAGES = ("docs/android.md", "runtime/android/README.md", "examples/android/README.md")


def _scripts() -> str:
    return "".join(file.read_text(encoding="utf-8") for file in SCRIPTS)


def test_every_entry_of_the_catalog_is_used_and_every_use_has_an_entry() -> None:
    defined = {name.replace("-", ".") for name in CATALOG["libraries"]}
    defined |= {f"plugins.{name.replace('-', '.')}" for name in CATALOG["plugins"]}
    used = set(re.findall(r"\(libs\.((?!versions)[\w.]+)\)", _scripts()))
    assert len(SCRIPTS) == 6
    assert used == defined


def test_every_version_is_used() -> None:
    refers = [
        one["version"]["ref"] for kind in ("libraries", "plugins") for one in CATALOG[kind].values() if "version" in one
    ]
    direct = re.findall(r"libs\.versions\.(\w+)\.get", _scripts())
    assert {*refers, *direct} == set(CATALOG["versions"])
    assert all(re.fullmatch(r"[\d.]+", version) for version in CATALOG["versions"].values())


def test_the_library_has_the_version_of_the_python_package() -> None:
    version = albert_runtime.__version__
    build = (LIBRARY / "albert-runtime" / "build.gradle.kts").read_text(encoding="utf-8")
    assert f'group = "albert.runtime"\nversion = "{version}"' in build
    for text in [_scripts(), *((ROOT / page).read_text(encoding="utf-8") for page in PAGES)]:
        assert set(re.findall(r"albert\.runtime:albert-runtime:([\d.]+)", text)) <= {version}


def test_the_scripts_name_no_server_and_no_version_of_their_own() -> None:
    assert re.findall(r"https?://|maven\s*\{", _scripts()) == []
    own = [line for line in _scripts().splitlines() if re.search(r":\d+\.\d+", line)]
    assert [line for line in own if "albert.runtime:albert-runtime:" not in line] == []


def test_what_the_scripts_name_exists() -> None:
    assert (LIBRARY / "albert-runtime" / "consumer-rules.pro").is_file()
    for project, module in ((LIBRARY, "albert-runtime"), (EXAMPLE, "app")):
        settings = (project / "settings.gradle.kts").read_text(encoding="utf-8")
        assert re.findall(r'include\(":(.+)"\)', settings) == [module]
        for folder in ("main/kotlin", "test/kotlin"):
            assert list((project / module / "src" / folder).rglob("*.kt"))
        assert (project / module / "src" / "main" / "AndroidManifest.xml").is_file()
        for kind, path in re.findall(r'(files|includeBuild)\("(.+?)"\)', settings):
            assert (project / path).exists(), kind
    assert list((LIBRARY / "albert-runtime" / "src" / "stubs" / "java").rglob("*.java"))


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_the_versions_of_the_catalog(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    versions = CATALOG["versions"]
    modules = {
        one["module"]: versions[one["version"]["ref"]] for one in CATALOG["libraries"].values() if "version" in one
    }
    for module, version in re.findall(r"([\w.-]+:[\w-]+):(\d[\d.]*\d)", text):
        if not module.startswith("albert.runtime:"):
            assert modules.get(module) == version
    assert set(re.findall(r"Gradle (\d[\d.]*\d)", text)) == {versions["gradle"]}
    assert set(re.findall(r"API level (\d+)", text)) <= {versions["minSdk"], "26", "33"}
