"""The charts of a benchmark page: which figures there are, and how a bar of each is labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from albert_export.bench.page.bar_chart import Bar, bar_chart
from albert_export.bench.page.entry import Entry, Latency
from albert_export.bench.page.markup import Element, element

_NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Quantity:
    """A figure of each entry that has a chart and a column of its own."""

    title: str
    unit: str
    of: Callable[[Entry], float | None]
    #: what the figure is, below the chart
    meaning: str
    #: whether less of it is better
    less_is_better: bool = True


QUANTITIES = (
    Quantity("File", "MB", lambda one: one.file_mb, "Size of the model's file or files."),
    Quantity(
        "Memory", "MB", lambda one: one.memory_mb,
        "Resident after the load and one run, less what the imports need.",
    ),
    Quantity("Peak memory", "MB", lambda one: one.peak_mb, "The most until the last run, less what the imports need."),
    Quantity("Load", "ms", lambda one: one.load_ms, "From the call that loads the model until it can answer."),
    Quantity(
        "First answer", "ms", lambda one: one.first_answer_ms,
        "From the start of Python until the first answer, imports and checks included.",
    ),
    Quantity(
        "Question", "ms", lambda one: one.question_ms,
        "A question and its passage, from the texts to the answer; the mean over a file.",
    ),
    Quantity(
        "Texts one at a time", "texts/s", lambda one: one.texts_per_second,
        "Lines of a file, each by itself, tokenization included.", less_is_better=False,
    ),
    Quantity(
        "Texts in batches", "texts/s", lambda one: one.batched_texts_per_second,
        "The same lines in batches, tokenization included.", less_is_better=False,
    ),
)  # fmt: skip


def lengths_of(entries: Sequence[Entry]) -> list[int]:
    """Return the lengths in tokens at which any entry was run, the shortest first."""
    return sorted({length for entry in entries for length in entry.latency})


def measured(entries: Sequence[Entry]) -> list[Quantity]:
    """Return the quantities that were measured of any entry."""
    return [quantity for quantity in QUANTITIES if any(quantity.of(entry) is not None for entry in entries)]


def latency_chart(entries: Sequence[Entry], length: int) -> Element:
    """Return the figure with the times of all entries at one length."""

    def bar(entry: Entry) -> Bar:
        time = entry.latency.get(length)
        if time is None:
            return Bar(entry.name, None, entry.family, _NOT_MEASURED)
        return Bar(entry.name, time.median, entry.family, latency_text(time), time.p95, time.limit)

    title = f"{length} tokens"
    chart = bar_chart(f"latency-{length}", f"Latency at {length} tokens", "ms", [bar(entry) for entry in entries])
    return _card(title, chart, "")


def quantity_chart(entries: Sequence[Entry], quantity: Quantity) -> Element:
    """Return the figure with one quantity of all entries."""

    def bar(entry: Entry) -> Bar:
        value = quantity.of(entry)
        text = _NOT_MEASURED if value is None else f"{digits(value)} {quantity.unit}"
        return Bar(entry.name, value, entry.family, text)

    name = quantity.title.lower().replace(" ", "-")
    better = "" if quantity.less_is_better else " More is better."
    chart = bar_chart(name, quantity.title, quantity.unit, [bar(entry) for entry in entries])
    return _card(quantity.title, chart, quantity.meaning + better)


def latency_text(time: Latency) -> str:
    """Return the median with its unit, and how many times the limit it is."""
    ratio = "" if time.times_limit is None else f" · {time.times_limit:.1f}×"
    return f"{digits(time.median)} ms{ratio}"


def digits(value: float | None) -> str:
    """Return the value with three significant digits, or a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def _card(title: str, chart: Element, caption: str) -> Element:
    below = element("figcaption", caption) if caption else None
    return element("figure", element("h3", title), chart, below, class_="card")
