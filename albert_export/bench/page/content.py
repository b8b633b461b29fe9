"""PageContent: everything that the page of a benchmark run says, taken from its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from albert_export.bench.measurement import Failure, Measurement, Statistics
from albert_export.bench.page.entry import Entry, Latency
from albert_export.bench.processor_limit import ProcessorLimit
from albert_export.bench.report import BenchReport


@dataclass(frozen=True)
class PageContent:
    """Everything that the page says."""

    title: str
    #: what was measured and where, in one line
    subtitle: str
    entries: tuple[Entry, ...]
    #: how the latency was measured and what the limit is, a sentence each
    latency_text: tuple[str, ...]
    #: facts of the machine, the engines and the settings: name -> value
    facts: Mapping[str, str]
    #: how it was measured, and what is to be known of single rows
    notes: tuple[str, ...]
    #: name of what could not be measured -> why
    not_measured: Mapping[str, str]
    #: the report, which the page holds for programs
    data: Mapping[str, Any]

    @classmethod
    def of(cls, report: BenchReport, legend: tuple[str, ...]) -> PageContent:
        """Return the content for `report`, with the lines of `legend` as notes."""
        names = _names(report)
        tasks = list(dict.fromkeys(one.task for one in report.measurements))
        settings = report.settings
        about = (report.machine["cpu"], f"{report.threads} threads", f"batch {settings.batch}", _date(report))
        return cls(
            title=f"ALBERT benchmark: {', '.join(tasks)}" if tasks else "ALBERT benchmark",
            subtitle=", ".join(about),
            entries=tuple(_entry(report, one, names[one.name]) for one in report.measurements),
            latency_text=(
                "Median time of one run of the model, without tokenization. Less is better.",
                *_limit_sentence(report.limit),
            ),
            facts=_facts(report),
            notes=legend,
            not_measured={names[one.name]: one.error for one in report.subjects if isinstance(one, Failure)},
            data=report.to_dict(),
        )


def _names(report: BenchReport) -> dict[str, str]:
    """The name of each subject -> what the page calls it: a bundle's last folder, if that is no other's too."""
    short = {one.name: PurePath(one.name).name or one.name for one in report.subjects}
    count = Counter(short.values())
    return {name: last if count[last] == 1 else name for name, last in short.items()}


def _entry(report: BenchReport, one: Measurement, name: str) -> Entry:
    family = "peer" if one.kind == "peer" else "onnx" if one.engine.startswith("onnx") else "tflite"
    latency = {}
    for length, figures in one.latency_ms.items():
        p95 = one.latency_p95_ms.get(length)
        latency[length] = Latency(figures.median, _median(p95), report.limit_ms(one, length))
    return Entry(
        name=name,
        family=family,
        engine=one.engine,
        precision=one.precision,
        file_mb=one.file_bytes / 1e6,
        load_ms=_median(one.load_ms),
        first_answer_ms=_median(one.first_answer_ms),
        memory_mb=_median(one.memory_bytes, 1e6),
        peak_mb=_median(one.peak_bytes, 1e6),
        question_ms=_median(one.questions.question_ms) if one.questions else None,
        texts_per_second=_median(one.texts.one_at_a_time_per_s) if one.texts else None,
        batched_texts_per_second=_median(one.texts.batched_per_s) if one.texts else None,
        latency=latency,
    )


def _median(figures: Statistics | None, unit: float = 1.0) -> float | None:
    return None if figures is None else figures.median / unit


def _limit_sentence(limit: ProcessorLimit | None) -> list[str]:
    peaks = {} if limit is None else limit.peaks
    found = [
        f"{peak.peak_gops:,.0f} billion operations a second in {precision} ({peak.by})"
        for precision, peak in peaks.items()
    ]
    if not found:
        return []
    return [
        "The limit is what the matrix products of a run take at the processor's own peak, which was measured in the "
        f"same run: {' and '.join(found)}. Models in int8 and int4 are held against int8, all others against fp32."
    ]


def _facts(report: BenchReport) -> dict[str, str]:
    machine, settings, workload = report.machine, report.settings, report.workload
    versions = {name: text for one in report.measurements for name, text in one.versions.items()}
    bound = "" if report.affinity is None else f", bound to the cores {', '.join(map(str, report.affinity))}"
    files = {"Texts": (workload.texts_file, workload.texts), "Questions": (workload.questions_file, workload.questions)}
    return {
        "Processor": f"{machine['cpu']}, {machine['architecture']}, {machine['cores']} cores",
        "Instructions": ", ".join(machine["cpu_flags"]) or "not known",
        "Threads": f"{report.threads}{bound}",
        "System": f"{machine['system']}, Python {machine['python']}",
        "Engines": ", ".join(dict.fromkeys(one.engine for one in report.measurements)) or "none",
        "Packages": ", ".join(
            f"{name} {text}" for name, text in {"albert-export": machine["albert_export"], **versions}.items()
        ),
        "Date": _date(report),
        "Settings": f"batch {settings.batch}, {settings.rounds} rounds, {settings.runs} runs at each length in a round",
        **{name: f"{len(lines):,} of {file}" for name, (file, lines) in files.items() if file is not None},
    }


def _date(report: BenchReport) -> str:
    return f"{datetime.fromisoformat(report.machine['date']):%d %B %Y, %H:%M} UTC"
