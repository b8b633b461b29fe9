"""A chart of horizontal bars as SVG, which is readable at the width of a phone and takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from albert_export.bench.page.markup import Element, element

#: in the units of the chart, which are pixels on a page where it is 420 wide
WIDTH, _ROW, _BAR, _AXIS = 420.0, 46.0, 16.0, 34.0
#: from the top of a row to the base line of its label, and to its bar
_LABEL_DOWN, _BAR_DOWN = 13.0, 20.0
#: what a letter of a value is wide, at most, and the gap between a bar and its value
_LETTER, _GAP = 7.4, 7.0
#: letters of a label that fit the width
_LONGEST_LABEL = 54
_TICKS = 4
#: a chart whose largest value is below this has the axis of a chart of nothing
_LEAST = 1e-6


@dataclass(frozen=True)
class Bar:
    """One row of a chart."""

    label: str
    #: None if it was not measured
    value: float | None
    #: the class that gives the bar its colour in the style sheet
    family: str
    #: what stands behind the bar, with the unit
    text: str
    #: the end of a thin line from the end of the bar, such as the 95th percentile
    most: float | None = None
    #: where a mark crosses the bar, such as the least time that is possible
    mark: float | None = None


def bar_chart(name: str, title: str, unit: str, bars: Sequence[Bar]) -> Element:
    """Return the chart: a label above each bar and its value behind it, over an axis that begins at 0.

    Args:
        name: an id for elements of the chart, which no other chart of the page has.
        title: what screen readers say that the chart is.
        unit: the unit of the axis.
        bars: the rows from the top to the bottom.
    """
    right = _GAP + _LETTER * max((len(bar.text) for bar in bars), default=0)
    ends = [end for bar in bars for end in (bar.value, bar.most, bar.mark) if end is not None]
    most = max(ends, default=0.0)
    most = most if most > _LEAST else 1.0
    scale = (WIDTH - right) / most
    bottom = len(bars) * _ROW
    height = bottom + _AXIS
    rows = [_row(bar, index * _ROW, scale) for index, bar in enumerate(bars)]
    described = "; ".join(f"{bar.label}: {bar.text}" for bar in bars)
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", f"{described}.", id=f"{name}-desc"),
        *_axis(most, scale, bottom, unit),
        *rows,
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_="chart",
    )


def ticks(most: float) -> list[float]:
    """Return round numbers from 0 to `most`, at equal distances: steps are 1, 2 or 5 times a power of 10."""
    rough = most / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [index * step for index in range(int(most / step * 1.001) + 1)]


def _axis(most: float, scale: float, bottom: float, unit: str) -> list[Element]:
    lines, numbers = [], []
    for tick in ticks(most):
        x = _number(tick * scale)
        lines.append(element("line", x1=x, x2=x, y1="0", y2=f"{bottom:g}", class_="grid"))
        anchor = "start" if tick == 0 else "middle"
        numbers.append(element("text", f"{tick:,.10g}", x=x, y=f"{bottom + 14:g}", text_anchor=anchor, class_="tick"))
    name = element("text", unit, x=_number(WIDTH), y=f"{bottom + 14:g}", text_anchor="end", class_="tick")
    return [*lines, *numbers, name]


def _row(bar: Bar, top: float, scale: float) -> Element:
    y = top + _BAR_DOWN
    label = element("text", _shortened(bar.label), x="0", y=f"{top + _LABEL_DOWN:g}", class_="label")
    if bar.value is None:
        absent = element("text", bar.text, x="0", y=f"{y + _BAR - 4:g}", class_="absent")
        return element("g", element("title", bar.label), label, absent)
    end = bar.value * scale
    parts = [
        label,
        element("rect", x="0", y=f"{y:g}", width=_number(max(end, 1)), height=f"{_BAR:g}", rx="2", class_=bar.family),
    ]
    if bar.most is not None:
        parts.append(_whisker(end, bar.most * scale, y))
    if bar.mark is not None:
        x = _number(bar.mark * scale)
        # a line with a pale edge, so that it is seen on the bar and beside it
        for kind in ("mark-edge", "mark"):
            parts.append(element("line", x1=x, x2=x, y1=f"{y - 4:g}", y2=f"{y + _BAR + 4:g}", class_=kind))
    behind = max(end, (bar.most or 0) * scale, (bar.mark or 0) * scale) + _GAP
    parts.append(element("text", bar.text, x=_number(behind), y=f"{y + _BAR - 4:g}", class_="value"))
    return element("g", element("title", bar.label), *parts)


def _whisker(start: float, end: float, y: float) -> Element:
    middle = y + _BAR / 2
    return element(
        "path",
        d=f"M{_number(start)} {middle:g}H{_number(end)}M{_number(end)} {middle - 4:g}V{middle + 4:g}",
        class_="whisker",
    )


def _number(value: float) -> str:
    return f"{value:.1f}"


def _shortened(label: str) -> str:
    """The label, without its middle if it is long: names that differ do so at their ends more often."""
    if len(label) <= _LONGEST_LABEL:
        return label
    head = _LONGEST_LABEL // 3
    return f"{label[:head]}…{label[head + 1 - _LONGEST_LABEL :]}"
