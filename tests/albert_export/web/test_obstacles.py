"""What the page says where it can't work: each message names the reason and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from albert_export.web.site import SITE
from tests.albert_export.web.conftest import SiteOf, Visit

pytestmark = pytest.mark.browser

Serve = Callable[..., Any]
OpenVisit = Callable[..., Visit]


@pytest.fixture
def site(site_of: SiteOf, tmp_path: Path) -> Path:
    """A copy of a site, to be damaged."""
    return Path(shutil.copytree(site_of("text-classification", "int8"), tmp_path / "my site"))


def test_a_page_from_a_file_says_to_serve_it(site: Path, visit: OpenVisit) -> None:
    opened = visit()
    opened.page.goto((site / "index.html").as_uri())
    said = opened.problem()
    assert "opened from a file" in said
    assert f"python -m http.server --directory '{site}'" in said


def test_a_browser_without_simd(site: Path, serve: Serve, visit: OpenVisit) -> None:
    opened = visit()
    opened.context.add_init_script("WebAssembly.validate = () => false")
    opened.page.goto(serve(site).address)
    assert "WebAssembly without SIMD" in opened.problem()
    assert opened.complaints == []


def test_a_browser_without_webassembly(site: Path, serve: Serve, visit: OpenVisit) -> None:
    opened = visit()
    opened.context.add_init_script("delete globalThis.WebAssembly")
    opened.page.goto(serve(site).address)
    assert "has no WebAssembly" in opened.problem()


@pytest.mark.parametrize(
    "name", ["bundle/model.onnx", "bundle/spiece.model", "bundle/manifest.json", "engine/ort-wasm-simd-threaded.wasm"]
)
def test_a_damaged_file_is_named(name: str, site: Path, serve: Serve, visit: OpenVisit) -> None:
    content = bytearray((site / name).read_bytes())
    content[len(content) // 2] ^= 1
    (site / name).write_bytes(content)
    opened = visit()
    opened.page.goto(serve(site).address)
    said = opened.problem()
    assert f"{name} is damaged: its SHA-256" in said
    assert "copy the site's folder to the server again" in said


def test_a_file_that_was_cut_off_is_named(site: Path, serve: Serve, visit: OpenVisit) -> None:
    content = (site / "bundle" / "model.onnx").read_bytes()
    (site / "bundle" / "model.onnx").write_bytes(content[:1000])
    opened = visit()
    opened.page.goto(serve(site).address)
    assert f"bundle/model.onnx is damaged: it has 1000 of {len(content)} bytes" in opened.problem()


@pytest.mark.parametrize("name", ["bundle/model.onnx", "bundle/config.json", SITE.marker, "worker.js"])
def test_a_missing_file_is_named(name: str, site: Path, serve: Serve, visit: OpenVisit) -> None:
    (site / name).unlink()
    opened = visit()
    opened.page.goto(serve(site).address)
    said = opened.problem()
    assert name in said
    assert "copy the site's folder to the server again" in said


def test_too_little_memory(site: Path, serve: Serve, visit: OpenVisit) -> None:
    """The list of files says that the model is as large as no memory is."""
    record = json.loads((site / SITE.marker).read_text(encoding="utf-8"))
    record["bundleFiles"][-1]["bytes"] = 2**52
    (site / SITE.marker).write_text(json.dumps(record), encoding="utf-8")
    opened = visit()
    opened.page.goto(serve(site).address)
    said = opened.problem()
    assert "too little memory" in said
    assert "int8, or int4" in said


def test_newer_input_cancels_an_answer(site_of: SiteOf, serve: Serve, visit: OpenVisit) -> None:
    opened = visit()
    opened.context.add_init_script(
        """globalThis.replies = [];
           const Plain = Worker;
           globalThis.Worker = class extends Plain {
             constructor(...options) {
               super(...options);
               this.addEventListener("message", (event) => replies.push(event.data.type));
             }
           };"""
    )
    opened.page.goto(serve(site_of("question-answering", "int8")).address)
    opened.wait_for_answer()
    opened.page.fill("textarea >> nth=1", "Clara lives in Porto. " * 4000)
    opened.page.keyboard.press("Control+Enter")
    opened.page.wait_for_selector("#result[aria-busy=true]")
    opened.page.fill("textarea >> nth=1", "Clara lives in Rome.")
    opened.page.fill("textarea >> nth=0", "Where does Clara live?")
    opened.page.keyboard.press("Control+Enter")
    opened.page.wait_for_selector("#result[aria-busy=false]", timeout=60_000)
    assert opened.page.inner_text(".passage") == "Clara lives in Rome."
    replies = opened.page.evaluate("replies")
    assert "cancelled" in replies
    assert replies.count("answer") == 2
