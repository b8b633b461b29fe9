"""What is recommended: the fastest that keeps the answers, with the engines, precisions and threads that there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from albert_export.bench.machine import machine_facts
from albert_export.bench.measurement import Failure, Measurement, Statistics
from albert_export.bench.recommend import candidates, recommendation
from albert_export.bench.recommend.candidates import Candidate, candidates_of
from albert_export.bench.recommend.kept_accuracy import KeptAccuracy
from albert_export.bench.recommend.recommendation import fewest_threads, recommend
from albert_export.bench.recommend.report import recommendation_dict, recommendation_text
from albert_export.bench.report import BenchReport
from albert_export.bench.settings import Settings
from albert_export.quantization.accuracy_options import AccuracyBudget
from albert_runtime.errors import AccuracyError, AlbertError, UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf

SETTINGS = Settings(lengths=(128,), rounds=2, runs=1, threads=2)
RECORD: dict[str, Any] = {
    "task": "question-answering", "precision": "int8", "engine": "onnx 1.0", "notes": [], "file_bytes": 10_000_000,
    "load_ms": 5.0, "engine_load_ms": 4.0, "first_ms": 7.0, "tokenizer_bytes": None, "peak_bytes": None,
    "grow_ms": None, "shrink_ms": None,
}  # fmt: skip


def candidate(name: str, agreement: float | None = 100.0, engine: str | None = "onnx", **fields: Any) -> Candidate:
    fields = {"precision": "int8", "one_of_several": False, **fields}
    return Candidate(Path(name), engine=engine, accuracy=KeptAccuracy(agreement), **fields)


Given = Callable[..., Any]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """A function that recommends among candidates with these times and megabytes, for each round.

    A text instead of a time is an error.
    """

    def run(*rows: tuple[Candidate, Sequence[float] | str, int], settings: Settings = SETTINGS, **budget: float) -> Any:
        by_key = {(one.bundle, one.engine, one.precision): (times, memory) for one, times, memory in rows}
        calls: dict[object, int] = {}
        asked: list[tuple[str, int | None]] = []

        def run_bench(bundles: list[Path], own: Settings) -> BenchReport:
            key = (bundles[0], own.engine, own.precision)
            times, memory = by_key[key]
            asked.append((str(bundles[0]), own.threads))
            assert (own.rounds, own.resize) == (1, (128, 128))
            if isinstance(times, str):
                return BenchReport({}, own, (Failure("bundle", str(bundles[0]), times, 4),))
            number = calls[key, own.threads] = calls.get((key, own.threads), -1) + 1
            time = times[number % len(times)] / (1 if own.threads == 2 else 0.5)
            record = {**RECORD, "memory_bytes": memory * 1_000_000, "runs_ms": {"128": [time]}}
            return BenchReport({}, own, (Measurement.of(str(bundles[0]), [record]),))

        monkeypatch.setattr(recommendation, "run_bench", run_bench)
        monkeypatch.setattr(
            recommendation, "candidates_of", lambda _: (TASKS["question-answering"], [one for one, *_ in rows])
        )
        found = recommend([one.bundle for one, *_ in rows], settings, AccuracyBudget(**budget))
        return replace(found, machine={**machine_facts(), "asked": asked})

    return run


def test_the_fastest_first_and_each_once_in_a_round(given: Given) -> None:
    found = given(
        (candidate("slow"), (90, 110), 40), (candidate("fast"), (20, 22), 40), (candidate("mid"), (50, 50), 9)
    )
    assert [str(one.candidate) for one in found.ranked] == ["fast", "mid", "slow"]
    assert str(found.chosen.candidate) == "fast"
    assert found.machine["asked"] == [("slow", 2), ("fast", 2), ("mid", 2)] * 2
    text = recommendation_text(found)
    assert "fast on onnx 1.0: 21.0 ms for 128 tokens, and it keeps 100.0% of the original's answers." in text
    assert "The next, mid on onnx 1.0, takes 2.38 times as long (50.0 ms)." in text
    assert "albert_runtime.load('fast', engine='onnx', threads=2)" in text
    assert "albert-export run fast --engine onnx --threads 2 --question" in text


def test_of_two_that_are_as_fast_the_one_with_less_memory(given: Given) -> None:
    found = given(
        (candidate("large"), (20, 20), 116), (candidate("small"), (20.5, 20.5), 30), (candidate("x"), (30,), 1)
    )
    assert str(found.chosen.candidate) == "small"
    assert "large on onnx 1.0 is as fast (20.0 ms) and takes 116.0 MB instead of 30.0." in recommendation_text(found)


def test_times_that_overlap_are_said_to(given: Given) -> None:
    text = recommendation_text(given((candidate("a"), (20, 40), 1), (candidate("b"), (35, 36), 1)))
    assert "takes 1.18 times as long (35.5 ms), but their times overlap" in text


def test_a_bundle_that_lost_answers_is_in_the_table_and_not_recommended(given: Given) -> None:
    rows = [(candidate("lossy", 97.0), (10, 10), 1), (candidate("exact"), (60, 60), 1)]
    found = given(*rows)
    assert str(found.chosen.candidate) == "exact"
    assert found.ranked[0].excess == "3.0 of 100 answers differ"
    assert "Nothing else was measured that keeps the answers." in recommendation_text(found)
    assert str(given(*rows, differing_answers=3).chosen.candidate) == "lossy"


def test_what_is_not_known_is_recommended_only_alone(given: Given) -> None:
    unknown = (candidate("unknown", None), (10, 10), 1)
    assert str(given(unknown, (candidate("known"), (60, 60), 1)).chosen.candidate) == "known"
    text = recommendation_text(given(unknown))
    assert "its manifest does not say how many answers it keeps" in text
    assert "not known" in text


def test_whatever_runs_has_lost_too_much(given: Given) -> None:
    with pytest.raises(AccuracyError) as caught:
        given((candidate("a", 90.0), (10,), 1), (candidate("b", 80.0), (10,), 1))
    for part in ("a: 10.0 of 100 answers differ", "b: 20.0 of 100 answers differ", "--max-drop"):
        assert part in str(caught.value)


def test_nothing_runs(given: Given) -> None:
    with pytest.raises(AlbertError, match="none of the bundles runs here") as caught:
        given((candidate("a"), "needs onnxruntime: pip install onnxruntime", 1), (candidate("b", engine=None), "no", 1))
    assert "a: needs onnxruntime" in str(caught.value)
    assert "b: no" in str(caught.value)
    assert caught.value.exit_code == 4


def test_one_that_does_not_run_is_last_and_says_why(given: Given) -> None:
    found = given((candidate("broken"), "it lacks an operator\nmore", 1), (candidate("ok"), (10, 10), 1))
    assert [str(one.candidate) for one in found.ranked] == ["ok", "broken"]
    assert "it lacks an operator" in recommendation_text(found)
    [first, second] = recommendation_dict(found)["candidates"]
    assert (second["exit_code"], second["error"]) == (4, "it lacks an operator\nmore")
    assert first["latency_ms"]["median"] == 10


def test_threads_are_compared_unless_given(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "usable_cores", lambda: 2)
    found = given((candidate("a"), (10, 10), 1), settings=replace(SETTINGS, threads=None))
    assert found.threads_ms == {1: Statistics(20, 20, 20), 2: Statistics(10, 10, 10)}
    assert found.threads == 2
    assert "Threads: 2, the fewest that are as fast as any (1: 20.0 ms, 2: 10.0 ms)." in recommendation_text(found)
    assert recommendation_dict(found)["threads_ms"][1]["median"] == 20


@pytest.mark.parametrize(
    ("medians", "expected"),
    [({1: 20, 2: 11, 4: 10}, 4), ({1: 20, 2: 10.2, 4: 10}, 2), ({1: 10, 2: 11}, 1), ({1: 10}, 1)],
)
def test_the_fewest_threads(medians: dict[int, float], expected: int) -> None:
    assert fewest_threads({count: Statistics(time, time, time) for count, time in medians.items()}) == expected


def test_json(given: Given) -> None:
    found = given((candidate("a b", precision="int4", one_of_several=True), (10, 10), 1))
    record = json.loads(json.dumps(recommendation_dict(found)))
    assert record["recommended"]["python"] == "albert_runtime.load('a b', engine='onnx', threads=2, precision='int4')"
    assert record["recommended"]["shell"].startswith(
        "albert-export run 'a b' --engine onnx --threads 2 --precision int4"
    )
    assert record["candidates"][0]["accuracy"]["agreement"] == 100.0


def test_candidates_are_graphs_and_installed_engines(bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = bundle_of("question-answering")
    monkeypatch.setattr(candidates, "installed_engines", lambda _: ["onnx", "other", "tf-lite"])
    task, found = candidates_of([bundle, bundle])
    assert task.name == "question-answering"
    assert [one.engine for one in found] == ["onnx", "other"]
    assert found[0].accuracy.agreement == 100.0
    for installed, expected in ((["tf-lite"], ["tf-lite"]), ([], [None])):
        monkeypatch.setattr(candidates, "installed_engines", lambda _, names=installed: names)
        assert [one.engine for one in candidates_of([bundle])[1]] == expected


def test_all_that_cannot_be_opened_are_named(tmp_path: Path, bundle_of: CheckpointOf) -> None:
    with pytest.raises(AlbertError) as caught:
        candidates_of([tmp_path, bundle_of("fill-mask"), tmp_path / "missing"])
    assert f"{tmp_path} is an empty folder" in str(caught.value)
    assert "missing" in str(caught.value)


def test_tasks_are_not_mixed(bundle_of: CheckpointOf) -> None:
    with pytest.raises(UsageError, match="different tasks"):
        candidates_of([bundle_of("question-answering"), bundle_of("fill-mask")])
