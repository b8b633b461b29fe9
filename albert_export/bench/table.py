"""The tables of a benchmark run: a row for each bundle and each peer, and notes on how the figures were measured."""

from __future__ import annotations

from collections.abc import Callable

from albert_export.bench.measurement import Failure, Measurement, Statistics
from albert_export.bench.processor_limit import ProcessorLimit
from albert_export.bench.report import BenchReport
from albert_export.utils.text_table import render_table

_ABSENT = "-"
#: a heading, and the figure below it
_Column = tuple[str, Callable[[Measurement], str]]


def bench_table(report: BenchReport) -> str:
    """Return the report as text. With several subjects, further columns show the ratios to the first bundle.

    What only some runs measure has a table of its own: texts, questions and first answers.
    """
    tables = [_table(report, [*_load_columns(), *_latency_columns(report), *_ratio_columns(report)])]
    answers = _answer_columns(report)
    if answers:
        tables.append(_table(report, answers))
    return "\n".join([*(f"{table}\n" for table in tables), *legend(report)])


def _table(report: BenchReport, columns: list[_Column]) -> str:
    rows = [
        [one.name, "not measured"] if isinstance(one, Failure) else [one.name, *(figure(one) for _, figure in columns)]
        for one in report.subjects
    ]
    headings = ["bundle or peer" if report.peers else "bundle", *(heading for heading, _ in columns)]
    return render_table(rows, headings, align_right=True)


def _load_columns() -> list[_Column]:
    return [
        ("file MB", lambda one: f"{one.file_bytes / 1e6:.1f}"),
        ("load ms", lambda one: _median(one.load_ms)),
        ("graph ms", lambda one: _median(one.engine_load_ms)),
        ("memory MB", lambda one: _median(one.memory_bytes, 1e6)),
        ("tokenizer MB", lambda one: _median(one.tokenizer_bytes, 1e6)),
        ("peak MB", lambda one: _median(one.peak_bytes, 1e6)),
        ("first ms", lambda one: _median(one.first_ms)),
    ]


def _latency_columns(report: BenchReport) -> list[_Column]:
    lengths = list(dict.fromkeys(length for one in report.measurements for length in one.latency_ms))

    def column(length: int) -> _Column:
        return f"{length} tokens ms", lambda one: _latency(report, one, length)

    return [*map(column, lengths), ("resize ms", _resize)]


def _ratio_columns(report: BenchReport) -> list[_Column]:
    first = report.bundles[0]
    if len(report.subjects) < 2 or isinstance(first, Failure):
        return []

    def faster(one: Measurement) -> str:
        ratios = one.ratios(first)["latency"].values()
        return _times(next((ratio for ratio in ratios if ratio is not None), None))

    return [
        ("smaller", lambda one: _times(one.ratios(first)["file"])),
        ("less memory", lambda one: _times(one.ratios(first)["memory"])),
        ("faster", faster),
    ]


def _answer_columns(report: BenchReport) -> list[_Column]:
    """The columns of what goes from a text to its answer, without those that nothing was measured for."""
    lengths = list(dict.fromkeys(length for one in report.measurements for length in one.latency_p95_ms))

    def p95(length: int) -> _Column:
        return f"{length} tokens p95 ms", lambda one: _median(one.latency_p95_ms.get(length))

    columns: list[_Column] = [
        ("first answer ms", lambda one: _median(one.first_answer_ms)),
        ("process MB", lambda one: _median(one.process_bytes, 1e6)),
        *map(p95, lengths),
        ("texts/s", lambda one: _median(one.texts.one_at_a_time_per_s if one.texts else None)),
        ("as a list", lambda one: _median(one.texts.as_list_per_s if one.texts else None)),
        ("in batches", lambda one: _median(one.texts.batched_per_s if one.texts else None)),
        ("same answers to texts", lambda one: _percent(one.texts.equal_answers if one.texts else None)),
        ("question ms", lambda one: _median(one.questions.question_ms if one.questions else None)),
        ("same answers", lambda one: _percent(one.questions.equal_answers if one.questions else None)),
    ]
    return [
        (heading, figure) for heading, figure in columns if any(figure(one) != _ABSENT for one in report.measurements)
    ]


def _median(statistics: Statistics | None, unit: float = 1.0) -> str:
    return _ABSENT if statistics is None else f"{statistics.median / unit:.1f}"


def _latency(report: BenchReport, one: Measurement, length: int) -> str:
    figures, times = one.latency_ms.get(length), report.times_limit(one, length)
    return (_ABSENT if figures is None else figures.with_spread) + ("" if times is None else f" ({times:.1f}x)")


def _limit_lines(limit: ProcessorLimit | None) -> list[str]:
    peaks = {} if limit is None else limit.peaks
    if not peaks:
        return []
    found = ", ".join(f"{peak.peak_gops:.0f} in {name} ({peak.by})" for name, peak in peaks.items())
    return [
        "In brackets: how many times what the matrix products take at the processor's own peak, which is "
        f"{found}, in 1e9 operations a second; int8 and int4 against int8, all others against fp32."
    ]


def _resize(one: Measurement) -> str:
    """The cost of a change of the sequence length, in the direction in which it is higher."""
    both = [statistics.median for statistics in (one.grow_ms, one.shrink_ms) if statistics is not None]
    return f"{max(both):.1f}" if both else _ABSENT


def _times(ratio: float | None) -> str:
    return _ABSENT if ratio is None else f"{ratio:.2f}x"


def _percent(share: float | None) -> str:
    return _ABSENT if share is None else f"{100 * share:.1f}%"


def legend(report: BenchReport) -> list[str]:
    """Return how the figures were measured, and what is to be known of single rows: a sentence or two in each line."""
    settings, machine, workload = report.settings, report.machine, report.workload
    engines = ", ".join(dict.fromkeys(one.engine for one in report.measurements))
    short, long = sorted(settings.resize)
    load = machine["load_average"] or 0.0
    busy = f"The machine was already busy at the start: a load of {load:.1f} on {machine['cores']} cores."
    texts = (
        f"Texts: {len(workload.texts)} lines of {workload.texts_file}, each in one of the rounds: one at a time; in "
    )
    texts += "batches, which pipelines pad; and as a list, which pipelines run one by one."
    questions = f"Questions: {len(workload.questions)} of {workload.questions_file}, each in one of the rounds."
    return [
        f"{engines}; {report.threads} threads, batch {settings.batch}; {machine['cpu']}, {machine['cores']} cores, "
        f"{' '.join(machine['cpu_flags'])}; python {machine['python']}",
        f"Figures are medians of {settings.rounds} rounds, ± half of their range. Each round starts a new process for "
        f"each {'row' if report.peers else 'bundle'}, with {settings.runs} runs at each length.",
        "Graph: the engine's part of the load time; the rest is mostly for the tokenizer's vocabulary.",
        "Memory: resident after the load and one run, tokenizer included, less what the imports need; "
        "peak: until the last run; process: with the imports.",
        f"Resize: the extra time of the first run after a change between {short} and {long} tokens.",
        *_limit_lines(report.limit),
        "Tokenization is not timed. Ratios are to the first bundle; faster: at the first length.",
        "First answer: from the start of Python, with all imports and all checks of the load.",
        *([texts] if workload.texts else []),
        *([questions] if workload.questions else []),
        *([f"Same answers: as {report.reference} gives to some or all of them."] if report.reference else []),
        *([busy] if load > machine["cores"] / 2 else []),
        *(f"{one.name}: {note}" for one in report.measurements for note in one.notes),
        *(f"{one.name}: {one.error}" for one in report.peers if isinstance(one, Failure)),
    ]
