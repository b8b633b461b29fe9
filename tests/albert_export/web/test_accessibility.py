"""Labels, contrast, keyboard and narrow screens, checked by axe-core and by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from albert_runtime.tasks import TASKS
from tests.albert_export.web.conftest import SiteOf, Visit
from tests.axe import violations

pytestmark = pytest.mark.browser

Serve = Callable[..., Any]
OpenVisit = Callable[..., Visit]


@pytest.mark.parametrize("task", TASKS)
def test_no_violation_at_any_width(task: str, site_of: SiteOf, serve: Serve, visit: OpenVisit) -> None:
    opened = visit(color_scheme="light", viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    opened.page.goto(serve(site_of(task, "int8")).address)
    opened.wait_for_answer()
    opened.wait_until_stored()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(opened.page) == []
    opened.page.emulate_media(color_scheme="dark")
    assert violations(opened.page) == []
    opened.page.set_viewport_size({"width": 1280, "height": 800})
    assert violations(opened.page) == []


def test_no_violation_in_a_message(site_of: SiteOf, serve: Serve, visit: OpenVisit) -> None:
    opened = visit(viewport={"width": 360, "height": 740})
    opened.context.add_init_script("WebAssembly.validate = () => false")
    opened.page.goto(serve(site_of("fill-mask", "int8")).address)
    opened.problem()
    assert violations(opened.page) == []


def test_a_keyboard_is_enough(site_of: SiteOf, serve: Serve, visit: OpenVisit) -> None:
    opened = visit()
    page = opened.page
    page.goto(serve(site_of("multiple-choice", "int8")).address)
    opened.wait_for_answer()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    seen = opened.answers()
    page.keyboard.press("Enter")  # the second example
    opened.wait_for_answer(more_than=seen)
    assert page.input_value("textarea >> nth=0") == "The parcel for grandmother was ready."

    page.focus("text=Add a choice")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Choice 3"
    seen = opened.answers()
    page.keyboard.type("Leila baked a cake.")
    opened.wait_for_answer(more_than=seen)
    assert len(page.query_selector_all("#result-body .bar")) == 3

    page.keyboard.press("Tab")  # the button that removes the choice
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Choice 2"
    assert all(button.is_disabled() for button in page.query_selector_all(".remove"))


def test_an_answer_is_announced(site_of: SiteOf, serve: Serve, visit: OpenVisit) -> None:
    opened = visit()
    opened.page.goto(serve(site_of("question-answering", "int8")).address)
    opened.wait_for_answer()
    answer = opened.page.inner_text(".headline")
    region = opened.page.query_selector("#announcement")
    assert region.get_attribute("aria-live") == "polite"
    assert region.text_content().startswith(f"Answer: {answer}, ")


def test_an_alternative_can_be_marked(site_of: SiteOf, serve: Serve, visit: OpenVisit) -> None:
    opened = visit()
    opened.page.goto(serve(site_of("question-answering", "int8")).address)
    opened.wait_for_answer()
    second = opened.page.query_selector_all("#result-body button.bar")[1]
    name = second.query_selector(".name").inner_text()
    second.focus()
    opened.page.keyboard.press("Enter")
    assert opened.page.inner_text(".passage mark") == name
