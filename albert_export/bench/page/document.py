"""The whole page: what was measured on which machine, the best of it, charts, tables and how it was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from albert_export.bench.page.charts import latency_chart, lengths_of, measured, quantity_chart
from albert_export.bench.page.content import PageContent
from albert_export.bench.page.entry import Entry
from albert_export.bench.page.markup import Element, element, written
from albert_export.bench.page.tables import latency_table, quantity_table
from albert_export.bench.page.tiles import best_tiles

#: the class of a family -> what it is called in the key
_FAMILIES = {"onnx": "ONNX bundle", "tflite": "TFLite bundle", "peer": "other tool"}


def page_html(content: PageContent) -> str:
    """Return the page, which loads nothing from elsewhere and runs no script."""
    entries = content.entries
    lengths, quantities = lengths_of(entries), measured(entries)
    sections = [
        element("header", element("h1", content.title), element("p", content.subtitle, class_="soft names")),
    ]
    if entries:
        sections.append(best_tiles(entries))
    if lengths:
        sections += [
            element("h2", "Latency"),
            *(element("p", text, class_="soft") for text in content.latency_text),
            _key(entries),
            element("div", *(latency_chart(entries, length) for length in lengths), class_="charts"),
            latency_table(entries),
        ]
    if quantities:
        sections += [
            element("h2", "Size, memory, start and throughput"),
            element("div", *(quantity_chart(entries, quantity) for quantity in quantities), class_="charts"),
            quantity_table(entries),
        ]
    if content.not_measured:
        sections += [element("h2", "Not measured"), _named(content.not_measured)]
    sections += [element("h2", "Machine and settings"), _named(content.facts)]
    if content.notes:
        sections += [
            element("h2", "How it was measured"),
            element("ul", *(element("li", note) for note in content.notes), class_="notes"),
        ]
    return written(
        element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("title", content.title),
                element("style", files(__package__).joinpath("style.css").read_text(encoding="utf-8")),
            ),
            element("body", element("main", *sections), _data(content.data)),
            lang="en",
        )
    )


def _key(entries: Sequence[Entry]) -> Element:
    """What the colours and marks of the charts mean, for those that occur."""
    families = dict.fromkeys(entry.family for entry in entries)
    times = [time for entry in entries for time in entry.latency.values()]
    items = [(family, _FAMILIES[family]) for family in _FAMILIES if family in families]
    items += [("whisker", "up to the 95th percentile")] if any(time.p95 is not None for time in times) else []
    items += [("mark", "arithmetic limit of the processor; × how many times it")] if any(t.limit for t in times) else []
    return element("ul", *(element("li", element("span", class_=kind), text) for kind, text in items), class_="key")


def _named(values: Mapping[str, str]) -> Element:
    pairs = ((element("dt", name, class_="names"), element("dd", value)) for name, value in values.items())
    return element("dl", *(one for pair in pairs for one in pair), class_="facts")


def _data(data: Mapping[str, Any]) -> Element:
    # Texts inside of <script> are not escaped by HTML's rules, so nothing in them may look like a tag.
    text = json.dumps(data).replace("<", "\\u003c")
    return element("script", text, type="application/json", id="report")
