"""Export to TFLite: a complete, verified bundle from a checkpoint, or a clear refusal and no bundle at all."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_converters.tflite.inspection import inspect_tflite
from albert_export import read_checkpoint
from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.export import TFLITE_FILE, export_tflite
from albert_export.verification import parity_report as parity
from albert_export.verification.comparable_outputs import run_arrays
from albert_export.verification.verify import verify_bundle
from albert_runtime.errors import DependencyError, ParityError, UnsupportedError, UsageError
from albert_runtime.self_test import request_arrays
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, DemoBundleOf, save_tiny
from tests.demo_answers import is_right

FILES = {
    "README.md",
    "config.json",
    "manifest.json",
    "model.tflite",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer_config.json",
}


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_of_every_task(task: str, tflite_bundle_of: CheckpointOf) -> None:
    bundle = tflite_bundle_of(task)
    assert {path.name for path in bundle.iterdir()} == FILES
    session = albert_runtime.load(bundle)  # hashes and self-test vectors are checked here
    manifest = session.manifest
    assert (manifest.task, manifest.precision, manifest.target) == (task, "fp32", "litert")
    assert manifest.opset is None
    assert manifest.sequence_length is None
    assert manifest.parity["passed"]
    assert manifest.parity["max_difference"] <= 1e-4
    assert len(manifest.self_test) == 3
    assert manifest.quantized["graph"] == "loop"
    assert manifest.quantized["quantized_share"] == 0
    facts = inspect_tflite(bundle / TFLITE_FILE)
    assert "WHILE" in facts["operators"]
    assert facts["duplicated_weights"] == []
    card = (bundle / "README.md").read_text()
    assert "albert-runtime[litert]" in card
    assert "dynamic shapes" in card


@pytest.mark.parametrize(
    ("precision", "kind", "weights"),
    [
        ("fp16", "float, float16 weights", "float16"),
        ("int8", "dynamic", "int8"),
        ("int4", "dynamic", "int4"),
        ("int8-static", "static", "int8"),
    ],
)
def test_precisions(precision: str, kind: str, weights: str, demo_bundle_of: DemoBundleOf) -> None:
    # a trained model, since 4 bits cannot keep 16 random channels with large weights
    session = albert_runtime.load(demo_bundle_of("tflite", "text-classification", precision))
    quantized = session.manifest.quantized
    assert session.manifest.precision == precision
    [*_, taken] = session.manifest.recipe_search["trials"]
    assert taken["agreement"] >= 99
    assert quantized["graph"] == ("unrolled" if precision == "int8-static" else "loop")
    assert quantized["matrix_products"][kind] >= 6
    assert weights in quantized["weight_bytes"]
    if precision == "fp16":
        assert quantized["quantized_share"] == 0
    else:
        # The head is in float, and so may be the projection of the embeddings.
        assert quantized["quantized_share"] > 0.7
        assert "softmax" in quantized["left_in_float"]
    for example in demo_examples("cls"):
        assert is_right(session, example.inputs, example.expected)


def test_the_word_embeddings_are_small_and_stand_once(tmp_path: Path) -> None:
    """The masked-LM decoder and the embedding lookup share one table in every precision."""
    demo = demo_checkpoint("fill-mask")
    config = read_checkpoint(demo).config
    rows = config.vocab_size * config.embedding_size
    layers = 4 * config.hidden_size**2 + 2 * config.hidden_size * config.intermediate_size
    projection_in = projection_out = config.hidden_size * config.embedding_size  # between the embeddings and the layers
    for precision, weights, size, others in (
        ("fp16", "float16", 2, layers + projection_in + projection_out),
        ("int8", "int8", 1, layers + projection_out),
        ("int4", "int8", 1, projection_in + projection_out),
    ):
        exported = export_tflite(demo, tmp_path / precision, precision=precision, max_drop=100)  # the first recipe
        assert exported.manifest.quantized["weight_bytes"][weights] == size * (rows + others)


def test_static_lengths(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    exported = export_tflite(
        checkpoint_of("multiple-choice"), tmp_path / "static", precision="fp32", sequence_length=16
    )
    assert exported.manifest.sequence_length == 16
    session = albert_runtime.load(tmp_path / "static")
    assert session.max_length == 16
    assert len(session("The sky is", ["blue", "a fish", "loud"]).scores) == 3
    inputs = inspect_tflite(tmp_path / "static" / TFLITE_FILE)["inputs"]
    assert {tuple(one["axes"]) for one in inputs} == {(1, 1, 16)}
    assert verify_bundle(tmp_path / "static", checkpoint_of("multiple-choice")).passed


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_the_target_for_old_engines(precision: str, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    exported = export_tflite(
        checkpoint_of("text-classification"), tmp_path / "bundle", target="tflite-runtime", precision=precision
    )
    assert exported.manifest.sequence_length == 48  # as many as the model takes, at most 384
    assert exported.manifest.precision == {"fp16": "fp16", "int8": "int8-static"}[precision]


def test_the_target_for_task_library_gives_probabilities(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    bundle = tmp_path / "bundle"
    export_tflite(checkpoint_of("text-classification"), bundle, target="task-library", precision="fp32")
    facts = inspect_tflite(bundle / TFLITE_FILE)
    assert {one["name"] for one in facts["inputs"]} == {"ids", "mask", "segment_ids"}
    assert [one["name"] for one in facts["outputs"]] == ["probability"]
    assert {"labels.txt", "vocab.txt", "spiece.model"} <= set(facts["packed_files"])
    labels = albert_runtime.load(bundle)("A fine day.")
    assert sum(label.score for label in labels) == pytest.approx(1.0, abs=1e-5)


def test_the_target_for_mediapipe(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    """One subgraph, the tokenizer in the file, and first the vector of the text, as the checkpoint makes it."""
    folder = shutil.copytree(checkpoint_of("feature-extraction"), tmp_path / "checkpoint")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    entries = [{"path": path, "type": f"sentence_transformers.models.{name}"} for path, name in modules]
    (folder / "modules.json").write_text(json.dumps(entries))
    bundle = tmp_path / "bundle"
    lines: list[str] = []
    exported = export_tflite(folder, bundle, target="mediapipe", precision="fp32", progress=lines.append)
    assert "note: MediaPipe gives other token ids to 0 of 80 bundled texts" in lines
    assert exported.report.passed
    assert exported.manifest.sequence_length == 48  # as many as the model takes, at most 128

    facts = inspect_tflite(bundle / TFLITE_FILE)
    assert facts["subgraphs"] == 0
    assert [one["axes"] for one in facts["inputs"]] == [[1, 48]] * 3
    assert [tuple(one["axes"]) for one in facts["outputs"] if one["name"] == "sentence_embedding"] == [(1, 16)]
    assert {"vocab.txt", "spiece.model"} == set(facts["packed_files"])

    session = albert_runtime.load(bundle)
    for text in ("A fine day.", "word " * 60):
        [vector] = run_arrays(session, request_arrays(session, {"text": text}))["sentence_embedding"]
        assert session(text).vector == pytest.approx(vector, abs=1e-6)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert verify_bundle(bundle, folder).passed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "edgetpu"}, "litert, tflite-runtime, task-library, mediapipe"),
        ({"precision": "int3"}, "'int3' is not one of fp32, fp16, int8, int4, int8-static"),
        ({"graph": "rolled"}, "loop, unrolled"),
        ({"precision": "int8-static", "graph": "loop"}, "--graph unrolled"),
        ({"sequence_length": 49}, "max_position_embeddings, 48"),
        ({"sequence_length": 2}, "too short"),
        ({"target": "task-library"}, "max_position_embeddings, 48"),
        ({"target": "task-library", "sequence_length": 32}, "--sequence-length 384 only"),
        ({"target": "tflite-runtime", "precision": "int4"}, "not one of fp32, fp16, int8, int8-static"),
        ({"precision": "int3", "graph": "rolled", "sequence_length": 500}, "rolled"),
    ],
)
def test_wrong_requests(
    options: dict[str, Any],
    message: str,
    tmp_path: Path,
    checkpoint_of: CheckpointOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # all of these are refused before TensorFlow is loaded
    monkeypatch.setattr("albert_export.export.pipeline.build_reference", lambda *_, **__: pytest.fail("it was built"))
    with pytest.raises(UsageError, match=message):
        export_tflite(checkpoint_of("question-answering"), tmp_path / "bundle", **options)
    assert list(tmp_path.iterdir()) == []


def test_task_library_serves_two_tasks(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(UnsupportedError, match="question-answering and text-classification, not fill-mask"):
        export_tflite(checkpoint_of("fill-mask"), tmp_path / "bundle", target="task-library")
    several = save_tiny(tmp_path / "several", "text-classification", problem_type="multi_label_classification")
    with pytest.raises(UnsupportedError, match="multi_label_classification"):
        export_tflite(several, tmp_path / "bundle", target="task-library", precision="fp32")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b" \n\t\n", "is empty"), (b"\xff\xfe\x00", "is not UTF-8 text"), (b"a\0b", "is not text")],
)
def test_bad_calibration_data_is_refused(
    content: bytes, message: str, tmp_path: Path, checkpoint_of: CheckpointOf
) -> None:
    texts = tmp_path / "texts"
    texts.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        export_tflite(checkpoint_of("fill-mask"), tmp_path / "bundle", precision="int8-static", calibration_data=texts)
    assert not (tmp_path / "bundle").exists()


def test_calibration_data(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    texts = tmp_path / "texts"
    texts.write_text("\ufeffOne line.\nA first text.\tAnd a second.\n", encoding="utf-8")
    options = {"precision": "int8-static", "calibration_data": texts}
    export_tflite(checkpoint_of("text-classification"), tmp_path / "bundle", **options)
    export_tflite(checkpoint_of("text-classification"), tmp_path / "other", precision="int8-static")
    ours, theirs = ((tmp_path / name / TFLITE_FILE).read_bytes() for name in ("bundle", "other"))
    assert ours != theirs
    with pytest.raises(UsageError, match="fp32 rounds nothing"):
        export_tflite(checkpoint_of("fill-mask"), tmp_path / "b", precision="fp32", calibration_data=texts)


def test_answers_that_differ_leave_nothing(
    tmp_path: Path, checkpoint_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parity.RELATIVE_TOLERANCES, "int8", 1e-9)
    with pytest.raises(ParityError, match="the int8 graph"):
        export_tflite(checkpoint_of("text-classification"), tmp_path / "bundle", precision="int8")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(
    tmp_path: Path, checkpoint_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("albert_converters.tflite.quantize", "albert_converters.tflite.quantizer_package"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    for module in ("litert_quantizer", "ai_edge_quantizer"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DependencyError, match=r"albert-export\[litert\]"):
        export_tflite(checkpoint_of("text-classification"), tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_dead_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quantizer's scale for an output channel of zeros is almost 0, which XNNPACK refuses at int4."""
    from safetensors.numpy import load_file, save_file

    folder = save_tiny(tmp_path / "model", "text-classification")
    weights = load_file(folder / "model.safetensors")
    for name, weight in weights.items():
        if "albert_layer_groups" in name and weight.ndim == 2:
            weight[1] = 0
    save_file(weights, folder / "model.safetensors")
    monkeypatch.setitem(parity.RELATIVE_TOLERANCES, "int4", 9.0)  # this test is only about whether the graph runs
    for precision in ("int8", "int4"):
        export_tflite(folder, tmp_path / precision, precision=precision, max_drop=100)
        assert np.isfinite([label.score for label in albert_runtime.load(tmp_path / precision)("Hello.")]).all()


def test_only_the_projection_and_the_head_of_an_unrolled_graph_stay_in_float(tmp_path: Path) -> None:
    model = demo_checkpoint("text-classification")
    exported = export_tflite(model, tmp_path / "bundle", precision="int8", graph="unrolled", max_drop=5)
    assert exported.manifest.quantized["matrix_products"]["float"] == 2
