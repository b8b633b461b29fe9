"""The comparison of two graphs: its ratio, and its table."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CheckpointOf
from tools import latency_ratio


class Clock:
    """In place of the time module: it stands still unless someone moves it."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Takes:
    """A runner whose runs take the given seconds, one after the other, and then the last of them."""

    def __init__(self, clock: Clock, *seconds: float) -> None:
        self.clock, self.seconds = clock, list(seconds)

    def run(self, inputs: Any) -> None:
        self.clock.now += self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]


def test_the_ratio_is_that_of_neighbouring_runs_after_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(latency_ratio, "time", clock)
    warm_up = [9.0] * latency_ratio.WARM_UP
    # other load makes both slower at the same time
    first, second = Takes(clock, *warm_up, 2.0, 4.0, 10.0), Takes(clock, *warm_up, 3.0, 6.0, 15.0)
    found = latency_ratio.compare_latencies(first, second, {}, 3)
    assert found == pytest.approx((4000, 6000, 1.5))


def test_the_inputs_are_a_sequence_without_padding() -> None:
    arrays = latency_ratio.token_ids(5)
    assert {name: array.shape for name, array in arrays.items()} == dict.fromkeys(arrays, (1, 5))
    assert arrays["attention_mask"].tolist() == [[1] * 5]
    assert arrays["token_type_ids"].tolist() == [[0] * 5]


def test_a_bundle_stands_for_its_graph(tmp_path: Path) -> None:
    graph = tmp_path / "model.tflite"
    graph.touch()
    assert latency_ratio.graph_file(tmp_path) == graph
    assert latency_ratio.graph_file(graph) == graph


def test_the_table_has_a_row_for_each_length(
    tflite_bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(tflite_bundle_of("question-answering"))
    options = ["--lengths", "8", "16", "--threads", "1", "--runs", "1", "--rounds", "2"]
    monkeypatch.setattr(sys, "argv", ["latency_ratio", bundle, bundle, *options])
    latency_ratio.main()
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == ["8", "16"]
    assert all(re.fullmatch(r"\| \d+ \| 1 \|( [\d.]+ \|){3} [\d.]+ to [\d.]+ \|", row) for row in rows)
