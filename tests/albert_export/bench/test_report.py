"""The report of a benchmark: statistics, ratios, JSON, the table, the budget."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from albert_export.bench.machine import machine_facts
from albert_export.bench.measurement import Answers, Equality, Failure, Measurement, Statistics, percentile_95
from albert_export.bench.report import BenchReport, ResourceBudget
from albert_export.bench.settings import Settings, Workload
from albert_export.bench.table import bench_table
from albert_runtime.errors import AlbertError, BudgetError

ROUND: dict[str, Any] = {
    "task": "question-answering",
    "precision": "fp32",
    "engine": "onnx 1.0",
    "notes": [],
    "file_bytes": 44_000_000,
    "load_ms": 50.0,
    "engine_load_ms": 40.0,
    "first_ms": 70.0,
    "memory_bytes": 90_000_000,
    "tokenizer_bytes": 90_000_000,
    "peak_bytes": 100_000_000,
    "runs_ms": {"32": [15.0, 16.0, 17.0], "128": [60.0, 59.0, 64.0]},
    "grow_ms": [1.0, 3.0, 2.0],
    "shrink_ms": [0.0, -1.0, 1.0],
}
SMALL = {
    **ROUND,
    "file_bytes": 11_000_000,
    "memory_bytes": 30_000_000,
    "tokenizer_bytes": 30_000_000,
    "runs_ms": {"32": [6.0], "128": [15.0]},
}
WITHOUT_MEMORY = {
    **ROUND,
    "memory_bytes": None,
    "tokenizer_bytes": None,
    "peak_bytes": None,
    "grow_ms": None,
    "shrink_ms": None,
    "notes": ["no /proc"],
}


def report_of(*bundles: Measurement | Failure) -> BenchReport:
    return BenchReport(machine_facts(), Settings(lengths=(32, 128)), bundles)


def test_statistics_are_over_the_rounds() -> None:
    slower = {**ROUND, "load_ms": 70.0, "runs_ms": {"32": [30.0], "128": [80.0]}, "grow_ms": [9.0]}
    one = Measurement.of("a", [ROUND, slower, ROUND])
    assert one.load_ms == Statistics(50.0, 50.0, 70.0)
    assert one.latency_ms == {32: Statistics(16.0, 16.0, 30.0), 128: Statistics(60.0, 60.0, 80.0)}
    assert one.grow_ms == Statistics(2.0, 1.0, 9.0)  # of all seven changes


def test_json_has_the_ratios_to_the_first() -> None:
    report = report_of(Measurement.of("a", [ROUND]), Failure("bundle", "b", "no", 3), Measurement.of("c", [SMALL]))
    record = json.loads(json.dumps(report.to_dict()))
    assert [one["bundle"] for one in record["bundles"]] == ["a", "b", "c"]
    assert record["bundles"][1] == {"bundle": "b", "kind": "bundle", "name": "b", "error": "no", "exit_code": 3}
    ratios = record["bundles"][2]["ratios_to_first"]
    assert ratios == {
        "file": 4.0,
        "load": 1.0,
        "first_answer": None,
        "memory": 3.0,
        "latency": {"32": 16 / 6, "128": 4.0},
        "question": None,
    }
    assert record["bundles"][2]["rounds"] == [SMALL]
    assert record["settings"]["lengths"] == [32, 128]
    assert record["machine"]["cores"] >= record["machine"]["usable_cores"] >= 1


def test_the_table_has_a_row_for_each_bundle() -> None:
    report = report_of(
        Measurement.of("a", [ROUND]),
        Failure("bundle", "b", "no", 3),
        Measurement.of("long/name", [SMALL]),
        Measurement.of("d", [WITHOUT_MEMORY]),
    )
    lines = bench_table(report).splitlines()
    assert lines[0].split()[0] == "bundle"
    assert (
        " ".join(lines[1].split()) == "a 44.0 50.0 40.0 90.0 90.0 100.0 70.0 16.0 ±0.0 60.0 ±0.0 2.0 1.00x 1.00x 1.00x"
    )
    assert lines[2].split() == ["b", "not", "measured"]
    assert lines[3].split()[-3:] == ["4.00x", "3.00x", "2.67x"]
    assert " ".join(lines[4].split()) == "d 44.0 50.0 40.0 - - - 70.0 16.0 ±0.0 60.0 ±0.0 - 1.00x - 1.00x"
    assert len({len(line) for line in (lines[0], lines[1], lines[3], lines[4])}) == 1
    assert lines[-1] == "d: no /proc"


def test_the_table_says_that_the_machine_is_busy() -> None:
    for load, busy in ((None, False), (0.1, False), (9.5, True)):
        machine = {**machine_facts(), "cores": 2, "load_average": load}
        table = bench_table(BenchReport(machine, Settings(), (Measurement.of("a", [ROUND]),)))
        assert ("a load of 9.5 on 2 cores" in table) is busy


def test_one_bundle_is_compared_with_nothing() -> None:
    assert "smaller" not in bench_table(report_of(Measurement.of("a", [ROUND])))


def test_all_violations_of_a_budget_are_listed() -> None:
    report = report_of(Measurement.of("a", [ROUND]), Measurement.of("c", [SMALL]))
    report.raise_if_failed(ResourceBudget())
    report.raise_if_failed(ResourceBudget(size_mb=44, memory_mb=90, load_ms=50, latency_ms=60))
    with pytest.raises(BudgetError) as caught:
        report.raise_if_failed(ResourceBudget(size_mb=11.8, memory_mb=36, load_ms=40, latency_ms=20))
    assert str(caught.value).splitlines()[1:] == [
        "  - a: 44.0 MB of file, --max-size is 11.8",
        "  - a: 90.0 MB of memory, --max-memory is 36",
        "  - a: 50.0 ms to load, --max-load is 40",
        "  - a: 60.0 ms at 128 tokens, --max-latency is 20",
        "  - c: 50.0 ms to load, --max-load is 40",
    ]


def test_a_budget_for_memory_that_can_not_be_measured_is_violated() -> None:
    with pytest.raises(BudgetError, match="MB of memory can't be measured on this system"):
        report_of(Measurement.of("a", [WITHOUT_MEMORY])).raise_if_failed(ResourceBudget(memory_mb=36))


def test_a_failure_is_raised_before_the_budget_is_checked() -> None:
    report = report_of(Measurement.of("a", [ROUND]), Failure("bundle", "b", "no such engine", 4))
    with pytest.raises(AlbertError, match="b: no such engine") as caught:
        report.raise_if_failed(ResourceBudget(size_mb=1))
    assert caught.value.exit_code == 4
    with pytest.raises(AlbertError, match=r"^no such engine$"):
        report_of(Failure("bundle", "b", "no such engine", 4)).raise_if_failed(ResourceBudget())


ANSWERED: dict[str, Any] = {
    **ROUND,
    "engine": "torch 2.0",
    "versions": {"torch": "2.0"},
    "first_answer_ms": 3000.0,
    "process_bytes": 500_000_000,
    "texts": {"answers": ["a", "b"], "one_at_a_time_ms": 100.0, "batched_ms": 40.0, "as_list_ms": 80.0},
    "questions": {"answers": ["Paris", "Rome"], "each_ms": [100.0, 300.0]},
}


def test_texts_and_questions() -> None:
    other = {**ANSWERED, "texts": {**ANSWERED["texts"], "one_at_a_time_ms": 200.0}}
    one = Measurement.of("p", [ANSWERED, other], kind="peer", conversion_ms=5.0, equal_answers=Equality(0.5, 1.0))
    assert one.texts is not None
    assert one.texts.texts == 4
    assert one.texts.one_at_a_time_per_s == Statistics(15.0, 10.0, 20.0)
    assert one.texts.batched_per_s.median == 50.0
    assert one.texts.as_list_per_s == Statistics(25.0, 25.0, 25.0)
    assert one.texts.equal_answers == 0.5
    assert one.questions is not None
    assert one.questions.questions == 4
    assert one.questions.question_ms == Statistics(200.0, 200.0, 200.0)
    assert one.questions.equal_answers == 1.0
    assert "answers" not in one.rounds[0]["questions"]
    assert "answers" in ANSWERED["questions"]
    fast = {**ANSWERED, "questions": {"answers": ["Paris", "Rome"], "each_ms": [50.0, 50.0]}}
    assert Measurement.of("q", [fast]).ratios(one)["question"] == 4.0


def test_equal_answers_are_those_that_both_gave() -> None:
    reference = Answers(("a", "b", None), ("Paris", "Rome"))
    assert Equality.between(Answers(("a", "c", "d"), ("Paris", "Rome")), reference) == Equality(0.5, 1.0)
    assert Equality.between(Answers((None, None, None)), reference) == Equality(None, None)


def test_answers_of_all_rounds_are_in_the_order_of_the_workload() -> None:
    workload = Workload(texts=("a", "b", "c", "d", "e"))
    rounds = [{"texts": {"answers": list(workload.share(number, 3).texts)}} for number in range(3)]
    assert Answers.of(rounds) == Answers(workload.texts)
    assert not Answers.of([ROUND])


def test_percentiles() -> None:
    assert percentile_95(range(1, 101)) == 95
    assert percentile_95([3, 1, 2]) == 3
    assert percentile_95([7]) == 7


def report_with_peers() -> BenchReport:
    peers = (
        Measurement.of("transformers", [ANSWERED], kind="peer", equal_answers=Equality(1.0, 1.0)),
        Failure("peer", "openvino", "openvino not installed: pip install openvino", 4),
    )
    workload = Workload(("a", "b"), "lines.txt", (("q", "c"),), "dev.json")
    bundles = (Measurement.of("a", [ROUND]),)
    return BenchReport(machine_facts(), Settings(), bundles, peers, workload, (0, 1), "transformers")


def test_peers_in_json() -> None:
    record = json.loads(json.dumps(report_with_peers().to_dict()))
    transformers, openvino = record["peers"]
    assert (transformers["kind"], transformers["name"]) == ("peer", "transformers")
    assert transformers["ratios_to_first"]["file"] == 1.0
    assert transformers["versions"] == {"torch": "2.0"}
    assert transformers["process_bytes"]["median"] == 500_000_000
    assert openvino["error"].endswith("pip install openvino")
    assert record["affinity"] == [0, 1]
    assert record["threads"] >= 1
    assert record["reference"] == "transformers"
    assert record["workload"] == {
        "texts_file": "lines.txt", "texts": 2, "questions_file": "dev.json", "questions": 1,
    }  # fmt: skip


def test_peers_in_the_table() -> None:
    lines = bench_table(report_with_peers()).splitlines()
    assert lines[0].startswith("bundle or peer")
    assert lines[2].split()[0] == "transformers"
    assert lines[3].split() == ["openvino", "not", "measured"]
    assert "first answer ms" in lines[5]
    assert lines[7].split() == [
        "transformers", "3000.0", "500.0", "17.0", "64.0", "20.0", "25.0", "50.0", "100.0%", "200.0", "100.0%",
    ]  # fmt: skip
    assert "Same answers: as transformers gives to some or all of them." in lines
    assert lines[-1] == "openvino: openvino not installed: pip install openvino"


def test_peers_are_not_judged() -> None:
    report = report_with_peers()
    report.raise_if_failed(ResourceBudget(load_ms=50, latency_ms=60))  # the bundle keeps it; openvino failed
    slow = Measurement.of("slow", [{**ANSWERED, "load_ms": 900.0}], kind="peer")
    BenchReport(report.machine, report.settings, report.bundles, (slow,)).raise_if_failed(ResourceBudget(load_ms=50))


def test_machines(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 avx512_vnni avx2x\n")
    facts = machine_facts(cpuinfo)
    assert (facts["cpu"], facts["cpu_flags"]) == ("Some CPU", ["avx2", "avx512_vnni"])
    cpuinfo.write_text("processor\t: 0\nFeatures\t: fp asimd asimddp\n\nModel\t\t: Raspberry Pi 5\n")
    facts = machine_facts(cpuinfo)
    assert (facts["cpu"], facts["cpu_flags"]) == ("Raspberry Pi 5", ["asimd", "asimddp"])
    facts = machine_facts(tmp_path / "none")
    assert facts["cpu"]
    assert facts["cpu_flags"] == []
