"""The bench's table: a row a bundle, columns aligned, and below it what the figures hold for."""

from __future__ import annotations

from albert_export.bench.report import BenchReport, Failed, Figure, Measured

_ABSENT = "-"


def bench_table(report: BenchReport) -> str:
    """The report for a reader. Ratios are to the first row, in columns of their own if there are two rows or more."""
    measured = report.measured
    lengths = list(dict.fromkeys(length for one in measured for length in one.latency_ms))
    first = report.bundles[0]
    compare = len(report.bundles) > 1 and isinstance(first, Measured)
    header = ["bundle", "file MB", "load ms", "graph ms", "memory MB", "tokenizer MB", "peak MB", "first ms"]
    header += [*(f"{length} tokens ms" for length in lengths), "resize ms"]
    header += ["smaller", "less memory", "faster"] if compare else []
    rows = [header]
    for one in report.bundles:
        if isinstance(one, Failed):
            rows.append([one.bundle, "not measured"])
            continue
        row = [one.bundle, f"{one.file_bytes / 1e6:.1f}", _median(one.load_ms), _median(one.engine_load_ms)]
        row += [_median(one.memory_bytes, 1e6), _median(one.tokenizer_bytes, 1e6)]
        row += [_median(one.peak_bytes, 1e6), _median(one.first_ms)]
        row += [_with_spread(one.latency_ms.get(length)) for length in lengths]
        row.append(_resize(one))
        if isinstance(first, Measured) and compare:
            ratios = one.ratios(first)
            fastest = next((ratio for ratio in ratios["latency"].values() if ratio is not None), None)
            row += [_times(ratios["file"]), _times(ratios["memory"]), _times(fastest)]
        rows.append(row)
    return "\n".join([*_aligned(rows), "", *_legend(report)])


def _median(figure: Figure | None, unit: float = 1.0) -> str:
    return _ABSENT if figure is None else f"{figure.median / unit:.1f}"


def _with_spread(figure: Figure | None) -> str:
    return _ABSENT if figure is None else f"{figure.median:.1f} ±{(figure.most - figure.least) / 2:.1f}"


def _resize(one: Measured) -> str:
    """The dearer of the two directions."""
    both = [figure.median for figure in (one.grow_ms, one.shrink_ms) if figure is not None]
    return f"{max(both):.1f}" if both else _ABSENT


def _times(ratio: float | None) -> str:
    return _ABSENT if ratio is None else f"{ratio:.2f}x"


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=False))]
        )
        for row in rows
    ]


def _legend(report: BenchReport) -> list[str]:
    settings, machine = report.settings, report.machine
    engines = ", ".join(dict.fromkeys(one.engine for one in report.measured))
    threads = settings.threads or machine["usable_cores"]
    short, long = sorted(settings.resize)
    load = machine["load_average"] or 0.0
    busy = f"The machine was busy before this began: a load of {load:.1f} on {machine['cores']} cores."
    return [
        f"{engines}; {threads} threads, batch {settings.batch}; {machine['cpu']}, {machine['cores']} cores, "
        f"{' '.join(machine['cpu_flags'])}; python {machine['python']}",
        f"Medians of {settings.rounds} rounds, ± half their range; in each round a fresh process for each bundle, and "
        f"{settings.runs} runs at each length.",
        "Graph: the engine's part of the load; the rest is mostly the tokenizer's vocabulary.",
        "Memory is over the imports, after the load and one run, the tokenizer included; peak until the last run.",
        f"Resize: the first run after a change between {short} and {long} tokens, over the runs that follow.",
        "Tokenization is not timed. Ratios are to the first bundle; faster is at the first length.",
        *([busy] if load > machine["cores"] / 2 else []),
        *(f"{one.bundle}: {note}" for one in report.measured for note in one.notes),
    ]
