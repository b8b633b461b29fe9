"""The tool that measures the way to the first answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import albert_runtime
from albert_runtime.self_test import make_self_test
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph
from tools import start_times


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_tiny_bundle_in_every_way(tmp_path: Path) -> None:
    graph = question_answering_graph()
    plain = make_bundle(tmp_path / "qa", "question-answering", model=graph)
    vector = make_self_test(albert_runtime.load(plain), {"question": "where", "context": "in paris"}, 1e-5)
    bundle = make_bundle(tmp_path / "qa", "question-answering", model=graph, self_test=(vector,))
    measured = start_times.measure([bundle], 1, Path(start_times.__file__).parents[1])
    ways = ["cache off", "first load", "cached"]
    assert sorted(way for _, way in measured) == sorted([*ways, str(Path(start_times.__file__).parents[1])])
    for *steps, whole, _, peak in measured.values():
        assert sum(steps) < whole
        assert peak > 0
    lines = start_times.table(measured).splitlines()
    assert len(lines) == 2 + 4
    assert lines[0].startswith("| bundle | opened | numpy, sentencepiece | engine | runtime | load | answer |")
    assert all(line.count("|") == lines[0].count("|") for line in lines)


def test_a_bundle_that_cant_be_opened(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "qa", "question-answering", model=b"nothing")
    with pytest.raises(SystemExit, match="can't be measured"):
        start_times.measure([bundle], 1)
