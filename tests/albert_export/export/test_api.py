"""Export: a complete, verified bundle from a checkpoint, or a clear refusal and no bundle at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import albert_runtime
from albert_converters.onnx.detached_model import DetachedModel
from albert_converters.onnx.export import torch_export
from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.checkpoint import default_task
from albert_export.export import export_onnx
from albert_runtime.errors import AlbertError, CheckpointError, ParityError, UnsupportedError, UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, save_tiny

FILES = {
    "README.md",
    "config.json",
    "manifest.json",
    "model.onnx",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer_config.json",
}


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_of_every_task(task: str, bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    bundle = bundle_of(task)
    assert {path.name for path in bundle.iterdir()} == FILES
    session = albert_runtime.load(bundle)  # hashes and self-test vectors are checked here
    manifest = session.manifest
    assert manifest.task == task
    assert manifest.precision == "fp32"
    assert manifest.max_length == 48
    assert manifest.parity["passed"]
    assert manifest.parity["max_difference"] <= 1e-4
    assert set(manifest.parity["checks"]) == {"tokens", "names", "values", "padding", "answers"}
    assert len(manifest.self_test) == 3
    assert set(manifest.files) == FILES - {"manifest.json"}
    assert json.loads((bundle / "config.json").read_text())["architectures"] == [TASKS[task].architecture]
    stored = {entry.key: entry.value for entry in onnx.load(str(bundle / "model.onnx")).metadata_props}
    assert stored["task"] == task
    assert stored["mask_policy"] == manifest.mask_policy == "additive, -10000 on padding"
    card = (bundle / "README.md").read_text()
    assert f"{manifest.parity['max_difference']:.1e}" in card
    assert str(checkpoint_of(task).name) in card


def test_float16(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    exported = export_onnx(checkpoint_of("question-answering"), tmp_path / "half", precision="fp16")
    assert exported.manifest.precision == "fp16"
    assert 1e-6 < exported.report.max_difference < 0.05
    weights = onnx.load(str(tmp_path / "half" / "model.onnx")).graph.initializer
    assert {numpy_helper.to_array(tensor).dtype for tensor in weights} == {np.dtype(np.float16), np.dtype(np.int64)}
    albert_runtime.load(tmp_path / "half")


def test_the_checkpoints_own_head_is_the_default(checkpoint_of: CheckpointOf) -> None:
    for name in TASKS:
        assert default_task(read_checkpoint(checkpoint_of(name))).name == name


@pytest.mark.parametrize(
    ("settings", "given", "expected"),
    [
        ({}, None, None),
        ({}, -1.5, -1.5),
        ({"version_2_with_negative": True}, None, 0.0),
        ({"version_2_with_negative": True, "null_score_diff_threshold": -2}, None, -2.0),
        ({"version_2_with_negative": True, "null_score_diff_threshold": -2}, 1.0, 1.0),
        ({"version_2_with_negative": False, "null_score_diff_threshold": -2}, None, None),
    ],
)
def test_the_null_threshold(
    settings: dict[str, Any], given: float | None, expected: float | None, tmp_path: Path, checkpoint_of: CheckpointOf
) -> None:
    folder = shutil.copytree(checkpoint_of("question-answering"), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))
    exported = export_onnx(folder, tmp_path / "bundle", null_threshold=given)
    session = albert_runtime.load(exported.folder)
    assert session.manifest.null_threshold == exported.manifest.null_threshold == expected
    texts = {one.text for one in session("Where?", "In Paris, not in London.", top_k=99)}
    assert ("" in texts) == (expected is not None)


@pytest.mark.parametrize(
    ("task", "settings", "given", "message"),
    [
        ("text-classification", {}, 0.0, "null threshold goes with question-answering only"),
        ("question-answering", {}, float("nan"), "must be a finite number, not nan"),
        (
            "question-answering",
            {"version_2_with_negative": True, "null_score_diff_threshold": "low"},
            None,
            "null_score_diff_threshold in config.json must be a number, not 'low'",
        ),
    ],
)
def test_wrong_null_thresholds(
    task: str,
    settings: dict[str, Any],
    given: float | None,
    message: str,
    tmp_path: Path,
    checkpoint_of: CheckpointOf,
) -> None:
    folder = shutil.copytree(checkpoint_of(task), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))
    with pytest.raises(AlbertError, match=message):
        export_onnx(folder, tmp_path / "bundle", null_threshold=given)
    assert not (tmp_path / "bundle").exists()


def test_several_heads_and_no_architecture_asks(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    folder = shutil.copytree(checkpoint_of("pretraining"), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    del config["architectures"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=r"has heads for feature-extraction, pretraining, fill-mask.*--task"):
        export_onnx(folder, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_missing_head_is_refused_or_random(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    base = checkpoint_of("feature-extraction")
    with pytest.raises(UnsupportedError, match=r"feature-extraction.*--allow-random-head"):
        export_onnx(base, tmp_path / "bundle", task="qa")
    assert not (tmp_path / "bundle").exists()
    first, second = (
        export_onnx(base, tmp_path / name, task="qa", allow_random_head=True).folder for name in ("one", "two")
    )
    assert (first / "model.onnx").read_bytes() == (second / "model.onnx").read_bytes()


def test_all_problems_of_the_tokenizer_are_listed_at_once(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model", "fill-mask", vocab_size=29999, type_vocab_size=1)
    with pytest.raises(CheckpointError) as refusal:
        export_onnx(folder, tmp_path / "bundle")
    assert "30000 pieces, and the model has 29999" in str(refusal.value)
    assert "type_vocab_size is 1" in str(refusal.value)


def test_a_missing_vocabulary_says_where_to_get_it(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model", "fill-mask")
    (folder / "spiece.model").unlink()
    with pytest.raises(CheckpointError, match=r"has no tokenizer: no spiece\.model.*copy the one"):
        export_onnx(folder, tmp_path / "bundle")


def test_a_vocabulary_with_another_name_is_found(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    folder = shutil.copytree(checkpoint_of("text-classification"), tmp_path / "model")
    (folder / "spiece.model").rename(folder / "30k-clean.model")
    bundle = export_onnx(folder, tmp_path / "bundle").folder
    assert (bundle / "spiece.model").read_bytes() == (folder / "30k-clean.model").read_bytes()


def test_a_wrong_graph_fails_with_a_table_and_leaves_nothing(
    tmp_path: Path, checkpoint_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = torch_export.to_onnx

    def wrong(*args: Any, **kwargs: Any) -> DetachedModel:
        model = right(*args, **kwargs)
        name = next(name for name in model.weights if name.endswith("ffn.weight"))
        return DetachedModel(model.skeleton, {**model.weights, name: model.weights[name] * np.float32(1.01)})

    monkeypatch.setattr(torch_export, "to_onnx", wrong)
    with pytest.raises(ParityError) as failure:
        export_onnx(checkpoint_of("text-classification"), tmp_path / "bundle")
    assert failure.value.exit_code == 6
    assert "logits, 1 x 48 tokens" in str(failure.value)
    assert "DIFFERS" in str(failure.value)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_overwritten(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine").write_text("precious")
    for force in (False, True):
        with pytest.raises(UsageError):
            export_onnx(checkpoint_of("fill-mask"), tmp_path / "bundle", force=force)
    assert (tmp_path / "bundle" / "mine").read_text() == "precious"


@pytest.mark.parametrize(("option", "value"), [("precision", "int7"), ("opset", 5)])
def test_wrong_options(option: str, value: Any, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(UsageError, match=str(value)):
        export_onnx(checkpoint_of("fill-mask"), tmp_path / "bundle", **{option: value})
    assert list(tmp_path.iterdir()) == []
