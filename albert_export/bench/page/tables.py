"""The tables of a benchmark page, which say in figures what the charts show."""

from __future__ import annotations

from collections.abc import Sequence

from albert_export.bench.page.charts import digits, lengths_of, measured
from albert_export.bench.page.entry import Entry
from albert_export.bench.page.markup import Element, element


def latency_table(entries: Sequence[Entry]) -> Element:
    """Return the table of the latency at each length, beside the arithmetic limit."""
    times = [time for entry in entries for time in entry.latency.values()]
    percentiles = any(time.p95 is not None for time in times)
    limits = any(time.limit for time in times)
    headings = ["model", "precision"]
    for length in lengths_of(entries):
        headings.append(f"{length} tokens, ms")
        headings += ["95%, ms"] if percentiles else []
        headings += ["limit, ms", "times the limit"] if limits else []
    rows = []
    for entry in entries:
        cells = [entry.precision]
        for length in lengths_of(entries):
            time = entry.latency.get(length)
            cells.append(digits(None if time is None else time.median))
            cells += [digits(None if time is None else time.p95)] if percentiles else []
            if limits:
                cells += [digits(None if time is None else time.limit)]
                cells += [digits(None if time is None else time.times_limit)]
        rows.append((entry.name, cells))
    return scrolling("Latency: median and 95th percentile of a run. A dash: not measured.", headings, rows)


def quantity_table(entries: Sequence[Entry]) -> Element:
    """Return the table of the other quantities."""
    quantities = measured(entries)
    headings = ["model", "precision", "engine", *(f"{quantity.title}, {quantity.unit}" for quantity in quantities)]
    rows = [
        (entry.name, [entry.precision, entry.engine, *(digits(quantity.of(entry)) for quantity in quantities)])
        for entry in entries
    ]
    return scrolling("Size, memory, start and throughput. A dash: not measured.", headings, rows)


def scrolling(caption: str, headings: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> Element:
    """Return a table in a region that scrolls sideways where it is too wide, also with the keyboard."""
    head = element("tr", *(element("th", heading, scope="col") for heading in headings))
    body = (
        element("tr", element("th", name, scope="row"), *(element("td", cell) for cell in cells))
        for name, cells in rows
    )
    table = element(
        "table", element("caption", element("span", caption)), element("thead", head), element("tbody", *body)
    )
    return element("div", table, class_="scroll", role="region", aria_label=caption, tabindex="0")
