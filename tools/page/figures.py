"""Measures the page of `albert-export web`, and prints a row of docs/browser.md for each bundle.

    python -m tools.page.figures my-bundle-int8 my-bundle-fp32

The bundles are of question answering. A request is a question about a text of 100 words, which is one window.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from albert_export.web.site import write_site
from tools.page.browser import chromium, served

#: answers that are measured, after as many that are not
_RUNS = 15
_TEXT = "The tower stands in Paris, where Ada met Clara on a cold day in March. " * 7


def measure(bundle: Path, browser: Any) -> str:
    """The row of a bundle: size of the site, seconds until the first answer, milliseconds of an answer."""
    with tempfile.TemporaryDirectory() as folder:
        site = write_site(bundle, Path(folder) / "site")
        context = browser.new_context()
        page = context.new_page()
        cells = []
        with served(site.folder) as address:
            for _visit in ("first", "again"):
                page.goto(address)
                page.wait_for_selector("#offline[data-state=stored]", timeout=120_000)
                facts = page.inner_text("#facts")
                times = [_answer(page, number) for number in range(2 * _RUNS)][_RUNS:]
                ready = facts.split("ready in ")[1].split(" s")[0]
                cells.append(f"{ready} | {statistics.median(times):.0f} ({facts.split(', ')[-1]})")
        context.close()
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
    print("| precision | site MB | bundle MB | ready s, first visit | ms | ready s, again | ms |")
    print("|---|---|---|---|---|---|---|")
    with chromium() as browser:
        for bundle in sys.argv[1:]:
            print(measure(Path(bundle), browser), flush=True)


if __name__ == "__main__":
    main()
