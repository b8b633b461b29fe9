"""The tiles at the head of a benchmark page: the best of each quantity, and what reaches it."""

from __future__ import annotations

from collections.abc import Sequence

from albert_export.bench.page.charts import QUANTITIES, digits, lengths_of
from albert_export.bench.page.entry import Entry
from albert_export.bench.page.markup import Element, element

#: the quantities that have a tile, by their titles -> what the best of them is called
_TILES = {"File": "smallest file", "Memory": "least memory", "First answer": "quickest first answer",
          "Question": "quickest question", "Texts in batches": "most texts"}  # fmt: skip


def best_tiles(entries: Sequence[Entry]) -> Element:
    """Return a list of tiles: the fastest at each length, and the best of some other quantities."""
    tiles = []
    for length in lengths_of(entries):
        timed = [entry for entry in entries if length in entry.latency]
        best = min(timed, key=lambda entry: entry.latency[length].median)
        tiles.append(_tile(f"fastest at {length} tokens", f"{digits(best.latency[length].median)} ms", best.name))
    for quantity in QUANTITIES:
        values = {entry.name: value for entry in entries if (value := quantity.of(entry)) is not None}
        if quantity.title in _TILES and values:
            choose = min if quantity.less_is_better else max
            name = choose(values, key=lambda one: values[one])
            tiles.append(_tile(_TILES[quantity.title], f"{digits(values[name])} {quantity.unit}", name))
    return element("div", *tiles, class_="tiles")


def _tile(title: str, figure: str, name: str) -> Element:
    return element(
        "dl",
        element("dt", title),
        element("dd", figure, class_="figure"),
        element("dd", name, class_="names"),
        class_="card tile",
    )
