"""verify: a bundle is compared with its checkpoint, in an order in which failures explain later ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from albert_converters.bundle_writer import file_hashes
from albert_export.verification.verify import verify_bundle
from albert_runtime.errors import BundleError, UnsupportedError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, save_tiny


def rehash(bundle: Path) -> None:
    """Give the manifest the hashes of changed files and no self-tests, so that only verify can find the change."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"] = file_hashes(bundle)
    manifest["self_test"] = []
    (bundle / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("task", TASKS)
def test_an_exported_bundle_passes(task: str, bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    steps: list[str] = []
    report = verify_bundle(bundle_of(task), checkpoint_of(task), progress=steps.append)
    assert report.passed, report.table()
    assert report.checks[0].name == "tokens"
    assert report.checks[1].name == "names"
    assert report.checks[-1].name == "answers"
    subjects = " ".join(check.subject for check in report.checks)
    assert "48 tokens" in subjects
    assert "ragged" in subjects
    assert "7 choices" in subjects or task != "multiple-choice"
    assert steps


def test_other_weights_are_found(tmp_path: Path, bundle_of: CheckpointOf) -> None:
    other = save_tiny(tmp_path / "other", "question-answering", hidden_act="gelu")
    report = verify_bundle(bundle_of("question-answering"), other)
    assert not report.passed
    failed = {check.name for check in report.checks if not check.passed}
    assert "values" in failed
    assert not failed & {"tokens", "names", "shapes"}


def test_another_tokenizer_is_found_first(tmp_path: Path, bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    bundle = shutil.copytree(bundle_of("fill-mask"), tmp_path / "bundle")
    settings = json.loads((bundle / "tokenizer_config.json").read_text())
    (bundle / "tokenizer_config.json").write_text(json.dumps({**settings, "do_lower_case": False}))
    rehash(bundle)
    report = verify_bundle(bundle, checkpoint_of("fill-mask"))
    assert [check.name for check in report.checks if not check.passed] == ["tokens"]
    assert "sentences; first: " in report.table()


def test_another_task_is_refused(bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(UnsupportedError, match="no head for question-answering"):
        verify_bundle(bundle_of("question-answering"), checkpoint_of("feature-extraction"))


def test_a_damaged_bundle_is_refused(tmp_path: Path, bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    bundle = shutil.copytree(bundle_of("fill-mask"), tmp_path / "bundle")
    content = bytearray((bundle / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "model.onnx").write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.onnx .* is not the file that was exported"):
        verify_bundle(bundle, checkpoint_of("fill-mask"))
