"""verify across formats: a TFLite bundle is compared with its checkpoint, and bundles with each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_export.export import export_tflite
from albert_export.verification.verify import verify_bundle
from albert_runtime.errors import UnsupportedError
from tests.conftest import CheckpointOf, save_tiny


@pytest.mark.parametrize("task", ["question-answering", "multiple-choice", "fill-mask"])
def test_tflite_and_onnx_of_one_checkpoint_agree(
    task: str, bundle_of: CheckpointOf, tflite_bundle_of: CheckpointOf, checkpoint_of: CheckpointOf
) -> None:
    assert verify_bundle(tflite_bundle_of(task), checkpoint_of(task)).passed
    assert verify_bundle(tflite_bundle_of(task), bundle_of(task)).passed
    assert verify_bundle(bundle_of(task), tflite_bundle_of(task)).passed


def test_a_static_graph_against_a_dynamic_one(
    tmp_path: Path, bundle_of: CheckpointOf, checkpoint_of: CheckpointOf
) -> None:
    export_tflite(checkpoint_of("token-classification"), tmp_path / "static", precision="fp32", sequence_length=24)
    report = verify_bundle(tmp_path / "static", bundle_of("token-classification"))
    assert report.passed, report.table(failures_only=True)
    assert "24 tokens" in report.table()
    assert verify_bundle(bundle_of("token-classification"), tmp_path / "static").passed


def test_other_weights_are_found(tmp_path: Path, tflite_bundle_of: CheckpointOf) -> None:
    other = save_tiny(tmp_path / "other", "question-answering", hidden_act="relu")
    assert not verify_bundle(tflite_bundle_of("question-answering"), other).passed


def test_bundles_of_two_tasks_are_refused(bundle_of: CheckpointOf, tflite_bundle_of: CheckpointOf) -> None:
    with pytest.raises(UnsupportedError, match="nothing to compare"):
        verify_bundle(tflite_bundle_of("question-answering"), bundle_of("fill-mask"))
