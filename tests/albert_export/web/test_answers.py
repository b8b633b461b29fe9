"""The page in Chromium gives the answers of the Python runtime, for every task."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import albert_runtime
from albert_export.demos import demo_checkpoint
from albert_export.export import export_onnx
from albert_export.web.site import SITE, write_site
from albert_runtime.tasks import TASKS
from tests.albert_export.web.conftest import SiteOf, Visit
from tests.conftest import BuiltOnce, DemoBundleOf

pytestmark = pytest.mark.browser

CASES = [*((task, "int8") for task in TASKS), ("question-answering", "fp32")]
#: percent: ONNX Runtime has other integer kernels for WebAssembly, and sums of other order
_SLACK = {"int8": 8, "fp32": 1}


def examples_of(site: Path) -> list[dict[str, Any]]:
    return list(json.loads((site / SITE.marker).read_text(encoding="utf-8"))["examples"])


def bars(page: Any) -> list[tuple[str, int]]:
    """The names and percentages of the bars."""
    rows = page.query_selector_all("#result-body .bar")
    return [
        (row.query_selector(".name").inner_text(), percent(row.query_selector(".score").inner_text())) for row in rows
    ]


def percent(text: str) -> int:
    found = re.search(r"(\d+) %", text)
    assert found, text
    return int(found[1])


def check_question_answering(page: Any, session: Any, call: dict[str, Any], slack: int) -> None:
    answer = session(**call)
    assert page.inner_text(".headline") == answer.text
    assert page.inner_text(".passage mark") == answer.text
    assert page.inner_text(".passage") == call["context"]
    assert abs(bars(page)[0][1] - 100 * answer.score) <= slack
    # the mark is at the place of the answer, and not at an equal text before it
    before = page.evaluate("() => document.querySelector('.passage mark').previousSibling?.textContent ?? ''")
    assert before == call["context"][: answer.start]


def check_text_classification(page: Any, session: Any, call: dict[str, Any], slack: int) -> None:
    labels = session(**call)
    assert page.inner_text(".headline") == labels[0].label
    shown = dict(bars(page))
    assert shown.keys() == {one.label for one in labels}
    assert all(abs(shown[one.label] - 100 * one.score) <= slack for one in labels)


def check_token_classification(page: Any, session: Any, call: dict[str, Any], slack: int) -> None:
    entities = session(**call)
    rows = [
        [cell.inner_text() for cell in row.query_selector_all("th, td")] for row in page.query_selector_all("tbody tr")
    ]
    assert [row[:2] for row in rows] == [[one.text, one.label] for one in entities]
    assert all(abs(percent(row[2]) - 100 * one.score) <= slack for row, one in zip(rows, entities, strict=True))
    marks = page.query_selector_all(".passage mark")
    assert [mark.inner_text() for mark in marks] == [one.text + one.label for one in entities]
    plain = re.sub("|".join({re.escape(one.label) for one in entities}) or "$^", "", page.inner_text(".passage"))
    assert plain == call["text"]


def check_fill_mask(page: Any, session: Any, call: dict[str, Any], slack: int) -> None:
    pieces = session(**call, top_k=6)[0]
    assert page.inner_text(".passage") == call["text"].replace("[MASK]", pieces[0].token)
    shown = bars(page)
    assert shown[0][0] == pieces[0].token
    assert abs(shown[0][1] - 100 * pieces[0].score) <= slack
    assert len(shown) == 6


def check_pretraining(page: Any, session: Any, call: dict[str, Any], slack: int) -> None:
    order = session(**call)
    assert ("in order" if order.in_order else "swapped") in page.inner_text(".headline")
    assert abs(dict(bars(page))[order.label] - 100 * order.score) <= slack


def check_multiple_choice(page: Any, session: Any, call: dict[str, Any], slack: int) -> None:
    choice = session(**call)
    assert page.inner_text(".headline") == choice.text
    shown = bars(page)
    assert [name for name, _ in shown] == call["choices"]
    assert all(abs(got - 100 * score) <= slack for (_, got), score in zip(shown, choice.scores, strict=True))


def check_feature_extraction(page: Any, session: Any, call: dict[str, Any], slack: int) -> None:
    embeddings = [session(text) for text in call["texts"]]
    rows = page.query_selector_all("tbody tr")
    shown = [[float(cell.inner_text()) for cell in row.query_selector_all("td")] for row in rows]
    for a, row in enumerate(shown):
        for b, cosine in enumerate(row):
            assert abs(cosine - session.similarity(embeddings[a], embeddings[b])) <= slack / 100


CHECKS: dict[str, Callable[[Any, Any, dict[str, Any], int], None]] = {
    "feature-extraction": check_feature_extraction,
    "fill-mask": check_fill_mask,
    "multiple-choice": check_multiple_choice,
    "pretraining": check_pretraining,
    "question-answering": check_question_answering,
    "text-classification": check_text_classification,
    "token-classification": check_token_classification,
}


def check_examples(visit: Visit, address: str, site: Path, bundle: Path, slack: int) -> None:
    """Choose each of the page's examples and compare what it shows with the Python session's answer."""
    session = albert_runtime.load(bundle)
    visit.page.goto(address)
    visit.wait_for_answer()
    for number, call in enumerate(examples_of(site)):
        seen = visit.answers()
        visit.page.click(f"#example-list li:nth-child({number + 1}) button")
        visit.wait_for_answer(more_than=seen)
        CHECKS[session.task](visit.page, session, call, slack)
    assert re.fullmatch(r"[\d.]+ ms", visit.page.inner_text("#latency"))


@pytest.mark.parametrize(("task", "precision"), CASES, ids=[f"{task}-{precision}" for task, precision in CASES])
def test_the_page_answers_as_python_does(
    task: str,
    precision: str,
    site_of: SiteOf,
    demo_bundle_of: DemoBundleOf,
    serve: Callable[..., Any],
    visit: Callable[..., Visit],
) -> None:
    site, opened = site_of(task, precision), visit()
    server = serve(site)
    check_examples(opened, server.address, site, demo_bundle_of("onnx", task, precision), _SLACK[precision])
    opened.wait_until_stored()
    assert opened.complaints == []
    assert [one for one in opened.requested if not one.startswith(server.address)] == []


def test_typed_text_is_answered(site_of: SiteOf, serve: Callable[..., Any], visit: Callable[..., Visit]) -> None:
    opened = visit()
    opened.page.goto(serve(site_of("question-answering", "int8")).address)
    opened.wait_for_answer()
    opened.page.fill("textarea >> nth=1", "😀 Ada lives in Rome. 𝔘𝔫𝔦 Clara lives in Porto.")
    seen = opened.answers()
    opened.page.fill("textarea >> nth=0", "Where does Clara live?")
    opened.wait_for_answer(more_than=seen)
    assert opened.page.inner_text(".passage mark").startswith("Porto")
    opened.page.fill("textarea >> nth=0", " ")
    opened.page.wait_for_selector("text=Type a question")
    assert opened.page.inner_text("#latency") == ""


def test_a_text_that_was_cut_off_is_noted(
    site_of: SiteOf, serve: Callable[..., Any], visit: Callable[..., Visit]
) -> None:
    opened = visit()
    opened.page.goto(serve(site_of("text-classification", "int8")).address)
    opened.wait_for_answer()
    opened.page.fill("textarea >> nth=0", "A good film. " * 500)
    opened.page.wait_for_selector("text=left out")
    assert opened.page.inner_text(".headline") == "positive"
    assert opened.complaints == []


@pytest.mark.export
def test_the_order_of_two_texts_without_masks(
    site_of: SiteOf, page_built: Path, tmp_path: Path, serve: Callable[..., Any], visit: Callable[..., Visit]
) -> None:
    task, bundle = "pretraining", tmp_path / "bundle"
    export_onnx(demo_checkpoint(task), bundle, task=task, head="sentence-order")
    site = write_site(bundle, tmp_path / "site").folder
    opened = visit()
    check_examples(opened, serve(site).address, site, bundle, _SLACK["fp32"])
    assert "[MASK]" not in opened.page.inner_text("form")
    assert opened.complaints == []
    usual = visit()
    usual.page.goto(serve(site_of(task, "int8")).address)
    usual.wait_for_answer()
    assert usual.page.inner_text("form").count("[MASK]") == 2  # a hint and a button


@pytest.mark.slow
@pytest.mark.export
def test_a_model_in_the_shape_of_base_v2(
    built_once: BuiltOnce,
    page_built: Path,
    tmp_path: Path,
    serve: Callable[..., Any],
    visit: Callable[..., Visit],
) -> None:
    from tools.figures import make_checkpoint

    checkpoint = built_once("base-v2-checkpoint", lambda folder: make_checkpoint("albert-base-v2", folder))
    bundle = built_once(
        "base-v2-int8",
        # the answers of random weights are arbitrary, so that none must stay
        lambda folder: export_onnx(checkpoint, folder, task="question-answering", precision="int8", max_drop=100),
    )
    write_site(bundle, tmp_path / "site")
    opened = visit()
    server = serve(tmp_path / "site")
    session = albert_runtime.load(bundle)
    call = examples_of(tmp_path / "site")[0]
    opened.page.goto(server.address)
    opened.wait_for_answer()
    opened.wait_until_stored()
    server.stop()
    opened.page.reload()
    opened.wait_for_answer()
    # Random weights find all passages about equally good: the best of ours is one of the best of Python.
    texts = [answer.text for answer in session(**call, top_k=20)]
    assert opened.page.inner_text(".headline") in texts
    assert opened.complaints == []
