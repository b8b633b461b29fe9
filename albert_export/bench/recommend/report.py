"""A recommendation as text and as JSON types: the ranked table, the reason, and the lines that use it."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import Any

from albert_export.bench.measurement import Failure, Measurement
from albert_export.bench.recommend.recommendation import AS_FAST, Ranked, Recommendation
from albert_export.utils.text_table import render_table

_ABSENT = "-"


def recommendation_text(found: Recommendation) -> str:
    """Return the ranked table, the reason, and the lines of Python and shell that use what is recommended."""
    settings, machine = found.settings, found.machine
    headings = ["bundle", "precision", "engine", f"{found.length} tokens ms", "memory MB", "file MB"]
    headings += ["answers kept", ""]
    lines = [
        render_table([_row(found, one) for one in found.ranked], headings),
        "",
        reason(found),
        *_threads_sentence(found),
        "",
        f"In Python:   {python_line(found)}",
        f"In a shell:  {shell_line(found)}",
        "",
        f"{machine['cpu']}, {machine['usable_cores']} cores, {' '.join(machine['cpu_flags'])}; batch {settings.batch}; "
        f"medians of {settings.rounds} rounds in turn, ± half of their range, {settings.runs} runs in each.",
        f"Answers kept: as the manifests say, of 100 that the export compared with the original's; {found.budget}.",
    ]
    return "\n".join(lines)


def recommendation_dict(found: Recommendation) -> dict[str, Any]:
    """Return the recommendation as JSON types; names of figures end with their unit."""
    return {
        "task": found.task.name,
        "machine": found.machine,
        "settings": {name: getattr(found.settings, name) for name in ("lengths", "batch", "threads", "rounds", "runs")},
        "budget": found.budget.to_dict(),
        "candidates": [_record(found, one) for one in found.ranked],
        "threads_ms": {count: asdict(figures) for count, figures in found.threads_ms.items()},
        "recommended": {
            **_names(found.chosen),
            "threads": found.threads,
            "reason": reason(found),
            "python": python_line(found),
            "shell": shell_line(found),
        },
    }


def reason(found: Recommendation) -> str:
    """Return why this one is recommended: how fast it is, what it keeps, and how far the next is behind."""
    chosen, rival = found.chosen, found.next_best
    accuracy = chosen.candidate.accuracy
    own = chosen.milliseconds(found.length)
    assert own is not None  # only what was measured is recommended
    kept = (
        f"it keeps {accuracy} of the original's answers"
        if accuracy.is_known
        else "its manifest does not say how many answers it keeps: measure that with albert-export verify or evaluate"
    )
    first = f"{chosen.candidate} on {_engine(chosen)}: {own.median:.1f} ms for {found.length} tokens, and {kept}."
    theirs = None if rival is None else rival.milliseconds(found.length)
    if rival is None or theirs is None:
        return f"{first} Nothing else was measured that keeps the answers."
    behind = f"{rival.candidate} on {_engine(rival)}"
    if theirs.median <= AS_FAST * own.median:
        memory = f" and takes {rival.memory_bytes / 1e6:.1f} MB" if rival.memory_bytes else ""
        less = f" instead of {chosen.memory_bytes / 1e6:.1f}" if memory and chosen.memory_bytes else ""
        return f"{first} {behind} is as fast ({theirs.median:.1f} ms){memory}{less}."
    noise = ", but their times overlap: more --rounds would tell" if theirs.least <= own.most else ""
    times = f"{theirs.median / own.median:.2f} times as long ({theirs.median:.1f} ms)"
    return f"{first} The next, {behind}, takes {times}{noise}."


def python_line(found: Recommendation) -> str:
    """Return the line of Python that opens what is recommended."""
    candidate = found.chosen.candidate
    precision = f", precision={candidate.precision!r}" if candidate.one_of_several else ""
    options = f"engine={candidate.engine!r}, threads={found.threads}{precision}"
    return f"albert_runtime.load({str(candidate.bundle)!r}, {options})"


def shell_line(found: Recommendation) -> str:
    """Return the command that answers a request with what is recommended."""
    candidate = found.chosen.candidate
    options = ["--engine", str(candidate.engine), "--threads", str(found.threads)]
    options += ["--precision", candidate.precision] if candidate.one_of_several else []
    return f"{shlex.join(['albert-export', 'run', str(candidate.bundle), *options])} {found.task.example}"


def _threads_sentence(found: Recommendation) -> list[str]:
    if len(found.threads_ms) < 2:
        return []
    times = ", ".join(f"{count}: {figures.median:.1f} ms" for count, figures in found.threads_ms.items())
    return [f"Threads: {found.threads}, the fewest that are as fast as any ({times})."]


def _row(found: Recommendation, one: Ranked) -> list[str]:
    candidate, result = one.candidate, one.result
    verdict = "recommended" if one is found.chosen else one.excess
    if isinstance(result, Failure):
        blank = [_ABSENT] * 3
        return [str(candidate.bundle), candidate.precision, candidate.engine or _ABSENT, *blank,
                str(candidate.accuracy), result.error.splitlines()[0]]  # fmt: skip
    return [
        str(candidate.bundle),
        candidate.precision,
        result.engine,
        result.latency_ms[found.length].with_spread,
        _ABSENT if result.memory_bytes is None else f"{result.memory_bytes.median / 1e6:.1f}",
        f"{result.file_bytes / 1e6:.1f}",
        str(candidate.accuracy),
        verdict,
    ]


def _record(found: Recommendation, one: Ranked) -> dict[str, Any]:
    result = one.result
    record: dict[str, Any] = {**_names(one), "accuracy": asdict(one.candidate.accuracy), "excess": one.excess}
    if isinstance(result, Failure):
        return {**record, "error": result.error, "exit_code": result.exit_code}
    return {
        **record,
        "engine_version": result.engine,
        "latency_ms": asdict(result.latency_ms[found.length]),
        "memory_bytes": None if result.memory_bytes is None else asdict(result.memory_bytes),
        "file_bytes": result.file_bytes,
    }


def _names(one: Ranked) -> dict[str, Any]:
    candidate = one.candidate
    return {"bundle": str(candidate.bundle), "precision": candidate.precision, "engine": candidate.engine}


def _engine(one: Ranked) -> str:
    return one.result.engine if isinstance(one.result, Measurement) else str(one.candidate.engine)
