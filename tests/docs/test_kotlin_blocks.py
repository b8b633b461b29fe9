"""Every block of Kotlin on the pages about Android compiles against the library."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, Block, blocks_of
from tests.examples.android_app import SOURCES, STAND_INS, compile_kotlin
from tools.kotlin_jvm.build import Build, build
from tools.kotlin_jvm.parts import Parts

#: the pages; blocks of Gradle's files have a title, and are read by tests/examples/test_gradle_files.py
_PAGES = ("docs/android.md", "runtime/android/README.md")
#: what the blocks assume
_IMPORTS = """
import albert.example.bundle
import albert.example.logic.InstalledBundle
import albert.runtime.*
import albert.runtime.bundle.*
import albert.runtime.engines.*
import albert.runtime.sessions.*
import android.content.res.AssetManager
import java.io.File
import java.io.InputStream
import kotlinx.coroutines.*
"""
_PARAMETERS = "assets: AssetManager, download: InputStream, question: String, context: String"


def _kotlin(page: str) -> list[Block]:
    return [block for block in blocks_of(page) if block.language == "kotlin" and not block.title]


@pytest.mark.jvm
@pytest.mark.slow
def test_the_blocks_compile(tmp_path: Path) -> None:
    if reason := Parts().missing():
        pytest.skip(reason)
    library: Build = build(Parts(), tests=False)
    sources = [SOURCES / "albert/example/AssetBundle.kt", SOURCES / "albert/example/logic/InstalledBundle.kt"]
    for page in _PAGES:
        blocks = _kotlin(page)
        assert blocks, page
        body = "\n".join(block.text for block in blocks)
        file = tmp_path / f"{Path(page).stem}.kt"
        package = f"package page.{Path(page).stem.lower()}\n"
        unused = '@Suppress("UNUSED_VARIABLE", "UNUSED_PARAMETER")\n'
        file.write_text(
            f"{package}{_IMPORTS}\n{unused}suspend fun page({_PARAMETERS}) {{\n{body}\n}}\n", encoding="utf-8"
        )
        sources.append(file)
    stand_ins = [STAND_INS / "Android.kt"]
    assert compile_kotlin(library, [*sources, *stand_ins], tmp_path / "classes") == ""


def test_kotlin_stands_only_on_these_pages() -> None:
    assert {page for page in PAGES if _kotlin(page)} <= set(_PAGES)
