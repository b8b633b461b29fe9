"""Scans of tiny models find the layers that stand out, and measure what quantized layers really do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from albert_export import read_checkpoint
from albert_export.samples.texts import calibration_corpus
from albert_export.sensitivity import Row, Sensitivity, scan, typical_inputs
from albert_export.sensitivity.analysis import Scanner
from albert_export.sensitivity.fake_quantize import quantized_activations, quantized_weight
from albert_runtime.errors import CheckpointError, UnsupportedError, UsageError
from albert_runtime.tasks import TASKS, find_task
from tests.albert_export.sensitivity.scanned import Sample, model_of
from tests.conftest import CheckpointOf

QA = "question-answering"


def outputs(model: Any, task: str, samples: list[Sample]) -> list[torch.Tensor]:
    with torch.inference_mode():
        found = [model(**{name: torch.from_numpy(array) for name, array in one.items()}) for one in samples]
    return [one[name] for one in found for name in TASKS[task].outputs]


def error(expected: list[torch.Tensor], got: list[torch.Tensor]) -> float:
    one, other = (torch.cat([output.flatten() for output in outputs]).double() for outputs in (expected, got))
    return float((other - one).norm() / one.norm())


def row(found: Sensitivity, name: str, pass_number: int | None = None) -> Row:
    [one] = [row for row in found.rows if row.name == name and row.pass_number == pass_number]
    return one


@pytest.mark.parametrize("precision", ["int8", "int4"])
@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_scanned_and_left_as_it_was(checkpoint_of: CheckpointOf, task: str, precision: str) -> None:
    model, samples = model_of(checkpoint_of(task), task)
    before = outputs(model, task, samples)
    found = scan(model, task, samples, precision)
    assert all(torch.equal(one, other) for one, other in zip(before, outputs(model, task, samples), strict=True))
    assert [row.pass_number for row in found.rows[:9]] == [None, 1, 2, 3, None, 1, 2, 3, None]
    assert len(found.rows) == len(found.modules) + 6 * found.passes
    assert all(0 < row.error < 1 for row in found.rows)
    assert 0 < found.everything.error < 2
    assert json.loads(json.dumps(found.to_dict()))["worst"] == [row.module for row in found.worst()]


def test_without_quantized_layers_there_is_no_error(checkpoint_of: CheckpointOf) -> None:
    model, samples = model_of(checkpoint_of(QA), QA)
    assert Scanner(model, find_task(QA), samples, "int8").quantization_error([]).error == 0.0


@pytest.mark.parametrize("only_pass", [None, 2])
def test_the_error_is_that_of_a_layer_that_quantizes_itself(checkpoint_of: CheckpointOf, only_pass: int | None) -> None:
    model, samples = model_of(checkpoint_of(QA), QA)
    found = scan(model, QA, samples)
    expected = outputs(model, QA, samples)
    layer = model.albert.encoder.albert_layer_groups[0].albert_layers[0].ffn
    plain, rounded, calls = layer.weight.data.clone(), quantized_weight(layer.weight, "int8"), 0

    def hook(module: Any, inputs: Any) -> Any:
        nonlocal calls
        calls += 1
        here = only_pass is None or calls % found.passes == only_pass % found.passes
        module.weight.data = rounded if here else plain
        return (quantized_activations(inputs[0], "int8"),) if here else inputs

    layer.register_forward_pre_hook(hook)
    got = error(expected, outputs(model, QA, samples))
    assert row(found, "ffn", only_pass).error == pytest.approx(got, rel=1e-5)


def test_ranges_are_those_of_what_the_layer_reads(checkpoint_of: CheckpointOf) -> None:
    model, samples = model_of(checkpoint_of(QA), QA)
    found = scan(model, QA, samples)
    read: list[torch.Tensor] = []
    model.albert.encoder.albert_layer_groups[0].albert_layers[0].ffn_output.register_forward_pre_hook(
        lambda module, inputs: read.append(inputs[0])
    )
    outputs(model, QA, samples)
    for number, values in ((1, read[0::3]), (2, read[1::3]), (3, read[2::3]), (None, read)):
        one = row(found, "ffn_output", number)
        assert one.minimum == min(float(x.min()) for x in values)
        assert one.maximum == max(float(x.max()) for x in values)


def test_a_planted_outlier_makes_the_layer_that_reads_it_the_worst(checkpoint_of: CheckpointOf) -> None:
    task = "token-classification"
    model, samples = model_of(checkpoint_of(task), task)
    plain = scan(model, task, samples)
    layer = model.albert.encoder.albert_layer_groups[0].albert_layers[0]
    with torch.no_grad():
        layer.ffn.weight[5] = 0.0
        layer.ffn.bias[5] = 2000.0
        layer.ffn_output.weight[:, 5] = 0.0  # so it changes nothing in float32
    found = scan(model, task, samples)
    [worst] = found.worst(1)
    assert worst.name == "ffn_output"
    assert worst.outlier_ratio > 100 > 20 > row(plain, "ffn_output").outlier_ratio
    assert worst.outlier_channels == (5,)
    assert worst.error > 3 * max(row.error for row in found.modules if row is not worst)
    assert worst.error > 3 * row(plain, "ffn_output").error


def test_weights_of_4_bits_cost_more_than_ranges_of_whole_tensors(checkpoint_of: CheckpointOf) -> None:
    model, samples = model_of(checkpoint_of(QA), QA)
    int8, int4 = (scan(model, QA, samples, precision) for precision in ("int8", "int4"))
    assert int4.everything.error > int8.everything.error


def test_only_shared_layers_and_the_pooler_have_4_bits(checkpoint_of: CheckpointOf) -> None:
    model, samples = model_of(checkpoint_of("pretraining"), "pretraining", 1)
    int8, int4 = (scan(model, "pretraining", samples, precision) for precision in ("int8", "int4"))
    equal = {one.name for one, other in zip(int8.modules, int4.modules, strict=True) if one == other}
    heads = {"predictions.dense", "predictions.decoder", "sop_classifier.classifier"}
    assert equal == {"embedding_hidden_mapping_in", *heads}
    assert row(int4, "pooler").error > row(int8, "pooler").error


def test_a_checkpoint_is_as_good_as_its_model(checkpoint_of: CheckpointOf) -> None:
    model, samples = model_of(checkpoint_of(QA), QA, 1)
    lines: list[str] = []
    assert scan(read_checkpoint(checkpoint_of(QA)), "qa", samples, progress=lines.append) == scan(model, QA, samples)
    assert lines[-1] == "everything"
    assert "albert.encoder.albert_layer_groups.0.albert_layers.0.ffn, pass 3" in "\n".join(lines)


def test_inputs_are_as_many_as_asked_for(checkpoint_of: CheckpointOf) -> None:
    checkpoint = read_checkpoint(checkpoint_of("multiple-choice"))
    samples = typical_inputs(checkpoint, "mc", limit=3)
    assert [sample["input_ids"].ndim for sample in samples] == [3, 3, 3]
    assert all(sample["input_ids"].shape[-1] <= checkpoint.config.max_position_embeddings for sample in samples)
    own = typical_inputs(checkpoint, "mc", [("One line.", None)])
    assert len(own) == 1
    assert not np.array_equal(own[0]["input_ids"], samples[0]["input_ids"])
    assert len(typical_inputs(checkpoint, "mc", limit=10_000)) == len(calibration_corpus())


def test_what_cannot_be_scanned_is_refused(checkpoint_of: CheckpointOf) -> None:
    model, samples = model_of(checkpoint_of(QA), QA, 1)
    with pytest.raises(UsageError, match="'fp16' can't be scanned; the precisions are int8, int4"):
        scan(model, QA, samples, "fp16")
    with pytest.raises(UsageError, match="no samples"):
        scan(model, QA, [])
    with pytest.raises(UnsupportedError, match="no head for fill-mask"):
        scan(read_checkpoint(checkpoint_of(QA)), "fill-mask", samples)


def test_a_checkpoint_without_a_vocabulary_gives_no_inputs(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((checkpoint_of(QA) / name).read_bytes())
    with pytest.raises(CheckpointError, match=r"has no tokenizer: no spiece\.model"):
        typical_inputs(read_checkpoint(tmp_path), QA)
