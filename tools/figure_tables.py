"""The Markdown tables of a benchmark report, as README.md and docs/performance.md show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from albert_export.bench.measurement import Measurement, Statistics
from albert_export.bench.report import BenchReport
from albert_export.utils.text_table import render_markdown_table

Label = Callable[[Measurement], str]


def small_table(report: BenchReport, label: Label, length: int, names: Sequence[str]) -> str:
    """Return the table of the README: the peers, and the bundles called `names`.

    Args:
        report: what was measured; if there are peers, the speed is the ratio to the first that was.
        label: what the first column calls a bundle or a peer.
        length: the length in tokens.
        names: the bundles to show, as the report calls them.
    """
    headings = ["", "file MB", "load ms", "first answer ms", "memory MB", f"ms at {length} tokens", "speed"]
    rows = []
    shown = [one for one in report.measurements if one.kind == "peer" or one.name in names]
    for one in sorted(shown, key=lambda one: one.kind != "peer"):
        rows.append(
            [label(one), _megabytes(one.file_bytes), _median(one.load_ms), _median(one.first_answer_ms),
             _memory(one), _median(one.latency_ms.get(length)), _speed(report, one, length)]
        )  # fmt: skip
    return render_markdown_table(rows, headings)


def whole_table(report: BenchReport, label: Label, length: int, export_s: Mapping[str, float]) -> str:
    """Return the table of all bundles and peers, with the seconds of each export by the bundle's name."""
    headings = [
        "",
        "file MB",
        "export s",
        "load ms (graph)",
        "first answer ms",
        "memory MB",
        "ms",
        "speed",
        "resize ms",
    ]
    rows = []
    for one in sorted(report.measurements, key=lambda one: one.kind != "peer"):
        graph = "" if one.kind == "peer" else f" ({one.engine_load_ms.median:.0f})"
        seconds = export_s.get(one.name)
        if seconds is None and one.conversion_ms is not None:
            seconds = one.conversion_ms / 1e3
        resize = [figures.median for figures in (one.grow_ms, one.shrink_ms) if figures is not None]
        rows.append(
            [label(one), _megabytes(one.file_bytes), "" if seconds is None else f"{seconds:.0f}",
             f"{one.load_ms.median:.0f}{graph}", _median(one.first_answer_ms), _memory(one),
             _median(one.latency_ms.get(length)), _speed(report, one, length),
             f"{max(resize):.1f}" if resize else ""]
        )  # fmt: skip
    return render_markdown_table(rows, headings)


def limit_table(report: BenchReport, label: Label) -> str:
    """Return the table of the latency at each length against what the matrix products take at the processor's peak."""
    lengths = report.settings.lengths
    headings = ["", *(text for n in lengths for text in (f"limit ms at {n}", f"ms at {n}", "times the limit"))]
    rows = []
    for one in sorted(report.measurements, key=lambda one: one.kind != "peer"):
        cells = [label(one)]
        for length in lengths:
            limit, times = report.limit_ms(one, length), report.times_limit(one, length)
            known = limit is not None and times is not None
            cells += [f"{limit:.1f}" if known else "", _median(one.latency_ms.get(length)),
                      f"{times:.1f}x" if known else ""]  # fmt: skip
        rows.append(cells)
    return render_markdown_table(rows, headings)


def machine_line(report: BenchReport) -> str:
    """Return the machine, the settings and the peaks in one line."""
    machine, limit = report.machine, report.limit
    peaks = {} if limit is None else limit.peaks
    reached = ", ".join(f"{peak.peak_gops:.0f} in {name}" for name, peak in peaks.items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['cpu_flags'])}; {report.threads} threads, "
        f"batch {report.settings.batch}; {machine['date']}; billion operations a second at the peak: {reached or '-'}"
    )


def not_measured(report: BenchReport) -> list[str]:
    """Return a line for each bundle or peer that could not be measured, with the reason."""
    return [f"not measured: {one.name}: {one.error}" for one in report.subjects if not isinstance(one, Measurement)]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"


def _memory(one: Measurement) -> str:
    return "" if one.memory_bytes is None else f"{one.memory_bytes.median / 1e6:.0f}"


def _median(figures: Statistics | None) -> str:
    return "" if figures is None else f"{figures.median:.1f}" if figures.median < 10 else f"{figures.median:.0f}"


def _speed(report: BenchReport, one: Measurement, length: int) -> str:
    """How many times as fast as the first peer, or as the first bundle if there are no peers."""
    reference = min(report.measurements, key=lambda other: other.kind != "peer")
    theirs, own = reference.latency_ms.get(length), one.latency_ms.get(length)
    return "" if theirs is None or own is None else f"{theirs.median / own.median:.1f}x"
