"""Charts of bars: lengths to scale, everything within the width, and a description for screen readers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_export.bench.page.bar_chart import WIDTH, Bar, bar_chart, ticks
from albert_export.bench.page.markup import Element

BARS = [
    Bar("slow", 200.0, "peer", "200.0 ms", most=230.0, mark=100.0),
    Bar("fast", 50.0, "onnx", "50.0 ms, 2.0x limit", mark=25.0),
    Bar("broken", None, "tflite", "not measured"),
]


def rectangles(chart: Element) -> list[Element]:
    return list(chart.iter("rect"))


def texts(chart: Element, kind: str) -> list[str]:
    return [text.text or "" for text in chart.iter("text") if text.get("class") == kind]


def test_bars_are_to_scale_and_have_the_colour_of_their_family() -> None:
    slow, fast = rectangles(bar_chart("c", "Latency", "ms", BARS))
    assert float(slow.attrib["width"]) == pytest.approx(4 * float(fast.attrib["width"]), abs=0.2)
    assert (slow.attrib["class"], fast.attrib["class"]) == ("peer", "onnx")


def test_marks_and_whiskers_are_on_the_same_scale() -> None:
    chart = bar_chart("c", "Latency", "ms", BARS)
    slow, _ = rectangles(chart)
    [first, second] = [line for line in chart.iter("line") if line.get("class") == "mark"]
    assert float(first.attrib["x1"]) == pytest.approx(float(slow.attrib["width"]) / 2, abs=0.1)
    assert float(second.attrib["x1"]) == pytest.approx(float(slow.attrib["width"]) / 8, abs=0.1)
    [whisker] = chart.iter("path")
    assert f"H{float(slow.attrib['width']) * 230 / 200:.1f}" in whisker.attrib["d"]


def test_what_was_not_measured_has_a_row_and_no_bar() -> None:
    chart = bar_chart("c", "Latency", "ms", BARS)
    assert texts(chart, "label") == ["slow", "fast", "broken"]
    assert texts(chart, "absent") == ["not measured"]
    assert len(rectangles(chart)) == 2


def test_screen_readers_get_the_figures() -> None:
    chart = bar_chart("c", "Latency", "ms", BARS)
    assert chart.attrib["role"] == "img"
    title, desc = chart.attrib["aria-labelledby"].split()
    named = {one.get("id"): one.text for one in chart.iter()}
    assert named[title] == "Latency"
    assert named[desc] == "slow: 200.0 ms; fast: 50.0 ms, 2.0x limit; broken: not measured."


def test_a_long_label_is_shortened_in_the_middle_and_whole_in_the_title() -> None:
    label = "/home/somebody/exports/2026-11/" + "long-" * 12 + "onnx-int8"
    chart = bar_chart("c", "Latency", "ms", [Bar(label, 1.0, "onnx", "1 ms")])
    [shown] = texts(chart, "label")
    assert len(shown) == 54
    assert shown.startswith("/home/somebody")
    assert shown.endswith("onnx-int8")
    assert "…" in shown
    assert label in [title.text for title in chart.iter("title")]


@given(
    st.lists(
        st.floats(min_value=0, max_value=1e9, allow_nan=False).map(
            lambda value: Bar("x", value, "onnx", f"{value:.1f}")
        ),
        max_size=5,
    )
)
def test_everything_is_within_the_width(bars: list[Bar]) -> None:
    chart = bar_chart("c", "t", "ms", bars)
    for rectangle in rectangles(chart):
        assert 0 < float(rectangle.attrib["width"]) <= WIDTH
    for text in chart.iter("text"):
        assert 0 <= float(text.attrib["x"]) <= WIDTH


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (200, [0, 50, 100, 150, 200]),
        (230, [0, 100, 200]),
        (1, [0, 0.5, 1]),
        (7, [0, 2, 4, 6]),
        (0.04, [0, 0.01, 0.02, 0.03, 0.04]),
        (1e6, [0, 500000, 1000000]),
    ],
)
def test_ticks_are_round_numbers(most: float, expected: list[float]) -> None:
    assert ticks(most) == pytest.approx(expected)
