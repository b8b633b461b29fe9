"""Takes screenshots of the page of `albert-export web` for every task, wide and as wide as a phone, light and dark.

    python -m tools.page.screenshots FOLDER            all of them, to look at
    python -m tools.page.screenshots docs/images qa    those of docs/browser.md alone

The bundles are those of the demos in int8.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from albert_export.demos import demo_checkpoint
from albert_export.export import export_onnx
from albert_export.web.site import write_site
from albert_runtime.tasks import TASKS
from tools.page.browser import chromium, served

_WIDE = {"width": 1000, "height": 600}
_PHONE = {"width": 360, "height": 640}
#: the images of docs/browser.md: name -> task, size of the window, colour scheme
_IN_DOCS = {
    "browser-qa": ("question-answering", _WIDE, "light"),
    "browser-phone": ("token-classification", _PHONE, "dark"),
}


def main(folder: Path, in_docs: bool) -> None:
    """Take the screenshots."""
    shots = _IN_DOCS if in_docs else {
        f"{task}-{name}-{scheme}": (task, size, scheme)
        for task in TASKS
        for name, size in (("wide", _WIDE), ("phone", _PHONE))
        for scheme in ("light", "dark")
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, chromium() as browser:
        for task in dict.fromkeys(task for task, _size, _scheme in shots.values()):
            bundle = export_onnx(demo_checkpoint(task), Path(made) / task, task=task, precision="int8").folder
            site = write_site(bundle, Path(made) / f"{task}-site").folder
            with served(site) as address:
                for name, (of_task, size, scheme) in shots.items():
                    if of_task == task:
                        _shoot(browser, address, folder / f"{name}.png", size, scheme)


def _shoot(browser: Any, address: str, file: Path, size: dict[str, int], scheme: str) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#latency:not(:empty)", timeout=60_000)
    page.wait_for_selector("#offline[data-state]", timeout=60_000)
    page.screenshot(path=file, full_page=True)
    context.close()
    print(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), len(sys.argv) > 2)
