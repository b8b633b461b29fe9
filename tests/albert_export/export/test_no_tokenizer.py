"""Models without a tokenizer: a bundle of graph and configuration, verified and compared on token ids."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import albert_runtime
from albert_export.bench.runner import run_bench
from albert_export.bench.settings import Settings
from albert_export.cli.main import main
from albert_export.evaluation import find_model
from albert_export.export import export_onnx, export_tflite
from albert_export.inspection import describe, inspect_path
from albert_export.verification.verify import verify_bundle
from albert_runtime.errors import BundleError, CheckpointError, UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, save_tiny

FILES = {"README.md", "config.json", "manifest.json", "model.onnx"}
#: a phoneme model: a small vocabulary, one kind of token types, no [CLS] and no [SEP]
PHONEMES = {"vocab_size": 178, "type_vocab_size": 1, "bos_token_id": None, "eos_token_id": None}
SEQUENCES = [[5, 17, 90, 3, 177], [44, 8], [1] * 48]


def without_vocabulary(folder: Path, task: str, **options: Any) -> Path:
    save_tiny(folder, task, **{**PHONEMES, **options})
    (folder / "spiece.model").unlink()
    return folder


def assert_hugging_face_agrees(session: albert_runtime.AlbertSession, checkpoint: Path, pair: bool) -> None:
    """transformers gives the outputs of `session` for the same ids."""
    model = getattr(transformers, TASKS[session.task].architecture).from_pretrained(checkpoint).eval()
    for ids in SEQUENCES:
        types = [int(pair and place >= len(ids) // 2) for place in range(len(ids))]
        inputs = {name: torch.tensor([values]) for name, values in (("input_ids", ids), ("token_type_ids", types))}
        if session.task == "multiple-choice":
            inputs = {name: array[None] for name, array in inputs.items()}
        with torch.no_grad():
            expected = model(**inputs)
        got = session.run_ids(ids, types)
        for name, array in got.items():
            theirs = getattr(expected, {"logits": "logits", "sop_logits": "sop_logits"}.get(name, name))
            np.testing.assert_allclose(array, theirs.numpy(), atol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_without_a_tokenizer(task: str, tmp_path: Path) -> None:
    checkpoint = without_vocabulary(tmp_path / "phonemes", task)
    exported = export_onnx(checkpoint, tmp_path / "bundle", no_tokenizer=True)
    assert {path.name for path in (tmp_path / "bundle").iterdir()} == FILES
    manifest = exported.manifest
    assert manifest.has_tokenizer is False
    assert set(manifest.parity["checks"]) == {"names", "values", "padding", "answers"}
    assert manifest.max_length == 48
    session = albert_runtime.load(tmp_path / "bundle")  # the self-test vectors are checked here
    assert len(manifest.self_test) == 3
    for vector in manifest.self_test:
        ids = np.array(vector["input_ids"])
        assert ids.min() >= 0
        assert ids.max() < 178
        assert not np.ravel(np.concatenate([np.ravel(one) for one in vector["inputs"]["token_type_ids"]])).any()
    assert_hugging_face_agrees(session, checkpoint, pair=False)
    card = (tmp_path / "bundle" / "README.md").read_text()
    assert "The bundle has no tokenizer: it takes token ids." in card
    call = next(line for line in card.splitlines() if line.startswith("print("))
    assert call.startswith("print(session.run_ids(input_ids=[")
    exec(call.replace("print", "outputs ="), scope := {"session": session})
    assert set(scope["outputs"]) == set(session.bundle.task.outputs)


def test_the_export_is_the_same_every_time(tmp_path: Path) -> None:
    checkpoint = without_vocabulary(tmp_path / "phonemes", "text-classification")
    for name in ("one", "two"):
        export_onnx(checkpoint, tmp_path / name, precision="int8", no_tokenizer=True)
    one, two = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("one", "two"))
    assert one["self_test"] == two["self_test"]
    assert one["files"]["model.onnx"] == two["files"]["model.onnx"]
    assert one["recipe_search"]["texts"] == "token ids drawn from the vocabulary"
    assert one["recipe_search"]["trials"][-1]["texts"] == 120


def test_pairs_where_there_are_two_token_types(tmp_path: Path) -> None:
    checkpoint = without_vocabulary(
        tmp_path / "c", "text-classification", type_vocab_size=2, pad_token_id=9, bos_token_id=1, eos_token_id=2
    )
    exported = export_onnx(checkpoint, tmp_path / "bundle", no_tokenizer=True)
    vectors = [vector["inputs"] for vector in exported.manifest.self_test]
    assert any(1 in vector["token_type_ids"] for vector in vectors)
    for vector in vectors:
        assert (vector["input_ids"][0], vector["input_ids"][-1]) == (1, 2)
        assert not {1, 2, 9} & set(vector["input_ids"][1:-1])
    session = albert_runtime.load(tmp_path / "bundle")
    assert session.id_arrays([[5, 6], [7]])["input_ids"].tolist() == [[5, 6], [7, 9]]
    assert_hugging_face_agrees(session, checkpoint, pair=True)


@pytest.mark.parametrize(
    ("task", "target", "sequence_length"),
    [
        ("text-classification", "litert", None),
        ("multiple-choice", "litert", None),
        ("token-classification", "tflite-runtime", 16),
    ],
)
def test_tflite(task: str, target: str, sequence_length: int | None, tmp_path: Path) -> None:
    checkpoint = without_vocabulary(tmp_path / "phonemes", task)
    export_tflite(
        checkpoint, tmp_path / "b", target=target, precision="fp32", sequence_length=sequence_length, no_tokenizer=True
    )
    assert {path.name for path in (tmp_path / "b").iterdir()} == {*FILES, "model.tflite"} - {"model.onnx"}
    session = albert_runtime.load(tmp_path / "b")
    outputs = session.run_ids([[5, 17, 90], [44]])
    model = getattr(transformers, TASKS[task].architecture).from_pretrained(checkpoint).eval()
    ids = torch.tensor([[5, 17, 90]])
    with torch.no_grad():
        expected = model(ids[None] if task == "multiple-choice" else ids).logits.numpy()
    got = outputs["logits"][:, :1] if task == "multiple-choice" else outputs["logits"][:1]
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_calibration_data_are_lines_of_ids(tmp_path: Path) -> None:
    checkpoint = without_vocabulary(tmp_path / "phonemes", "text-classification", type_vocab_size=2)
    (tmp_path / "ids.txt").write_text("5 17 90 3 177 44 8 12 13 14\n44 8 9\t10 11 12\n" * 4)
    exported = export_onnx(
        checkpoint, tmp_path / "b", precision="int8-static", calibration_data=tmp_path / "ids.txt", no_tokenizer=True
    )
    search = exported.manifest.recipe_search
    assert search["texts"] == "token ids drawn from the vocabulary and the calibration data"
    assert search["trials"][-1]["texts"] == 128
    (tmp_path / "ids.txt").write_text("5 17 178 -1\nWhat a lovely film.\n44 8 9 10 11\n")
    with pytest.raises(UsageError) as caught:
        export_onnx(
            checkpoint, tmp_path / "c", precision="int8", calibration_data=tmp_path / "ids.txt", no_tokenizer=True
        )
    assert "token ids from 0 to 177" in str(caught.value)
    assert "sequence 1: 178, -1" in str(caught.value)
    assert "sequence 2: What, a, lovely, film." in str(caught.value)
    assert not (tmp_path / "c").exists()


def test_what_goes_with_texts_only_is_refused(tmp_path: Path) -> None:
    checkpoint = without_vocabulary(tmp_path / "phonemes", "text-classification")
    with pytest.raises(UsageError, match=r"leave --eval-data x\.tsv out, or leave --no-tokenizer out"):
        export_onnx(checkpoint, tmp_path / "b", eval_data="x.tsv", no_tokenizer=True)
    with pytest.raises(UsageError, match="task-library and --no-tokenizer don't go together"):
        export_tflite(checkpoint, tmp_path / "b", target="task-library", no_tokenizer=True)
    with pytest.raises(CheckpointError, match=r"has no tokenizer: no spiece\.model.*--no-tokenizer"):
        export_onnx(checkpoint, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_checkpoint_with_a_vocabulary_exports_without_it(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    export_onnx(checkpoint_of("text-classification"), tmp_path / "b", no_tokenizer=True)
    assert {path.name for path in (tmp_path / "b").iterdir()} == FILES


def test_the_commands_on_such_a_bundle(tmp_path: Path, checkpoint_of: CheckpointOf, bundle_of: CheckpointOf) -> None:
    checkpoint, bundle = checkpoint_of("text-classification"), tmp_path / "bundle"
    assert main(["onnx", "--model", str(checkpoint), "-o", str(bundle), "--no-tokenizer", "--quiet"]) == 0
    report = verify_bundle(bundle, checkpoint)
    assert report.passed
    assert {check.name for check in report.checks} == {"names", "values", "padding", "answers"}
    # a bundle of the same checkpoint with a tokenizer, in either direction
    assert verify_bundle(bundle, bundle_of("text-classification")).passed
    assert verify_bundle(bundle_of("text-classification"), bundle).passed
    other = save_tiny(tmp_path / "other", "text-classification", initializer_range=0.5)
    assert not verify_bundle(bundle, other).passed
    assert "tokenizer   none: it takes token ids" in describe(inspect_path(bundle))
    (measured,) = run_bench([bundle], Settings(lengths=(8,), resize=(4, 8), runs=1, rounds=1)).measurements
    assert list(measured.latency_ms) == [8]
    with pytest.raises(UsageError, match=r"(?s)labelled data are texts, and the bundle .*albert-export verify"):
        find_model(bundle)
    assert main(["run", str(bundle), "--ids", "2 14 3"]) == 0


def test_a_damaged_graph_fails_its_self_test(tmp_path: Path) -> None:
    checkpoint = without_vocabulary(tmp_path / "one", "text-classification")
    export_onnx(checkpoint, tmp_path / "b", no_tokenizer=True)
    other = without_vocabulary(tmp_path / "two", "text-classification", initializer_range=0.5)
    export_onnx(other, tmp_path / "c", no_tokenizer=True)
    shutil.copy(tmp_path / "c" / "model.onnx", tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    manifest["files"]["model.onnx"] = json.loads((tmp_path / "c" / "manifest.json").read_text())["files"]["model.onnx"]
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="self-test vector 1 of 3: logits differs"):
        albert_runtime.load(tmp_path / "b")
