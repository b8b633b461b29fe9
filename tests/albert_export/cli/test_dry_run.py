"""`--dry-run` says what the export makes, refuses what it refuses, and writes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import albert_runtime
from albert_export.cli.main import main
from albert_export.demos import demo_checkpoint
from albert_export.export import export_onnx, export_tflite, preview_export
from albert_runtime.errors import AlbertError
from albert_runtime.tasks import INPUT_NAMES, TASKS
from tests.conftest import CheckpointOf, DemoBundleOf, StaticDemoOf

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a dry run in an empty folder, which must stay as it is; returns the exit code and both streams."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        before = sorted(tmp_path.rglob("*"))
        code = main([*map(str, arguments), "--dry-run"])
        assert sorted(tmp_path.rglob("*")) == before
        return code, *capsys.readouterr()

    return command


def assert_right(preview: dict[str, Any], bundle: Path) -> None:
    """The preview is what can be read from the bundle."""
    session = albert_runtime.load(bundle, verify=False)
    manifest = session.manifest
    assert preview["files"] == sorted(file.name for file in bundle.iterdir())
    assert (preview["task"], preview["precision"]) == (manifest.task, manifest.precision)
    assert tuple(preview["labels"]) == tuple(manifest.labels)
    graph = preview["graph"]
    assert (graph["opset"], graph["target"], graph["model_file"]) == (
        manifest.opset, manifest.target, manifest.model_file
    )  # fmt: skip
    assert graph["sequence_length"] == manifest.sequence_length
    assert preview["max_length"] == session.max_length
    assert preview["estimated_model_bytes"] == pytest.approx((bundle / manifest.model_file).stat().st_size, rel=0.2)


@pytest.mark.export
@pytest.mark.parametrize("task", TASKS)
def test_onnx(task: str, run: Run, demo_bundle_of: DemoBundleOf) -> None:
    code, out, _ = run("onnx", "--task", task, "--precision", "q8", "--json")
    preview = json.loads(out)
    assert (code, preview["dry_run"], preview["bundle"]) == (0, True, f"demo-{task}-onnx-int8")
    assert preview["recipes"] == ["per-channel", "outlier split", "blocks of 128"]
    assert_right(preview, demo_bundle_of("onnx", task, "int8"))
    import onnxruntime

    file = demo_bundle_of("onnx", task, "int8") / "model.onnx"
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    assert preview["inputs"] == {one.name: one.shape for one in session.get_inputs()}
    assert preview["outputs"] == {one.name: one.shape for one in session.get_outputs()}


@pytest.mark.export
def test_static_shapes(run: Run, static_demo_of: StaticDemoOf) -> None:
    code, out, _ = run("onnx", "--task", "mc", "--sequence-length", "64", "--json")
    assert code == 0
    assert_right(json.loads(out), static_demo_of("multiple-choice"))
    assert json.loads(out)["inputs"] == {name: [1, 1, 64] for name in INPUT_NAMES}


@pytest.mark.export
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_tflite(precision: str, run: Run, demo_bundle_of: DemoBundleOf) -> None:
    code, out, _ = run("tflite", "--task", "cls", "--precision", precision, "--json")
    assert code == 0
    assert json.loads(out)["graph"]["graph"] == "loop"
    assert_right(json.loads(out), demo_bundle_of("tflite", "text-classification", precision))


def test_text(run: Run) -> None:
    code, out, _ = run("tflite", "--task", "cls", "--target", "task-library", "out")
    assert code == 0
    assert out.startswith("out would be made; nothing was written\n")
    for line in (
        "graph    model.tflite, fp16, target task-library, loop",
        "input    segment_ids [1, 128]",
        "output   probability [1, 2]",
        "tokens   exactly 128",
        "labels   negative, positive",
        "recipes  plain",
    ):
        assert f"  {line}\n" in out


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ["onnx"]),
        (2, ["onnx", "--task", "poetry"]),
        (2, ["onnx", "--model", "MODEL", "--precision", "int3"]),
        (2, ["onnx", "--model", "MODEL", "--opset", "12"]),
        (2, ["onnx", "--model", "MODEL", "--sequence-length", "49"]),
        (2, ["onnx", "--model", "MODEL", "--arm64"]),
        (2, ["onnx", "--model", "MODEL", "--calibration-data", "nowhere.txt"]),
        (2, ["onnx", "--model", "nowhere"]),
        (2, ["onnx", "--model", "MODEL", "--output", "taken"]),
        (3, ["onnx", "--model", "MODEL", "--task", "qa"]),
        (3, ["onnx", "--model", "no-weights"]),
        (3, ["tflite", "--model", "MODEL", "--task", "qa"]),
        (3, ["tflite", "--task", "mlm", "--target", "task-library"]),
        (2, ["tflite", "--task", "qa", "--graph", "knotted"]),
    ],
)
def test_refusals_are_those_of_the_export(
    code: int, arguments: list[str], run: Run, tmp_path: Path, checkpoint_of: CheckpointOf,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    model = checkpoint_of("text-classification")
    shutil.copytree(model, tmp_path / "no-weights", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("precious")
    given = [str(model) if one == "MODEL" else one for one in arguments]
    dry = run(*given)
    assert (dry[0], dry[1]) == (code, "")
    assert main(given) == code
    assert capsys.readouterr().err == dry[2]


def test_a_random_head_is_allowed_if_the_export_allows_it(run: Run, checkpoint_of: CheckpointOf) -> None:
    model = checkpoint_of("text-classification")
    code, out, _ = run("onnx", "--model", model, "--task", "qa", "--allow-random-head", "--json")
    assert (code, json.loads(out)["task"]) == (0, "question-answering")


def test_in_python(tmp_path: Path) -> None:
    model = demo_checkpoint("qa")
    preview = preview_export(export_onnx, model, tmp_path / "bundle", precision="half", no_tokenizer=True)
    assert preview.files == ("README.md", "config.json", "manifest.json", "model.onnx")
    assert preview_export(export_tflite, model, tmp_path / "bundle").precision == "int8"
    with pytest.raises(AlbertError, match="unknown task"):
        preview_export(export_onnx, model, tmp_path / "bundle", task="poetry")
    assert list(tmp_path.iterdir()) == []
