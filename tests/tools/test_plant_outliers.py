"""Planted outliers: they appear at every token, and the checkpoint computes the same outputs as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from albert_export.checkpoints import read_checkpoint
from albert_export.demos import demo_checkpoint
from albert_export.reference.registry import build_reference
from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, save_tiny
from tools.plant_outliers import differences, main, plant

LAYER = "albert.encoder.albert_layer_groups.0.albert_layers.0"
IDS = torch.tensor([[2, *range(40, 60), 3]])


def activations(folder: Path, task: str, submodule: str) -> list[torch.Tensor]:
    """The input of a dense layer in each pass, `[S, channels]`."""
    model = build_reference(read_checkpoint(folder), task)
    seen: list[torch.Tensor] = []
    module = model.get_submodule(f"{LAYER}.{submodule}")
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][0]))
    with torch.inference_mode():
        model(IDS)
    return seen


@pytest.mark.parametrize("task", TASKS)
def test_value_and_hidden_channels_keep_the_outputs_of_every_task(
    task: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    model = checkpoint_of(task)
    values, hidden = plant(model, tmp_path / "values", value=30), plant(model, tmp_path / "hidden", hidden=5)
    for planted, tolerance in ((values, 1e-5), (hidden, 5e-5)):  # sums with an offset are rounded more
        for name, (most, largest) in differences(model, planted).items():
            assert most <= tolerance * max(1, largest), (name, planted.name)
            assert largest > 0


def test_every_group_and_inner_layer_is_planted(tmp_path: Path) -> None:
    model = save_tiny(
        tmp_path / "model", "fill-mask", num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2,
        embedding_size=16, hidden_act="gelu",
    )  # fmt: skip
    before = read_checkpoint(model).weights
    after = read_checkpoint(plant(model, tmp_path / "planted", value=20, hidden=5)).weights
    for group in range(2):
        for inner in range(2):
            layer = f"albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
            for name in ("attention.value.weight", "attention.LayerNorm.bias", "full_layer_layer_norm.bias"):
                assert not np.allclose(before[f"{layer}.{name}"], after[f"{layer}.{name}"]), (layer, name)
    most, largest = differences(model, tmp_path / "planted")["logits"]
    assert most <= 5e-5 * max(1, largest)


@pytest.mark.parametrize("act", ["gelu", "gelu_new", "relu", "silu"])
def test_planted_units_are_constant_and_cancel(act: str, tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", "question-answering", hidden_act=act)
    small, large = (plant(model, tmp_path / str(ffn), ffn=ffn, units=6) for ffn in (10, 20))
    weights = read_checkpoint(large).weights
    bias, out = weights[f"{LAYER}.ffn.bias"], weights[f"{LAYER}.ffn_output.weight"]
    units = np.argsort(-bias)[:6]
    assert not weights[f"{LAYER}.ffn.weight"][units].any()
    levels = []
    for folder in (small, large):
        passes = torch.stack(activations(folder, "question-answering", "ffn_output"))[..., units]
        assert len(passes) == 3
        assert torch.allclose(passes, passes[0, 0, 0].expand_as(passes))  # equal in all passes and at all tokens
        levels.append(float(passes[0, 0, 0]))
    assert levels[1] == pytest.approx(2 * levels[0], rel=1e-4)
    assert levels[1] > 20 * 0.2  # ordinary activations of the tiny model are around 1
    assert np.abs(out[:, units].sum(axis=1)).max() < 1e-6
    lengths = np.linalg.norm(out, axis=0)
    assert lengths[units] == pytest.approx(np.full(6, np.median(np.linalg.norm(out, axis=0))), rel=0.5)
    # Only the replacement of units changes the outputs, so the activation of the planted units makes no difference.
    for name, (most, largest) in differences(small, large).items():
        assert most <= 5e-5 * max(1, largest), name


def test_the_activation_is_in_ordinary_ranges(tmp_path: Path) -> None:
    """The tool measures longer texts than the input here, so its ordinary range is similar, and never smaller."""
    model = save_tiny(tmp_path / "model", "question-answering")
    before = torch.cat(activations(model, "question-answering", "ffn_output")).abs().amax(dim=0)
    plant(model, tmp_path / "planted", ffn=50)
    level = float(read_checkpoint(tmp_path / "planted").weights[f"{LAYER}.ffn.bias"].max())
    assert 50 * float(before.median()) <= level <= 150 * float(before.median())


def test_value_channels_are_large_and_spread_over_the_heads(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    model = checkpoint_of("question-answering")
    planted = plant(model, tmp_path / "planted", value=30, channels=4)
    ratio, dense = (
        read_checkpoint(planted).weights[f"{LAYER}.attention.{name}"]
        / read_checkpoint(model).weights[f"{LAYER}.attention.{name}"]
        for name in ("value.weight", "dense.weight")
    )
    rows = np.flatnonzero(np.isclose(ratio, 30, rtol=1e-4).all(axis=1))
    assert [(rows // 8).tolist().count(head) for head in range(2)] == [2, 2]
    assert np.allclose(dense[:, rows], 1 / 30)
    assert np.allclose(np.delete(ratio, rows, axis=0), 1)
    assert np.allclose(np.delete(dense, rows, axis=1), 1)


def test_hidden_channels_are_large_for_all_readers(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    planted = plant(checkpoint_of("token-classification"), tmp_path / "planted", hidden=40, channels=3)
    for place in ("attention.query", "ffn"):
        for entered in activations(planted, "token-classification", place):
            high = entered.abs().min(dim=0).values > 10 * entered.abs().median()
            assert int(high.sum()) == 3


def test_a_demo_nearly_keeps_its_outputs(tmp_path: Path) -> None:
    model = demo_checkpoint("text-classification")
    planted = plant(model, tmp_path / "planted", ffn=60, value=30, hidden=20)
    most, largest = differences(model, planted)["logits"]
    assert 1e-4 < most < 0.1 * largest


def test_transformers_computes_the_same(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    from transformers import AlbertForQuestionAnswering, AlbertTokenizer

    planted = plant(checkpoint_of("question-answering"), tmp_path / "planted", ffn=60, value=30, hidden=5)
    theirs = AlbertForQuestionAnswering.from_pretrained(planted).eval()
    ours = build_reference(read_checkpoint(planted), "question-answering")
    with torch.inference_mode():
        assert torch.allclose(ours(IDS).start_logits, theirs(IDS).start_logits, atol=1e-4)
    assert AlbertTokenizer.from_pretrained(planted).vocab_size == 30000


def test_the_same_seed_plants_the_same(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    model = checkpoint_of("question-answering")
    first, again, other = (
        read_checkpoint(plant(model, tmp_path / name, ffn=5, value=5, hidden=5, seed=seed)).weights
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, ["nothing is to be planted"]),
        ({"ffn": -1, "units": 3, "channels": 0}, ["ffn is -1", "units is 3", "channels is 0"]),
        ({"value": float("nan")}, ["value is nan"]),
        ({"ffn": 2, "units": 26}, ["from 2 to 24"]),
        ({"hidden": 2, "channels": 17}, ["from 1 to 16"]),
    ],
)
def test_impossible_numbers_are_refused_all_at_once(
    wrong: dict[str, float], words: list[str], checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        plant(checkpoint_of("question-answering"), tmp_path / "planted", **wrong)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words)
    assert not (tmp_path / "planted").exists()


def test_an_activation_that_the_function_can_not_reach_is_refused(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", "question-answering", hidden_act="tanh")
    with pytest.raises(UsageError, match="tanh"):
        plant(model, tmp_path / "planted", ffn=60)
    assert not (tmp_path / "planted").exists()


def test_the_command_prints_the_differences_of_outputs(
    checkpoint_of: CheckpointOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(checkpoint_of("question-answering")), str(tmp_path / "planted"), "--value", "30"]
    assert main(arguments) == 0
    assert "start_logits: off by" in capsys.readouterr().out
    assert main(arguments) == 2
    assert "already exists" in capsys.readouterr().err
