"""ReferenceVariants: in each framework, the outlier-split variant computes the same function as the reference."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from albert_export.checkpoints import Checkpoint, read_checkpoint
from albert_export.export.context import ExportContext
from albert_export.export.reference_variants import ReferenceVariants
from albert_export.quantization.linears import linears_module
from albert_export.quantization.recipes import Recipe
from albert_export.reference.registry import build_reference, reference_engine
from albert_runtime import AlbertTokenizer
from albert_runtime.tasks import CHOICES, INPUT_NAMES, TASKS
from tests.conftest import VOCABULARY, save_tiny

SHAPE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_hidden_groups": 2,
         "inner_group_num": 2}  # fmt: skip


def samples_for(task: str, count: int = 4) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    samples = []
    for length in range(5, 5 + count):
        shape = (1, 2, length) if CHOICES in TASKS[task].input_axes else (1, length)
        arrays = [random.integers(5, 3000, shape), np.ones(shape, np.int64), random.integers(0, 2, shape)]
        samples.append(dict(zip(INPUT_NAMES, arrays, strict=True)))
    return samples


def with_outliers(folder: Path, task: str) -> Checkpoint:
    """A tiny checkpoint with an outlier of each kind in each of its four shared layers."""
    checkpoint = read_checkpoint(save_tiny(folder, task, **SHAPE))
    weights = {name: array.copy() for name, array in checkpoint.weights.items()}
    for group in range(2):
        for inner in range(2):
            layer = f"albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}."
            weights[f"{layer}ffn.bias"][11] = 90
            weights[f"{layer}attention.value.bias"][3] = 200
            weights[f"{layer}full_layer_layer_norm.bias"][17] = 60
    return dataclasses.replace(checkpoint, weights=weights)


def context_for(checkpoint: Checkpoint, task: str, framework: str) -> ExportContext:
    reference = build_reference(checkpoint, task, framework=framework)
    return ExportContext(
        checkpoint=checkpoint,
        task=TASKS[task],
        reference=reference,
        tokenizer=AlbertTokenizer(VOCABULARY),
        framework=framework,
        calibration_texts=(),
        allow_random_head=False,
        progress=lambda step: None,
        request_settings={"max_length": checkpoint.config.max_position_embeddings},
    )


@pytest.mark.parametrize("framework", ["torch", "tf"])
@pytest.mark.parametrize("task", TASKS)
def test_the_same_function(task: str, framework: str, tmp_path: Path) -> None:
    context = context_for(with_outliers(tmp_path / "model", task), task, framework)
    variants = ReferenceVariants(context, samples_for(task))
    assert len(variants.outliers.ffn) == len(variants.outliers.value_scales) == 4
    assert variants.outliers.hidden == [17]
    split = variants.reference(True)
    assert split is not variants.reference(False)
    engines = [reference_engine(model, TASKS[task], framework) for model in (variants.reference(False), split)]
    for sample in samples_for(task):
        before, after = (engine.run(sample) for engine in engines)
        for name, expected in before.items():
            limit = 2e-5 * max(1.0, float(np.abs(expected).max()))
            assert np.abs(after[name] - expected).max() <= limit, name


@pytest.mark.parametrize("framework", ["torch", "tf"])
def test_the_inputs_of_a_main_part_have_no_outliers(framework: str, tmp_path: Path) -> None:
    task = "question-answering"
    variants = ReferenceVariants(
        context_for(with_outliers(tmp_path / "model", task), task, framework), samples_for(task)
    )
    peaks: dict[bool, dict[str, float]] = {False: {}, True: {}}
    for split, largest in peaks.items():
        variants.run_with_hooks(split, lambda path, rows, largest=largest: largest.update(
            {path: max(largest.get(path, 0.0), float(np.abs(rows).max()))}))  # fmt: skip
    for path, peak in peaks[False].items():
        if path.endswith("ffn_output"):
            assert peak >= 80
            assert peaks[True][f"{path}.main"] < 20
            assert peaks[True][f"{path}.outliers"] >= 80
        if path.endswith("attention.dense"):
            assert peaks[True][path] < peak / 3  # rescaled, not split
        if path.endswith("attention.query") and not path.endswith("0.albert_layers.0.attention.query"):
            assert peaks[True][f"{path}.main"] < peak / 3


@pytest.mark.parametrize("framework", ["torch", "tf"])
def test_hooks_see_every_pass_and_are_removed(framework: str, tmp_path: Path) -> None:
    task = "fill-mask"
    checkpoint = read_checkpoint(save_tiny(tmp_path / "model", task))
    reference = build_reference(checkpoint, task, framework=framework)
    linears = linears_module(framework)
    seen: list[tuple[str, tuple[int, ...]]] = []
    for _ in range(2):  # the second time, no hook of the first is left
        seen.clear()
        linears.run_with_forward_hooks(
            reference, samples_for(task, 1), lambda path, rows: seen.append((path, rows.shape))
        )
    layer = "albert.encoder.albert_layer_groups.0.albert_layers.0."
    names = ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output")
    assert [path for path, _ in seen] == [layer + name for name in names] * 3
    assert dict(seen)[f"{layer}ffn_output"] == (5, 24)
    assert dict(seen)[f"{layer}ffn"] == (5, 16)
    weight = linears.weight(linears.shared_linears(reference)[f"{layer}ffn"])
    np.testing.assert_array_equal(weight, checkpoint.weights[f"{layer}ffn.weight"])


def test_recipes_that_give_nothing_new(tmp_path: Path) -> None:
    task = "fill-mask"
    plain, split, blocks = Recipe("plain"), Recipe("split", split=True), Recipe("blocks", split=True, block=64)
    checkpoint = read_checkpoint(save_tiny(tmp_path / "calm", task))
    calm = ReferenceVariants(context_for(checkpoint, task, "torch"), samples_for(task))
    assert calm.reason_to_skip(split, (plain, split, blocks)) == "no outlier channels"
    assert calm.reason_to_skip(plain, (plain, split, blocks)) == ""
    assert calm.reason_to_skip(blocks, (plain, split, blocks)) == ""  # its blocks are new, even with nothing to split
    wild = ReferenceVariants(context_for(with_outliers(tmp_path / "wild", task), task, "torch"), samples_for(task))
    assert wild.reason_to_skip(split, (plain, split, blocks)) == ""
