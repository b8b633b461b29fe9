"""Hooks see every linear layer in its pass, runs may begin at any pass, and the model is not changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from albert_export.sensitivity.linear_hooks import LinearCall, LinearHooks
from albert_runtime.tasks import TASKS, find_task
from tests.albert_export.sensitivity.scanned import model_of, unchanged
from tests.conftest import CheckpointOf, save_tiny

LAYER = "albert.encoder.albert_layer_groups.{}.albert_layers.{}."
MATRICES = ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output")
HEADS = {
    "feature-extraction": ["albert.pooler"],
    "pretraining": ["albert.pooler", "predictions.dense", "predictions.decoder", "sop_classifier.classifier"],
    "fill-mask": ["predictions.dense", "predictions.decoder"],
    "text-classification": ["albert.pooler", "classifier"],
    "token-classification": ["classifier"],
    "multiple-choice": ["albert.pooler", "classifier"],
    "question-answering": ["qa_outputs"],
}


def seen(model: Any, task: str, sample: Any) -> list[LinearCall]:
    found: list[LinearCall] = []

    def hook(call: LinearCall, x: Any, weight: Any) -> Any:
        found.append(call)
        assert x.shape[-1] == weight.shape[1]
        return x, weight

    LinearHooks(model, find_task(task)).run(sample, hook)
    return found


@pytest.mark.parametrize("task", TASKS)
def test_every_linear_layer_is_seen_in_order(checkpoint_of: CheckpointOf, task: str) -> None:
    model, [sample] = model_of(checkpoint_of(task), task, 1)
    calls = seen(model, task, sample)
    layer = LAYER.format(0, 0)
    assert calls[0] == LinearCall("albert.encoder.embedding_hidden_mapping_in", None)
    assert calls[1:19] == [LinearCall(layer + matrix, number) for number in (1, 2, 3) for matrix in MATRICES]
    assert sorted(calls[19:]) == sorted(LinearCall(head, None) for head in HEADS[task])


def test_groups_and_inner_layers_run_in_their_own_passes(tmp_path: Path) -> None:
    options = {"num_hidden_groups": 2, "inner_group_num": 2, "num_hidden_layers": 4}
    model, [sample] = model_of(save_tiny(tmp_path / "model", "question-answering", **options), "question-answering", 1)
    ffn = [call for call in seen(model, "question-answering", sample) if call.module.endswith(".ffn")]
    assert ffn == [
        LinearCall(LAYER.format(group, inner) + "ffn", number)
        for number, group in ((1, 0), (2, 0), (3, 1), (4, 1))
        for inner in (0, 1)
    ]


@pytest.mark.parametrize("groups", [1, 2])
def test_a_run_that_begins_at_a_later_pass_gives_the_same_bits(tmp_path: Path, groups: int) -> None:
    task = "token-classification"
    options = {"num_hidden_groups": groups, "inner_group_num": groups, "num_hidden_layers": 4}
    model, [sample] = model_of(save_tiny(tmp_path / "model", task, **options), task, 1)
    hooks = LinearHooks(model, find_task(task))
    whole = hooks.run(sample, unchanged)
    assert len(whole.states) == 5
    for first in range(1, 6):
        passes: set[int | None] = set()

        def hook(call: LinearCall, x: Any, weight: Any, passes: set[int | None] = passes) -> Any:
            passes.add(call.pass_number)
            return x, weight

        later = hooks.run(sample, hook, first_pass=first, states=whole.states)
        assert torch.equal(later.outputs["logits"], whole.outputs["logits"])
        assert passes - {None} == set(range(first, 5))


def test_the_model_computes_with_what_the_hook_returns(checkpoint_of: CheckpointOf) -> None:
    task = "token-classification"
    model, [sample] = model_of(checkpoint_of(task), task, 1)

    def zeroed(call: LinearCall, x: Any, weight: Any) -> Any:
        return (x, weight * 0) if call.module == "classifier" else (x, weight)

    logits = LinearHooks(model, find_task(task)).run(sample, zeroed).outputs["logits"]
    assert torch.equal(logits, model.classifier.bias.expand_as(logits))


def test_a_run_that_fails_leaves_the_model_unchanged(checkpoint_of: CheckpointOf) -> None:
    task = "question-answering"
    model, [sample] = model_of(checkpoint_of(task), task, 1)
    hooks = LinearHooks(model, find_task(task))
    before = hooks.run(sample, unchanged).outputs

    def fails(call: LinearCall, x: Any, weight: Any) -> Any:
        if call.pass_number == 2:
            raise RuntimeError("in the middle")
        return x * 2, weight

    with pytest.raises(RuntimeError, match="in the middle"):
        hooks.run(sample, fails)
    assert "forward" not in vars(model.albert.encoder.albert_layer_groups[0])
    after = hooks.run(sample, unchanged).outputs
    assert all(torch.equal(before[name], after[name]) for name in before)
