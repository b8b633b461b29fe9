"""The sample requests are what sessions take, and hard enough to show something."""

from __future__ import annotations

import inspect

import pytest

from albert_export.samples.texts import sample_requests, sentences
from albert_runtime.task_sessions import SESSIONS
from albert_runtime.tasks import TASKS


def test_sentences_hold_hard_cases_and_no_comments() -> None:
    text = "\n".join(sentences())
    assert len(sentences()) >= 20
    assert not any(line.startswith("#") or not line.strip() for line in sentences())
    for hard in ("9,", "``", "é", "ﬁ", "İ", "Σ", "東京", "🙂", "ﷺ"):
        assert hard in text


@pytest.mark.parametrize("task", TASKS)
def test_requests_fit_the_sessions_call(task: str) -> None:
    requests = sample_requests(TASKS[task])
    assert len(requests) == 6
    assert len({str(request) for request in requests}) == 6
    for request in requests:
        inspect.signature(SESSIONS[task].__call__).bind(None, **request)


def test_short_requests_are_short() -> None:
    for task in TASKS.values():
        assert all(len(str(request)) < 450 for request in sample_requests(task, 3, short=True))


def test_masks_and_choices_vary() -> None:
    assert all(request["text"].count("[MASK]") == 1 for request in sample_requests(TASKS["fill-mask"]))
    counts = {len(request["choices"]) for request in sample_requests(TASKS["multiple-choice"])}
    assert counts == {2, 3, 4, 5, 6, 7}
