"""find_model distinguishes bundles from checkpoints, and a checkpoint gives the same answers as its bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from albert_export.demos import demo_checkpoint
from albert_export.evaluation import find_model
from albert_export.evaluation import model_loading as model
from albert_export.samples.requests import sample_requests
from albert_runtime.errors import AlbertError, CheckpointError, UsageError
from tests.conftest import CheckpointOf


@pytest.mark.parametrize("task", ["token-classification", "question-answering"])
def test_a_checkpoint_answers_as_its_bundle(checkpoint_of: CheckpointOf, bundle_of: CheckpointOf, task: str) -> None:
    of_checkpoint, of_bundle = find_model(checkpoint_of(task)), find_model(bundle_of(task))
    assert of_checkpoint.task == of_bundle.task
    assert of_checkpoint.labels == of_bundle.labels
    assert of_checkpoint.problem_type is of_bundle.problem_type is None
    reference, session = of_checkpoint.open(), of_bundle.open()
    assert reference.bundle.folder == checkpoint_of(task)
    assert reference.max_length == session.max_length
    assert reference.engine.name == "pytorch"
    (request,) = sample_requests(of_bundle.task, 1)
    for name, output in session.run(session.arrays(**request)).items():
        assert output == pytest.approx(reference.run(reference.arrays(**request))[name], abs=1e-4)


def test_tensorflow_where_torch_is_absent(checkpoint_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "installed_framework", lambda preferred: "tf")
    assert find_model(checkpoint_of("fill-mask")).open().engine.name == "tensorflow"


def test_a_vocabulary_of_another_name(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    folder = shutil.copytree(checkpoint_of("fill-mask"), tmp_path / "checkpoint")
    (folder / "spiece.model").rename(folder / "30k-clean.model")
    assert find_model(folder).open()("A [MASK].", top_k=1)


def test_the_task_of_a_checkpoint(checkpoint_of: CheckpointOf) -> None:
    folder = checkpoint_of("pretraining")
    assert find_model(folder).task.name == "pretraining"
    assert find_model(folder, "mlm").task.name == "fill-mask"
    with pytest.raises(AlbertError, match="no head for question-answering"):
        find_model(folder, "qa")


def test_the_settings_of_a_classifier() -> None:
    assert find_model(demo_checkpoint("cls")).labels == ("negative", "positive")


def test_the_task_of_a_bundle(bundle_of: CheckpointOf) -> None:
    assert find_model(bundle_of("fill-mask"), "masked-lm").task.name == "fill-mask"
    with pytest.raises(UsageError, match="is a bundle for fill-mask, not for question-answering"):
        find_model(bundle_of("fill-mask"), "qa")


def test_neither_bundle_nor_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for name, message in (
        ("absent", "there is no folder .*absent"),
        ("file", "file is a file"),
        ("folder", "folder is neither a bundle nor a checkpoint"),
    ):
        with pytest.raises(UsageError, match=f"{message}; give the folder of a bundle"):
            find_model(tmp_path / name)


def test_a_checkpoint_without_weights(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    shutil.copy(checkpoint_of("fill-mask") / "config.json", tmp_path)
    with pytest.raises(CheckpointError, match="no weights"):
        find_model(tmp_path)
