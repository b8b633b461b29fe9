from __future__ import annotations

import re

import numpy as np
import pytest

from albert_runtime import Embedding, Label
from tests.conftest import CheckpointOf
from tools.batch_benchmark import main, score_difference


@pytest.mark.parametrize("task", ["text-classification", "feature-extraction", "pretraining"])
def test_rates_and_differences(task: str, bundle_of: CheckpointOf, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(bundle_of(task)), "--requests", "8", "--tokens", "64,256", "--threads", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert re.search(r"one at a time [\d,]+ requests/s", lines[1])
    assert [int(line.split()[0]) for line in lines[2:4]] == [64, 256]
    assert all(float(line.split()[-3]) < 1e-5 for line in lines[2:4])
    assert re.fullmatch(r"  each by itself [\d,]+ requests/s, [\d.]+ times as many", lines[4])


def test_differences() -> None:
    left, right = Label("good", 0.75), Label("bad", 0.25)
    assert score_difference((left, right), (Label("bad", 0.5), Label("good", 0.5))) == 0.25
    assert np.isnan(score_difference((left,), (right,)))
    ones = Embedding(np.ones(4), np.ones((1, 4)))
    assert score_difference(ones, Embedding(np.zeros(4), np.ones((1, 4)))) == 1
