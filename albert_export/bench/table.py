"""The table of a benchmark run: a row for each bundle, and notes on how the figures were measured."""

from __future__ import annotations

from albert_export.bench.measurement import Failure, Measurement, Statistics
from albert_export.bench.processor_limit import ProcessorLimit
from albert_export.bench.report import BenchReport
from albert_export.utils.text_table import render_table

_ABSENT = "-"


def bench_table(report: BenchReport) -> str:
    """Return the report as text. With several bundles, further columns show the ratios to the first one."""
    measurements = report.measurements
    lengths = list(dict.fromkeys(length for one in measurements for length in one.latency_ms))
    first = report.bundles[0]
    compare = len(report.bundles) > 1 and isinstance(first, Measurement)
    headings = ["bundle", "file MB", "load ms", "graph ms", "memory MB", "tokenizer MB", "peak MB", "first ms"]
    headings += [*(f"{length} tokens ms" for length in lengths), "resize ms"]
    headings += ["smaller", "less memory", "faster"] if compare else []
    rows = []
    for one in report.bundles:
        if isinstance(one, Failure):
            rows.append([one.name, "not measured"])
            continue
        row = [one.name, f"{one.file_bytes / 1e6:.1f}", _median(one.load_ms), _median(one.engine_load_ms)]
        row += [_median(one.memory_bytes, 1e6), _median(one.tokenizer_bytes, 1e6)]
        row += [_median(one.peak_bytes, 1e6), _median(one.first_ms)]
        row += [_latency(report, one, length) for length in lengths]
        row.append(_resize(one))
        if isinstance(first, Measurement) and compare:
            ratios = one.ratios(first)
            latency = next((ratio for ratio in ratios["latency"].values() if ratio is not None), None)
            row += [_times(ratios["file"]), _times(ratios["memory"]), _times(latency)]
        rows.append(row)
    return "\n".join([render_table(rows, headings, align_right=True), "", *legend(report)])


def _median(statistics: Statistics | None, unit: float = 1.0) -> str:
    return _ABSENT if statistics is None else f"{statistics.median / unit:.1f}"


def _with_spread(statistics: Statistics | None) -> str:
    if statistics is None:
        return _ABSENT
    return f"{statistics.median:.1f} ±{(statistics.most - statistics.least) / 2:.1f}"


def _latency(report: BenchReport, one: Measurement, length: int) -> str:
    times = report.times_limit(one, length)
    return _with_spread(one.latency_ms.get(length)) + ("" if times is None else f" ({times:.1f}x)")


def _resize(one: Measurement) -> str:
    """The cost of a change of the sequence length, in the direction in which it is higher."""
    both = [statistics.median for statistics in (one.grow_ms, one.shrink_ms) if statistics is not None]
    return f"{max(both):.1f}" if both else _ABSENT


def _times(ratio: float | None) -> str:
    return _ABSENT if ratio is None else f"{ratio:.2f}x"


def legend(report: BenchReport) -> list[str]:
    """Return how the figures were measured, and what is to be known of single rows: a sentence or two in each line."""
    settings, machine = report.settings, report.machine
    engines = ", ".join(dict.fromkeys(one.engine for one in report.measurements))
    threads = settings.threads or machine["usable_cores"]
    short, long = sorted(settings.resize)
    load = machine["load_average"] or 0.0
    busy = f"The machine was already busy at the start: a load of {load:.1f} on {machine['cores']} cores."
    return [
        f"{engines}; {threads} threads, batch {settings.batch}; {machine['cpu']}, {machine['cores']} cores, "
        f"{' '.join(machine['cpu_flags'])}; python {machine['python']}",
        f"Figures are medians of {settings.rounds} rounds, ± half of their range. Each round starts a new process for "
        f"each bundle, with {settings.runs} runs at each length.",
        "Graph: the engine's part of the load time; the rest is mostly for the tokenizer's vocabulary.",
        "Memory: resident after the load and one run, tokenizer included, less what the imports need; "
        "peak: until the last run.",
        f"Resize: the extra time of the first run after a change between {short} and {long} tokens.",
        *_limit_lines(report.limit),
        "Tokenization is not timed. Ratios are to the first bundle; faster: at the first length.",
        *([busy] if load > machine["cores"] / 2 else []),
        *(f"{one.name}: {note}" for one in report.measurements for note in one.notes),
    ]


def _limit_lines(limit: ProcessorLimit | None) -> list[str]:
    peaks = {} if limit is None else limit.peaks
    if not peaks:
        return []
    found = ", ".join(f"{peak.peak_gops:.0f} in {name} ({peak.by})" for name, peak in peaks.items())
    return [
        "In brackets: how many times what the matrix products take at the processor's own peak, which is "
        f"{found}, in 1e9 operations a second; int8 and int4 against int8, all others against fp32."
    ]
