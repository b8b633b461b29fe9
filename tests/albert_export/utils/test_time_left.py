"""The time that a step has left: about a line every second, from the pace so far."""

from __future__ import annotations

import pytest

from albert_export.utils.time_left import TimeLeft, in_words
from tests.clock import Clock


def test_lines_come_about_every_second_and_estimate_from_the_pace() -> None:
    clock, lines = Clock(), list[str]()
    for _ in TimeLeft("comparing", lines.append, now=clock).over(range(20)):
        clock.time += 0.5
    assert lines[:3] == ["comparing", "comparing: 10% done, about 9 s left", "comparing: 20% done, about 8 s left"]
    assert lines[-1] == "comparing: 90% done, about 1 s left"
    assert len(lines) == 10


def test_a_short_step_says_only_what_it_is() -> None:
    lines = list[str]()
    assert list(TimeLeft("comparing", lines.append, now=Clock()).over([1, 2])) == [1, 2]
    assert lines == ["comparing"]


def test_nothing_is_estimated_before_something_is_done() -> None:
    clock, lines = Clock(), list[str]()
    left = TimeLeft("comparing", lines.append, now=clock)
    clock.time += 60
    left.update(0.0)
    assert lines == ["comparing"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "1 s"), (59.4, "59 s"), (59.9, "1 min"), (131, "2 min 10 s"), (3599, "1 h"), (3900, "1 h 5 min")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
