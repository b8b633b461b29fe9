"""ONNX against PyTorch: tiny models at every length that positions allow, and the published shapes whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import albert_runtime
from albert_export import AlbertConfig, AlbertForMaskedLM, AlbertForQuestionAnswering, read_checkpoint
from albert_export.export import export_onnx
from albert_export.reference.registry import build_reference
from albert_export.reference.torch_engine import TorchEngine
from albert_runtime.tasks import CHOICES, TASKS
from tests.conftest import VOCABULARY, save_tiny

TOLERANCE = 1e-4
DEPTHS = {
    "feature-extraction": {"num_hidden_groups": 3, "num_hidden_layers": 4},
    "pretraining": {"num_hidden_groups": 2, "num_hidden_layers": 4, "inner_group_num": 2},
    "fill-mask": {"hidden_act": "gelu"},
    "text-classification": {"num_labels": 5},
    "token-classification": {"num_labels": 9, "hidden_act": "relu"},
    "multiple-choice": {"inner_group_num": 2},
    "question-answering": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_lengths_batches_and_choices(task: str, tmp_path: Path) -> None:
    """Lengths 1 to 512, ragged padding, 1 to 8 rows, 2 to 7 choices; and garbage under the padding changes nothing."""
    folder = save_tiny(tmp_path / "model", task, max_position_embeddings=512, **DEPTHS[task])
    export_onnx(folder, tmp_path / "bundle")
    session = albert_runtime.load(tmp_path / "bundle")
    reference = TorchEngine(build_reference(read_checkpoint(folder), task), TASKS[task])
    random = np.random.default_rng(1)
    choices = CHOICES in TASKS[task].input_axes
    for index, length in enumerate((1, 2, 3, 4, 7, 31, 64, 100, 255, 256, 384, 511, 512)):
        rows = 1 + index % 3 if length > 100 else 1 + index % 8
        shape = (rows, 2 + index % 6, length) if choices else (rows, length)
        kept = random.integers(1, length + 1, shape[:-1])
        mask = (np.arange(length) < kept[..., None]).astype(np.int64)
        arrays = {
            "input_ids": random.integers(0, 30000, shape),
            "attention_mask": mask,
            "token_type_ids": random.integers(0, 2, shape),
        }
        got, expected = session.run(arrays), reference.run(arrays)
        garbage = {**arrays, "input_ids": np.where(mask, arrays["input_ids"], 29999 - arrays["input_ids"])}
        beside = session.run(garbage)
        for name, axes in TASKS[task].outputs.items():
            assert np.abs(got[name] - expected[name]).max() <= TOLERANCE, (name, shape)
            seen = mask.astype(bool) if axes[1:2] == ("sequence_length",) else slice(None)
            assert np.abs(got[name][seen] - beside[name][seen]).max() <= TOLERANCE, (name, shape)


@pytest.mark.slow
@pytest.mark.parametrize("model_class", [AlbertForQuestionAnswering, AlbertForMaskedLM])
def test_base_shape_is_as_large_as_its_checkpoint(model_class: type, tmp_path: Path) -> None:
    model_class(AlbertConfig.from_name("albert-base-v2")).save_pretrained(tmp_path / "model")  # type: ignore[attr-defined]
    shutil.copy(VOCABULARY, tmp_path / "model")
    exported = export_onnx(tmp_path / "model", tmp_path / "bundle")
    ratio = exported.to_dict()["model_bytes"] / (tmp_path / "model" / "model.safetensors").stat().st_size
    assert ratio <= 1.02
    assert exported.report.max_difference <= TOLERANCE


@pytest.mark.slow
def test_xlarge_shape_is_one_file(tmp_path: Path) -> None:
    config = AlbertConfig.from_name("albert-xlarge-v2")
    # Verification at 512 tokens and in 24 passes takes minutes. Every weight is there, and shared, with 64 and 3 too.
    config.max_position_embeddings, config.num_hidden_layers = 64, 3
    model = AlbertForQuestionAnswering(config)
    model.save_pretrained(tmp_path / "model")
    shutil.copy(VOCABULARY, tmp_path / "model")
    exported = export_onnx(tmp_path / "model", tmp_path / "bundle")
    assert [path.name for path in (tmp_path / "bundle").glob("*.onnx*")] == ["model.onnx"]
    assert exported.to_dict()["model_bytes"] <= 1.02 * (tmp_path / "model" / "model.safetensors").stat().st_size
