"""The page of a report: all figures and names are in it, nothing is loaded from elsewhere, and files are whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from albert_export.bench.machine import machine_facts
from albert_export.bench.measurement import Failure, Measurement
from albert_export.bench.page.writing import refuse_page, write_page
from albert_export.bench.processor_limit import Peak, ProcessorLimit
from albert_export.bench.report import BenchReport
from albert_export.bench.settings import Settings, Workload
from albert_runtime.errors import UsageError
from tests.albert_export.bench.test_report import ROUND

LIMIT = ProcessorLimit(2, Peak(200.0, "onnxruntime 1.32.0", 512), Peak(800.0, "torch 2.13.0", 1024))
RECORD: dict[str, Any] = {
    **ROUND,
    "grow_ms": None,
    "shrink_ms": None,
    "first_answer_ms": 800.0,
    "operations": {"32": 2_000_000_000, "128": 8_000_000_000},
    "texts": {"answers": ["a"] * 100, "one_at_a_time_ms": 4000.0, "batched_ms": 1000.0},
    "questions": {"answers": ["a", "b"], "each_ms": [100.0, 300.0]},
}
EVIL = "exports/<script>alert('1 & \"2\"')</script>"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += [data.strip()] if data.strip() else []

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def report_of(*bundles: Measurement | Failure, **fields: Any) -> BenchReport:
    return BenchReport(machine_facts(), Settings(lengths=(32, 128)), bundles, limit=LIMIT, **fields)


REPORT = report_of(
    Measurement.of("exports/onnx-fp32", [RECORD]),
    Measurement.of("exports/tflite-int8", [{**RECORD, "precision": "int8", "engine": "litert 2.3.0"}]),
    Failure("bundle", "exports/broken", "the engine <litert> does not run model.onnx", 3),
    peers=(Measurement.of("transformers", [{**RECORD, "operations": {}}], kind="peer"),),
    workload=Workload(("a",) * 100, "lines.txt"),
)


def page(report: BenchReport, tmp_path: Path) -> _Page:
    file = tmp_path / "page.html"
    write_page(report, file)
    return _Page(file.read_text(encoding="utf-8"))


def test_every_chart_has_a_row_for_each_that_was_measured(tmp_path: Path) -> None:
    found = page(REPORT, tmp_path)
    charts = found.of("svg")
    titles = [word for word in found.words if word in ("32 tokens", "128 tokens")]
    assert titles == ["32 tokens", "128 tokens"]
    assert len(charts) == 2 + 8  # latency, and file, memory, peak, load, first answer, question, texts twice
    assert all(chart["role"] == "img" and chart["aria-labelledby"] for chart in charts)
    assert [bar["class"] for bar in found.of("rect")] == ["onnx", "tflite", "peer"] * len(charts)


def test_the_limit_of_bundles_and_peers(tmp_path: Path) -> None:
    words = page(REPORT, tmp_path).words
    # 60 ms at 128 tokens; 8e9 operations take 40 ms in fp32 and 10 ms in int8
    assert words.count("60.0 ms · 1.5×") == 2
    assert words.count("60.0 ms · 6.0×") == 1
    [sentence] = [word for word in words if word.startswith("The limit is")]
    assert "200 billion operations a second in fp32 (onnxruntime 1.32.0)" in sentence
    assert "800 billion operations a second in int8 (torch 2.13.0)" in sentence


def test_facts_failures_and_tables(tmp_path: Path) -> None:
    found = page(REPORT, tmp_path)
    assert "100 of lines.txt" in found.words
    assert "the engine <litert> does not run model.onnx" in found.words
    assert REPORT.machine["cpu"] in " ".join(found.words)
    assert len(found.of("table")) == len(found.of("caption")) == 2
    for region in [one for one in found.of("div") if one.get("role") == "region"]:
        assert region["tabindex"] == "0"
        assert region["aria-label"]


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs(tmp_path: Path) -> None:
    found = page(report_of(Measurement.of(EVIL, [RECORD])), tmp_path)
    assert [script["type"] for script in found.of("script")] == ["application/json"]
    assert not any(name in attributes for _, attributes in found.tags for name in ("src", "href", "style", "onclick"))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(", text)


def test_the_page_holds_the_report_for_programs(tmp_path: Path) -> None:
    report = report_of(Measurement.of(EVIL, [RECORD]))
    write_page(report, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    [data] = re.findall(r'<script type="application/json" id="report">(.*?)</script>', text, re.DOTALL)
    assert json.loads(data) == json.loads(json.dumps(report.to_dict()))


def test_names_are_short_where_they_differ(tmp_path: Path) -> None:
    same = [Measurement.of(name, [RECORD]) for name in ("a/int8", "b/int8", "c/fp32")]
    words = page(report_of(*same), tmp_path).words
    for name in ("a/int8", "b/int8", "fp32"):
        assert name in words
    assert "c/fp32" not in words


def test_a_report_without_measurements(tmp_path: Path) -> None:
    found = page(report_of(Failure("bundle", "a", "no such bundle", 3)), tmp_path)
    assert "no such bundle" in found.words
    assert found.of("svg") == []


def test_a_report_without_a_limit_draws_none(tmp_path: Path) -> None:
    found = page(replace(REPORT, limit=None), tmp_path)
    assert not [line for line in found.of("line") if line["class"] == "mark"]
    assert "60.0 ms" in found.words


def test_a_page_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "page.html"
    file.write_text("older")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(UsageError, match="No space left"):
        patch.setattr(Path, "write_text", full)
        write_page(REPORT, file)
    assert file.read_text() == "older"
    write_page(REPORT, file)
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("page.txt", "its name ends in '.txt'"), ("page", "has no ending"), ("none/page.html", "there is no folder")],
)
def test_names_that_are_no_page(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        refuse_page(tmp_path / name)
