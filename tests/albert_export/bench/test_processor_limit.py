"""The processor's limit: the best of what the libraries reach, and the least time that follows."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from albert_export.bench import processor_limit
from albert_export.bench.processor_limit import Peak, ProcessorLimit, measure_limit


def record(precision: str, gops: float, by: str = "a 1.0", size: int = 512) -> dict[str, Any]:
    return {"precision": precision, "gops": gops, "by": by, "size": size}


def test_the_best_of_all_libraries_and_sizes() -> None:
    limit = ProcessorLimit.of(
        2, [record("fp32", 100), record("fp32", 200, "b 2.0", 256), record("fp32", 150), record("int8", 800)]
    )
    assert limit == ProcessorLimit(2, Peak(200, "b 2.0", 256), Peak(800, "a 1.0", 512))


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("fp32", 10.0), ("fp16", 10.0), ("bf16", 10.0), ("int8", 2.5), ("int8-static", 2.5), ("int4", 2.5)],
)
def test_the_limit_of_each_precision(precision: str, expected: float) -> None:
    limit = ProcessorLimit.of(2, [record("fp32", 200), record("int8", 800)])
    assert limit.milliseconds(2e9, precision) == expected


def test_a_precision_that_no_library_ran_has_no_limit() -> None:
    limit = ProcessorLimit.of(2, [record("fp32", 200)])
    assert limit.int8 is None
    assert limit.milliseconds(2e9, "int8") is None
    assert limit.milliseconds(2e9, "fp32") == 10.0


def test_the_better_of_two_measurements() -> None:
    first = ProcessorLimit.of(2, [record("fp32", 100, "first"), record("int8", 900, "first")])
    second = ProcessorLimit.of(2, [record("fp32", 200, "second"), record("int8", 800, "second")])
    assert first.better_of(second) == ProcessorLimit(2, Peak(200, "second", 512), Peak(900, "first", 512))
    nothing = ProcessorLimit(2, None, None)
    assert nothing.better_of(first) == first
    assert first.better_of(nothing) == first


def test_each_library_is_measured_in_a_process_with_the_threads_of_the_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(
        processor_limit, "_measured", lambda name, threads: asked.append((name, threads)) or [record("fp32", 1, name)]
    )
    lines: list[str] = []
    assert measure_limit(3, progress=lines.append).threads == 3
    assert asked == [("onnx", 3), ("litert", 3), ("torch", 3)]
    assert len(lines) == 3
    assert all("limit" in line for line in lines)


def test_a_process_that_ends_with_an_error_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert measure_limit(1) == ProcessorLimit(1, None, None)
