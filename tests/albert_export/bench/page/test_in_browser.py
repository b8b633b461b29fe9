"""The page in Chromium: on a phone and on a desk, light and dark, for eyes and for screen readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from albert_export.bench.page.writing import write_page
from tests.albert_export.bench.page.test_writing import REPORT
from tests.axe import violations

pytestmark = pytest.mark.browser

#: the texts of charts that are cut off by the edge of their card
_CUT_OFF = """() => [...document.querySelectorAll("svg text")].filter(text => {
    const card = text.closest(".card").getBoundingClientRect(), box = text.getBoundingClientRect();
    return box.left < card.left || box.right > card.right;
}).map(text => text.textContent)"""


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The page in a new context, with the messages and requests that it has caused in `seen`."""
    file = tmp_path / "page.html"
    write_page(REPORT, file)
    context = browser.new_context()
    page = context.new_page()
    page.seen = []
    page.on("console", lambda message: page.seen.append(message.text))
    page.on("request", lambda request: page.seen.append(request.url))
    page.goto(file.as_uri())
    assert page.seen == [file.as_uri()]
    yield page
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_everything_fits_and_is_accessible(opened: Any, width: int, scheme: str) -> None:
    opened.emulate_media(color_scheme=scheme)
    opened.set_viewport_size({"width": width, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate(_CUT_OFF) == []
    assert violations(opened) == []


def test_dark_mode_changes_the_colours(opened: Any) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        colours.add(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
        colours.add(opened.evaluate("getComputedStyle(document.querySelector('rect.onnx')).fill"))
    assert len(colours) == 4
