"""The pair of exports that the tool compares: without the shortcut, and with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import albert_runtime
from albert_export.bench.runner import run_bench
from albert_export.bench.settings import Settings
from albert_export.export import export_onnx
from albert_export.samples.masked_positions import with_every_position
from albert_export.tasks import TASK_SPECS
from tests.albert_export.export.test_first_token_only import queries_of_one_row
from tests.conftest import CheckpointOf
from tests.tiny_graph import inputs_of
from tools.shortcut_gain import SHORTCUTS, export_pair, rows


def gathers(model_file: Path) -> int:
    return sum(node.op_type == "GatherElements" for node in onnx.load(str(model_file)).graph.node)


@pytest.mark.parametrize("name", SHORTCUTS)
def test_the_pair_differs_in_the_graph_and_not_in_the_outputs(
    name: str, tmp_path: Path, checkpoint_of: CheckpointOf
) -> None:
    shortcut = SHORTCUTS[name]
    before = dict(TASK_SPECS)
    pair = export_pair(shortcut, export_onnx, checkpoint_of(shortcut.task), tmp_path, "fp32")
    assert before == TASK_SPECS
    counted = gathers if shortcut.options == {"head": "masked"} else queries_of_one_row
    assert [counted(folder / "model.onnx") for folder in pair] == [0, 1]
    arrays = {key: array.astype(np.int64) for key, array in inputs_of(shortcut.task).items()}
    sessions = [albert_runtime.load(folder) for folder in pair]
    plain, short = (one.run(with_every_position(one.bundle.task, arrays)) for one in sessions)
    assert short.keys() == ({"sop_logits"} if shortcut.options == {"head": "sentence-order"} else plain.keys())
    for output, values in short.items():
        np.testing.assert_allclose(values, plain[output], atol=1e-5)

    report = run_bench(pair, Settings(lengths=(8, 16), runs=1, rounds=1, threads=1))
    lines = [line.split("|") for line in rows("onnx fp32", report)]
    assert [(line[1].strip(), line[2].strip()) for line in lines] == [("onnx fp32", "8"), ("onnx fp32", "16")]
    assert all(float(line[5].strip().removesuffix("%")) < 100 for line in lines)
