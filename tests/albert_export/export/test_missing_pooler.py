"""Embeddings of a checkpoint without a pooler: everything but `pooler_output` is as with one."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import albert_runtime
from albert_export import export_onnx, export_tflite
from albert_export.cli.main import main
from albert_export.evaluation import find_model
from albert_export.export import Exported
from albert_runtime.errors import BundleError, UsageError
from tests.conftest import CheckpointOf

TEXT = "A cat sat on the mat."


@pytest.fixture(scope="module", params=["onnx", "tflite"])
def bundle(
    request: pytest.FixtureRequest, checkpoint_of: CheckpointOf, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder: Path = tmp_path_factory.mktemp("bundles") / request.param
    export = {"onnx": export_onnx, "tflite": export_tflite}[request.param]
    lines: list[str] = []
    exported = export(checkpoint_of("fill-mask"), folder, task="base", precision="fp32", progress=lines.append)
    assert exported.report.passed
    assert "there is no pooler_output, because the checkpoint has no weights for it" in lines
    return folder


def test_the_vectors_are_those_of_the_checkpoint(bundle: Path, checkpoint_of: CheckpointOf) -> None:
    session = albert_runtime.load(bundle)
    assert set(session.engine.output_names) == {"last_hidden_state"}
    assert session.manifest.missing_outputs == ("pooler_output",)
    model = find_model(checkpoint_of("fill-mask"), "base").open()
    for pooling in ("cls", "mean", "max", None):
        found, expected = session(TEXT, pooling=pooling), model(TEXT, pooling=pooling)
        assert found.vector == pytest.approx(expected.vector, abs=1e-4)
    assert found.vector == pytest.approx(np.mean(found.tokens, axis=0), abs=1e-6)
    with pytest.raises(UsageError, match="has no pooler"):
        session(TEXT, pooling="pooler")


def test_verify_and_the_model_card(
    bundle: Path, checkpoint_of: CheckpointOf, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(bundle), "--model", str(checkpoint_of("fill-mask"))]) == 0
    capsys.readouterr()
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert "no weights for pooler_output" in card
    assert "| output | pooler_output" not in card


def test_a_bundle_with_a_pooler_is_not_compared_with_a_checkpoint_without(
    checkpoint_of: CheckpointOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_onnx(checkpoint_of("feature-extraction"), tmp_path / "bundle")
    assert main(["verify", str(tmp_path / "bundle"), "--model", str(checkpoint_of("fill-mask"))]) == 3
    assert "has no weights for pooler_output" in capsys.readouterr().err


def test_a_manifest_that_contradicts_itself(bundle: Path) -> None:
    opened = albert_runtime.open_bundle(bundle)
    manifest = dataclasses.replace(opened.manifest, embedding={"pooling": "pooler"})
    with pytest.raises(BundleError, match="asks for a pooler"):
        albert_runtime.FeatureExtractionSession(dataclasses.replace(opened, manifest=manifest), verify=False)
    with pytest.raises(BundleError, match="can't lack"):
        dataclasses.replace(opened.manifest, missing_outputs=("last_hidden_state",))


def test_sensitivity(checkpoint_of: CheckpointOf, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sensitivity", "--model", str(checkpoint_of("fill-mask")), "--task", "base", "--limit", "1"]
    assert main(command) == 0
    assert "pooler" not in capsys.readouterr().out


@pytest.mark.parametrize("precision", ["int8", "int4", "int8-static", "fp16"])
@pytest.mark.parametrize("export", [export_onnx, export_tflite])
def test_other_precisions(
    export: Callable[..., Exported], precision: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    """No recipe, no calibration and no accuracy check needs the pooler."""
    exported = export(checkpoint_of("fill-mask"), tmp_path / "bundle", task="base", precision=precision, max_drop=100)
    assert exported.manifest.missing_outputs == ("pooler_output",)
    assert exported.report.passed
    session = albert_runtime.load(tmp_path / "bundle")
    outputs = {name for vector in session.manifest.self_test for name in vector["outputs"]}
    assert outputs == set(session.engine.output_names) == {"last_hidden_state"}
    assert session(TEXT).vector.shape == (16,)
    assert [one.vector.shape for one in session([TEXT, "A dog."])] == [(16,)] * 2


def test_bench_inspect_and_run(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--lengths", "8", "--resize", "8,16", "--runs", "1", "--rounds", "1", "--quiet"]
    assert main(["bench", str(bundle), *short]) == 0
    capsys.readouterr()
    assert main(["inspect", str(bundle)]) == 0
    assert "pooler" not in capsys.readouterr().out
    assert main(["run", str(bundle), TEXT, "--json"]) == 0
    assert "vector" in capsys.readouterr().out
    assert main(["run", str(bundle), TEXT, "--pooling", "pooler"]) != 0
    assert "has no pooler" in capsys.readouterr().err


@pytest.mark.parametrize(("mode", "pooling"), [("cls_token", "cls"), ("max_tokens", "max")])
def test_sentence_transformers_decide(mode: str, pooling: str, checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    """The mean is only the default for a folder that says nothing."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(checkpoint_of("fill-mask"), folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{mode}": True}))
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds.items()]
    (folder / "modules.json").write_text(json.dumps(modules))
    export_onnx(folder, tmp_path / "bundle", task="base")
    session = albert_runtime.load(tmp_path / "bundle")
    assert session.manifest.embedding["pooling"] == pooling
    np.testing.assert_array_equal(session(TEXT).vector, session(TEXT, pooling=pooling).vector)
