"""The example app for Android: its logic runs on the JVM with the real library, the rest is compiled against stand-ins.

The stand-ins have the types of Android's classes and no behaviour. So these tests show that the screens fit together,
not what they look like.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import DemoBundleOf
from tests.examples.android_app import (
    APP,
    STAND_INS,
    TESTS,
    android_sources,
    compile_kotlin,
    logic_sources,
    resource_class,
    run_tests,
    strings_defined,
    strings_used,
)
from tools.kotlin_jvm.build import Build, build
from tools.kotlin_jvm.parts import Parts


@pytest.fixture(scope="module")
def library() -> Build:
    """The compiled library."""
    if reason := Parts().missing():
        pytest.skip(reason)
    return build(Parts(), tests=False)


@pytest.mark.jvm
@pytest.mark.slow
def test_the_logic_answers_with_the_demo_bundles(library: Build, demo_bundle_of: DemoBundleOf, tmp_path: Path) -> None:
    bundles = tmp_path / "bundles"
    shutil.copytree(demo_bundle_of("onnx", "question-answering", "int8"), bundles / "qa")
    shutil.copytree(demo_bundle_of("onnx", "text-classification", "int8"), bundles / "cls")
    sources = [*logic_sources(), *sorted(TESTS.rglob("*.kt"))]
    assert compile_kotlin(library, sources, tmp_path / "classes", library.parts.testing) == ""
    done = run_tests(library, tmp_path / "classes", bundles)
    assert re.search(r"^OK \(11 tests\)$", done.stdout, re.MULTILINE), done.stdout + done.stderr


@pytest.mark.jvm
@pytest.mark.slow
def test_the_screens_compile_against_stand_ins(library: Build, tmp_path: Path) -> None:
    (tmp_path / "R.kt").write_text(resource_class(), encoding="utf-8")
    sources = [*logic_sources(), *android_sources(), *sorted(STAND_INS.glob("*.kt")), tmp_path / "R.kt"]
    assert compile_kotlin(library, sources, tmp_path / "classes") == ""


@pytest.mark.jvm
@pytest.mark.slow
def test_a_wrong_type_is_found(library: Build, tmp_path: Path) -> None:
    wrong = tmp_path / "Wrong.kt"
    wrong.write_text('val score: String = albert.runtime.Label("a", 1.0).score\n', encoding="utf-8")
    assert "mismatch" in compile_kotlin(library, [wrong], tmp_path / "classes")


@pytest.mark.jvm
@pytest.mark.slow
def test_only_a_planted_call_breaks_the_rules_of_compose(library: Build, tmp_path: Path) -> None:
    """The plugin can't translate the stand-ins; but it checks all sources before, and stops at the first errors."""
    (tmp_path / "R.kt").write_text(resource_class(), encoding="utf-8")
    planted = tmp_path / "Planted.kt"
    planted.write_text('fun notComposable() { androidx.compose.material3.Text("x") }\n', encoding="utf-8")
    sources = [*logic_sources(), *android_sources(), *sorted(STAND_INS.glob("*.kt")), tmp_path / "R.kt", planted]
    said = compile_kotlin(library, sources, tmp_path / "classes", compose=True)
    errors = [line for line in said.splitlines() if ": error: " in line]
    assert any("@Composable invocations can only happen" in line for line in errors), said
    assert [line for line in errors if planted.name not in line] == []


def test_the_logic_needs_nothing_of_android() -> None:
    files = [*logic_sources(), *TESTS.rglob("*.kt")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert len(files) > 6
    assert re.findall(r"import (?:android|androidx)\..*", text) == []


def test_every_text_is_used_and_defined() -> None:
    assert strings_used() == strings_defined()


def test_the_manifest_names_what_there_is() -> None:
    root = ElementTree.parse(APP / "src/main/AndroidManifest.xml").getroot()
    space = "{http://schemas.android.com/apk/res/android}"
    [activity] = [one.get(f"{space}name", "") for one in root.iter("activity")]
    assert f"albert.example{activity}" in {
        ".".join(file.relative_to(APP / "src/main/kotlin").with_suffix("").parts) for file in android_sources()
    }
    assert list(root.iter("uses-permission")) == []
    [application] = root.iter("application")
    style = (application.get(f"{space}theme") or "").removeprefix("@style/")
    for folder in ("values", "values-night"):
        styles = ElementTree.parse(APP / f"src/main/res/{folder}/themes.xml").getroot()
        assert [one.get("name") for one in styles] == [style]
    icon = (application.get(f"{space}icon") or "").removeprefix("@")
    assert (APP / "src/main/res" / f"{icon}.xml").is_file()
