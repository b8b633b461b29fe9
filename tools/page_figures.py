"""Measures the page of `albert-export web` in headless Chromium, and prints a row of docs/browser.md for each bundle.

    python -m tools.page_figures my-bundle-int8 my-bundle-fp32

Needs Playwright (`pip install playwright`) and Chromium; the page is built with npm if it is not built yet. The bundles
are of question answering. A request is a question about a text of 100 words in one window.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import statistics
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from albert_export.web.site import write_site

#: answers that are measured, after as many that are not
_RUNS = 15
_TEXT = "The tower stands in Paris, where Ada met Clara on a cold day in March. " * 7
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def measure(bundle: Path, chromium: Any) -> str:
    """The row of a bundle: size of the site, seconds until the first answer, milliseconds of an answer."""
    with tempfile.TemporaryDirectory() as folder:
        site = write_site(bundle, Path(folder) / "site")
        handler = functools.partial(_Handler, directory=str(site.folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = chromium.new_context()
        page = context.new_page()
        cells = []
        for _visit in ("first", "again"):
            page.goto(f"http://localhost:{server.server_port}/")
            page.wait_for_selector("#offline[data-state=stored]", timeout=120_000)
            facts = page.inner_text("#facts")
            times = [_answer(page, number) for number in range(2 * _RUNS)][_RUNS:]
            ready = facts.split("ready in ")[1].split(" s")[0]
            cells.append(f"{ready} | {statistics.median(times):.0f} ({facts.split(', ')[-1]})")
        context.close()
        server.shutdown()
        server.server_close()
    return f"| {site.precision} | {site.bytes / 1e6:.1f} | {site.bundle_bytes / 1e6:.1f} | {' | '.join(cells)} |"


def _answer(page: Any, number: int) -> float:
    """Ask a question and return the milliseconds that the page shows."""
    seen = int(page.get_attribute("#result", "data-answers") or 0)
    page.fill("textarea >> nth=1", _TEXT)
    page.fill("textarea >> nth=0", f"Where did Ada meet Clara {number}?")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "seen => Number(document.querySelector('#result').dataset.answers) > seen", arg=seen, timeout=120_000
    )
    return float(page.inner_text("#latency").removesuffix(" ms"))


def main() -> None:
    """Measure the bundles of the command line."""
    from playwright.sync_api import sync_playwright

    print("| precision | site MB | bundle MB | ready s, first visit | ms | ready s, again | ms |")
    print("|---|---|---|---|---|---|---|")
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        for bundle in sys.argv[1:]:
            print(measure(Path(bundle), chromium), flush=True)
        chromium.close()


if __name__ == "__main__":
    main()
