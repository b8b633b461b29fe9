"""What the tests of the page share: the built page, a web server that can be stopped, and headless Chromium."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from albert_export.web.page_assets import ASSETS, PageBuildError, page_assets
from albert_export.web.site import write_site
from tests.conftest import BuiltOnce, DemoBundleOf

SiteOf = Callable[[str, str], Path]


class Server:
    """A web server for a folder, on a port of its own; after `stop` nothing answers there."""

    def __init__(self, folder: Path, headers: dict[str, str] | None = None, port: int = 0) -> None:
        extra = headers or {}
        #: the path of every request, without its query
        self.paths: list[str] = []
        paths = self.paths

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                paths.append(self.path.partition("?")[0])
                super().do_GET()

            def end_headers(self) -> None:
                for name, value in extra.items():
                    self.send_header(name, value)
                super().end_headers()

        handler = functools.partial(Handler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.port = self._server.server_port
        #: its address for browsers; to them it is a secure one
        self.address = f"http://localhost:{self.port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """A function that serves a folder until the test ends."""
    servers: list[Server] = []

    def start(folder: Path, **options: Any) -> Server:
        servers.append(Server(folder, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def page_built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page. The tests that need it are skipped where it can't be built."""
    if shutil.which("npm") is None and not ASSETS.is_dir():
        pytest.skip("the page is built with npm: install Node 20 or newer")
    base = tmp_path_factory.getbasetemp()
    with FileLock((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "page.lock"):
        try:
            return page_assets()
        except PageBuildError as error:
            if "npm ci" in str(error) or "needs N" in str(error):
                pytest.skip(f"the page can't be built here: {error}")
            raise


@pytest.fixture(scope="session")
def site_of(built_once: BuiltOnce, demo_bundle_of: DemoBundleOf, page_built: Path) -> SiteOf:
    """A function of task and precision: the site of the demo's ONNX bundle, which tests share and must not change."""

    def make(task: str, precision: str) -> Path:
        bundle = demo_bundle_of("onnx", task, precision)
        return built_once(f"site-{task}-{precision}", lambda folder: write_site(bundle, folder))

    return make


class Visit:
    """A page in a browser context of its own, with everything that it logged."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(**options)
        #: errors and warnings of the console, and exceptions
        self.complaints: list[str] = []
        #: the address of every request
        self.requested: list[str] = []
        self.page = self.tab()

    def tab(self) -> Any:
        """Another tab of the same browser profile."""
        page = self.context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))
        return page

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def answers(self, page: Any = None) -> int:
        """How many answers the page has shown."""
        return int((page or self.page).get_attribute("#result", "data-answers") or 0)

    def wait_for_answer(self, page: Any = None, *, more_than: int = 0) -> None:
        """Wait until the page has shown more than so many answers."""
        (page or self.page).wait_for_function(
            "seen => Number(document.querySelector('#result').dataset.answers ?? 0) > seen",
            arg=more_than,
            timeout=60_000,
        )

    def wait_until_stored(self, page: Any = None) -> str:
        """Wait until the page says whether it is stored, and return what it says."""
        page = page or self.page
        page.wait_for_selector("#offline[data-state]", timeout=60_000)
        return str(page.inner_text("#offline"))

    def problem(self) -> str:
        """Wait for the message that says why the page does not work."""
        self.page.wait_for_selector("#problem:not([hidden])", timeout=60_000)
        return str(self.page.inner_text("#problem"))


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """A function that opens a page in a new browser context; its options are those of Playwright's `new_context`."""
    visits: list[Visit] = []

    def start(**options: Any) -> Visit:
        visits.append(Visit(browser, **options))
        return visits[-1]

    yield start
    for one in visits:
        one.context.close()
