"""TFLite against TensorFlow: tiny models with lengths from 1 to 512, as looped and as unrolled graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from albert_export import read_checkpoint
from albert_export.export import export_tflite
from albert_export.reference.registry import build_reference, reference_engine
from albert_runtime import load
from albert_runtime.tasks import CHOICES, TASKS
from tests.conftest import save_tiny

TOLERANCE = 1e-4
DEPTHS = {
    "feature-extraction": {"num_hidden_groups": 3, "num_hidden_layers": 4},
    "pretraining": {"num_hidden_groups": 2, "num_hidden_layers": 4, "inner_group_num": 2},
    "fill-mask": {"hidden_act": "gelu"},
    "text-classification": {"num_labels": 5, "hidden_act": "silu"},
    "token-classification": {"num_labels": 9, "hidden_act": "relu"},
    "multiple-choice": {"inner_group_num": 2},
    "question-answering": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("graph", ["loop", "unrolled"])
@pytest.mark.parametrize("task", TASKS)
def test_lengths_batches_and_choices(task: str, graph: str, tmp_path: Path) -> None:
    """Lengths 1 to 512, ragged padding, 1 to 8 rows, 2 to 7 choices. Random ids in the padding must change nothing."""
    # The tolerance 1e-4 is meant for values of about 1; the fixture's weights of 0.3 would give logits above 10.
    folder = save_tiny(
        tmp_path / "model", task, **{"max_position_embeddings": 512, "initializer_range": 0.1, **DEPTHS[task]}
    )
    export_tflite(folder, tmp_path / "bundle", precision="fp32", graph=graph)
    session = load(tmp_path / "bundle", engine="litert")
    reference = reference_engine(build_reference(read_checkpoint(folder), task, framework="tf"), TASKS[task], "tf")
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


def test_the_file_has_the_shared_layer_once(tmp_path: Path) -> None:
    """More passes do not enlarge a looped graph, and both kinds of graphs contain each weight once."""
    sizes = {}
    for passes in (2, 6):
        folder = save_tiny(tmp_path / f"{passes}", "question-answering", num_hidden_layers=passes)
        for graph in ("loop", "unrolled"):
            exported = export_tflite(folder, tmp_path / f"{graph}{passes}", precision="fp32", graph=graph)
            sizes[graph, passes] = exported.to_dict()["model_bytes"]
            weights = exported.manifest.quantized["weight_bytes"]["float32"]
            assert weights <= 1.01 * (folder / "model.safetensors").stat().st_size
    assert abs(sizes["loop", 6] - sizes["loop", 2]) < 1000  # only names may differ, not weights
    assert sizes["unrolled", 6] > sizes["unrolled", 2]
