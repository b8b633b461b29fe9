"""The page without a connection, after an update, in two tabs, and where the browser stores nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from albert_export.web.site import write_site
from tests.albert_export.web.conftest import SiteOf, Visit
from tests.conftest import INSECURE_HOST, DemoBundleOf

pytestmark = pytest.mark.browser

Serve = Callable[..., Any]
OpenVisit = Callable[..., Visit]

_CACHES = "async () => (await caches.keys()).filter(name => name.startsWith('albert-site '))"


@pytest.fixture
def site(site_of: SiteOf) -> Path:
    return site_of("question-answering", "int8")


def ask(visit: Visit, question: str) -> str:
    """Type a question and return the answer."""
    seen = visit.answers()
    visit.page.fill("textarea >> nth=0", question)
    visit.wait_for_answer(more_than=seen)
    return str(visit.page.inner_text(".headline"))


def test_it_works_after_the_server_stopped(site: Path, serve: Serve, visit: OpenVisit) -> None:
    server, opened = serve(site), visit()
    opened.page.goto(server.address)
    assert "works without a connection" in opened.wait_until_stored()
    first = opened.page.inner_text(".headline")
    server.stop()
    opened.page.reload()
    opened.wait_for_answer()
    assert opened.page.inner_text(".headline") == first
    assert ask(opened, "Who is a pilot?").startswith("Hugo")
    assert opened.complaints == []


def test_the_second_visit_fetches_no_large_file_and_may_use_threads(site: Path, serve: Serve, visit: OpenVisit) -> None:
    server, opened = serve(site), visit()
    opened.page.goto(server.address)
    opened.wait_until_stored()
    first = opened.page.inner_text(".headline")
    assert server.paths.count("/bundle/model.onnx") == 1
    opened.page.reload()
    opened.wait_for_answer()
    assert server.paths.count("/bundle/model.onnx") == 1
    assert server.paths.count("/engine/ort-wasm-simd-threaded.wasm") == 1
    assert opened.page.evaluate("crossOriginIsolated") is True
    assert opened.page.inner_text(".headline") == first
    assert opened.complaints == []


def test_an_update_appears_at_once_and_removes_the_old_files(
    demo_bundle_of: DemoBundleOf, page_built: Path, tmp_path: Path, serve: Serve, visit: OpenVisit
) -> None:
    bundle = demo_bundle_of("onnx", "question-answering", "int8")
    write_site(bundle, tmp_path / "site", title="First")
    server, opened = serve(tmp_path / "site"), visit()
    opened.page.goto(server.address)
    opened.wait_until_stored()
    (first,) = opened.page.evaluate(_CACHES)

    shutil.rmtree(tmp_path / "site")
    write_site(bundle, tmp_path / "site", title="Second")
    opened.page.reload()
    opened.wait_until_stored()
    assert opened.page.inner_text("h1") == "Second"
    (second,) = opened.page.evaluate(_CACHES)
    assert second != first
    assert second.split(" ")[:2] == first.split(" ")[:2] == ["albert-site", "/"]

    server.stop()
    opened.page.reload()
    opened.wait_for_answer()
    assert opened.page.inner_text("h1") == "Second"
    assert opened.complaints == []


def test_sites_below_one_address_keep_to_themselves(
    site_of: SiteOf, tmp_path: Path, serve: Serve, visit: OpenVisit
) -> None:
    for name, task in (("a", "question-answering"), ("a/b", "fill-mask")):
        shutil.copytree(site_of(task, "int8"), tmp_path / name, dirs_exist_ok=True)
    server, opened = serve(tmp_path), visit()
    for name in ("a/", "a/b/"):
        opened.page.goto(server.address + name)
        opened.wait_until_stored()
    assert len(opened.page.evaluate(_CACHES)) == 2
    server.stop()
    for name, label in (("a/", "Question"), ("a/b/", "Text with [MASK]")):
        opened.page.goto(server.address + name)
        opened.wait_for_answer()
        assert opened.page.inner_text("label >> nth=0") == label
    assert opened.complaints == []


def test_two_tabs(site: Path, serve: Serve, visit: OpenVisit) -> None:
    server, opened = serve(site), visit()
    tabs = [opened.page, opened.tab()]
    for tab in tabs:
        tab.goto(server.address, wait_until="commit")
    for tab in tabs:
        opened.wait_for_answer(tab)
        assert "works without a connection" in opened.wait_until_stored(tab)
    assert tabs[0].inner_text(".headline") == tabs[1].inner_text(".headline")
    assert len(opened.page.evaluate(_CACHES)) == 1
    assert opened.complaints == []


def test_without_a_secure_context_it_answers_and_says_so(site: Path, serve: Serve, visit: OpenVisit) -> None:
    server, opened = serve(site), visit()
    opened.page.goto(f"http://{INSECURE_HOST}:{server.port}/")
    opened.wait_for_answer()
    assert opened.page.evaluate("isSecureContext") is False
    assert "Works only while the server can be reached: this address is not secure" in opened.wait_until_stored()
    assert opened.page.inner_text(".headline") != ""
    assert opened.complaints == []


def test_a_service_worker_that_cannot_register(site: Path, serve: Serve, visit: OpenVisit) -> None:
    opened = visit()
    opened.context.add_init_script(
        "ServiceWorkerContainer.prototype.register = () => Promise.reject(new Error('The operation is insecure.'))"
    )
    opened.page.goto(serve(site).address)
    opened.wait_for_answer()
    assert "server can be reached: The operation is insecure." in opened.wait_until_stored()


def test_a_damaged_stored_file_is_fetched_again(site: Path, serve: Serve, visit: OpenVisit) -> None:
    server, opened = serve(site), visit()
    opened.page.goto(server.address)
    opened.wait_until_stored()
    opened.page.evaluate(
        """async () => {
             const cache = await caches.open((await caches.keys())[0]);
             for (const request of await cache.keys())
               if (request.url.includes("model.onnx")) await cache.put(request, new Response("damaged"));
           }"""
    )
    opened.page.reload()
    opened.wait_for_answer()
    assert server.paths.count("/bundle/model.onnx") == 2
    assert opened.complaints == []
