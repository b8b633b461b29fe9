"""What people type who come from other exporters: positional outputs, other names, devices, misspelled values."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from albert_export.cli.main import main
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder; returns its exit code and what it wrote to both streams."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main([str(one) for one in arguments])
        return code, *capsys.readouterr()

    return command


@pytest.mark.export
def test_a_command_line_of_another_exporter(run: Run, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    model = checkpoint_of("text-classification")
    code, out, _ = run(
        "export", "onnx", "--model", model, "--task", "cls", "--device", "cpu", "--precision", "half", "out", "--json"
    )
    assert code == 0
    assert (json.loads(out)["bundle"], json.loads(out)["precision"]) == ("out", "fp16")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["precision"] == "fp16"
    code, out, _ = run("onnx", "--model", model, "--precision", "Float32", "--json")
    assert (code, json.loads(out)["bundle"]) == (0, "text-classification-onnx")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["onnx", "--task", "qa", "first", "-o", "second"], "given twice, as first and as --output second"),
        (["tflite", "--task", "qa", "first", "--output", "second"], "given twice, as first and as --output second"),
        (["onnx", "MODEL"], "is a checkpoint, and the folder without an option is the output; add --model"),
        (["onnx", "--task", "qaa"], 'did you mean "qa"?'),
        (["tflite", "--task", "token-clasification"], 'did you mean "token-classification"?'),
        (["sensitivity", "--task", "mlmm"], 'did you mean "mlm"?'),
        (["web", "--task", "mlmm"], 'did you mean "mlm"?'),
        (["evaluate", "MODEL", "--data", "x", "--task", "question-answer"], 'did you mean "question-answering"?'),
        (["onnx", "--task", "qa", "--precision", "in8"], 'did you mean "int8"?'),
        (["tflite", "--task", "qa", "--precision", "flaot16"], 'did you mean "float16"?'),
        (["tflite", "--task", "qa", "--target", "lite-rt"], 'did you mean "litert"?'),
        (["tflite", "--task", "qa", "--target", "tflite-runtime", "--precision", "q4"], "'int4' is not one of"),
        (["onnx", "--task", "qa", "--device", "cuda"], "there is no --device cuda: an export runs on the CPU"),
        (["tflite", "--task", "qa", "--device", "cuda:0"], "add --precision fp16"),
    ],
)
def test_refusals(run: Run, tmp_path: Path, checkpoint_of: CheckpointOf, arguments: list[str], message: str) -> None:
    model = str(checkpoint_of("text-classification"))
    code, out, err = run(*(model if one == "MODEL" else one for one in arguments))
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_the_checkpoint_does_not_support_is_no_usage_error(run: Run, checkpoint_of: CheckpointOf) -> None:
    model = checkpoint_of("text-classification")
    for command in (["onnx"], ["tflite"], ["sensitivity"]):
        assert run(*command, "--model", model, "--task", "qa")[0] == 3
    assert run("evaluate", model, "--data", "x", "--task", "qa")[0] == 3
    assert run("tflite", "--model", model, "--target", "task-library", "--task", "mlm")[0] == 3


@pytest.mark.parametrize("command", ["onnx", "tflite"])
def test_the_help_names_each_head_and_its_task(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    offered = [(task.name, name) for task in TASKS.values() for name in task.offered_heads]
    assert offered == [("pretraining", "sentence-order"), ("fill-mask", "masked")]
    assert [(task, name) for task, name in offered if f"for {task}: {name}, which" not in shown] == []
