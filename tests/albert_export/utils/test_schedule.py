"""The schedule of a run: which time is said to be left, and when none is."""

from __future__ import annotations

from albert_export.utils.schedule import Schedule
from tests.clock import Clock


def schedule_with_lines() -> tuple[Schedule, list[str], Clock]:
    clock, lines = Clock(), list[str]()
    return Schedule(lines.append, now=clock), lines, clock


def test_nothing_is_said_before_the_pace_of_each_model_is_known() -> None:
    schedule, lines, clock = schedule_with_lines()
    schedule.expect("ask", original=100)
    schedule.expect("compare", original=50, graph=100)
    left = schedule.step("ask", "asking")
    clock.time += 2
    left.update(0.5)
    schedule.set_pace("original", 2.0, 20)
    schedule("going on")
    schedule.set_pace("graph", 1.0, 20)
    schedule("going on")
    # 100 tokens at 10 a second less the 2 seconds that have passed, and then 50 at 10 and 100 at 20 a second
    assert lines == ["asking", "asking (50%)", "going on", "going on, about 18 s left"]


def test_the_pace_of_a_step_replaces_the_estimate_of_it() -> None:
    schedule, lines, clock = schedule_with_lines()
    schedule.set_pace("graph", 1.0, 10)
    schedule.expect("ask", graph=100)
    schedule.expect("compare", graph=50)
    for _ in schedule.step("ask", "asking").over(range(4)):
        clock.time += 5
    assert lines == [
        "asking, about 15 s left",
        "asking (25%), about 20 s left",
        "asking (50%), about 15 s left",
        "asking (75%), about 10 s left",
    ]
    schedule.begin("compare")
    clock.time += 2
    schedule("comparing")
    assert lines[-1] == "comparing, about 3 s left"


def test_a_step_that_may_not_be_needed_makes_the_time_an_upper_limit() -> None:
    schedule, lines, _ = schedule_with_lines()
    schedule.set_pace("graph", 1.0, 10)
    schedule.expect("ask", graph=100)
    schedule.expect("look", graph=40, optional=True)
    schedule.begin("ask")
    schedule("asking")
    schedule.drop("look")
    schedule("asking")
    schedule.expect("look", graph=40)
    schedule("asking")
    assert lines == ["asking, up to 14 s left", "asking, about 10 s left", "asking, about 14 s left"]


def test_the_words_say_what_the_time_is_told_of() -> None:
    schedule, lines, _ = schedule_with_lines()
    schedule.set_pace("graph", 1.0, 10)
    schedule.part, schedule.condition = "for int8", "with this recipe"
    schedule.expect("ask", graph=100)
    schedule.step("ask", "asking")
    assert lines == ["asking, about 10 s left for int8 with this recipe"]


def test_nothing_is_said_once_the_estimate_is_used_up_or_something_unexpected_begins() -> None:
    schedule, lines, clock = schedule_with_lines()
    schedule.set_pace("graph", 1.0, 10)
    schedule.expect("ask", graph=100)
    schedule.begin("ask")
    clock.time += 11
    schedule("asking")
    schedule.expect("compare", graph=100)
    schedule.begin("something else")
    schedule("working")
    schedule.begin("compare")  # what was announced before is not known to follow any more
    schedule("comparing")
    assert lines == ["asking", "working", "comparing"]


def test_lines_of_other_functions_pass_unchanged() -> None:
    lines = list[str]()
    schedule = Schedule.of(lines.append)
    schedule("reading")
    assert lines == ["reading"]
    assert Schedule.of(schedule) is schedule
