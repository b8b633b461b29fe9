"""`--sequence-length` of ONNX: bundles of static shapes answer as the dynamic ones, in every precision."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import albert_runtime
from albert_export.cli.main import main
from albert_export.demos import demo_examples
from albert_export.export import ONNX_PRECISIONS, export_onnx
from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, StaticDemoOf

pytestmark = pytest.mark.export


@pytest.mark.parametrize("task", TASKS)
def test_a_static_demo_answers_as_the_dynamic_one(task: str, static_demo_of: StaticDemoOf, demo_bundle_of) -> None:
    bundle = static_demo_of(task)
    session, dynamic = albert_runtime.load(bundle), albert_runtime.load(demo_bundle_of("onnx", task, "fp32"))
    assert session.manifest.sequence_length == session.max_length == 64
    for example in demo_examples(task):
        arrays, shorter = session.arrays(**example.inputs), dynamic.arrays(**example.inputs)
        assert {array.shape[-1] for array in arrays.values()} == {64}
        if shorter["input_ids"].shape[-1] > 64:
            continue  # it is cut, or goes through other windows
        for name, output in dynamic.run(shorter).items():
            got = session.run(arrays)[name]
            part = tuple(slice(size) for size in output.shape)
            np.testing.assert_allclose(got[part], output, atol=1e-4)


@pytest.mark.parametrize("precision", ONNX_PRECISIONS)
def test_every_precision(precision: str, checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    exported = export_onnx(
        checkpoint_of("text-classification"), tmp_path / "bundle", precision=precision, sequence_length=16, max_drop=50
    )
    assert exported.report.passed
    assert (exported.manifest.precision, exported.manifest.sequence_length) == (precision, 16)
    session = albert_runtime.load(exported.folder)
    assert len(session(["Ada was here.", "Ada was here, and left " + "again " * 50])) == 2
    with pytest.raises(UsageError, match=r"input_ids is \[1, 7\], the graph declares \[1, 16\]"):
        session.run({name: np.ones((1, 7), np.int64) for name in session.engine.input_names})


def test_the_commands_take_it(static_demo_of: StaticDemoOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(static_demo_of("multiple-choice"))
    assert main(["verify", bundle, "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert main(["doctor", f"{bundle}/model.onnx", "--json"]) == 0
    diagnosis = json.loads(capsys.readouterr().out)
    assert diagnosis["healthy"] is True
    rows = [{**example.inputs, "label": example.expected} for example in demo_examples("multiple-choice")]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["evaluate", bundle, "--data", str(tmp_path / "data.jsonl"), "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["accuracy"] == 100
    requests = "".join(json.dumps(example.inputs) + "\n" for example in demo_examples("multiple-choice"))
    (tmp_path / "requests.jsonl").write_text(requests)
    written = tmp_path / "answers.jsonl"
    assert main(["run", bundle, "--input", str(tmp_path / "requests.jsonl"), "--output", str(written)]) == 0
    assert len(written.read_text().splitlines()) == len(rows)


@pytest.mark.parametrize(
    ("length", "message"),
    [(2, "--sequence-length 2 is too short"), (49, "--sequence-length 49 is above the model's max_position_embed")],
)
def test_wrong_lengths(length: int, message: str, checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        export_onnx(checkpoint_of("text-classification"), tmp_path / "bundle", sequence_length=length)
    assert list(tmp_path.iterdir()) == []
