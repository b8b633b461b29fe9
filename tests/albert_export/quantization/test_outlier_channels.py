"""Outlier channels: which ones stand out, and the rewritten weights, which compute the same function."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_export.checkpoints import read_checkpoint
from albert_export.quantization.outlier_channels import (
    Outliers,
    channel_peaks,
    find_outliers,
    outlier_channels,
    shared_layers,
    with_outliers_last,
)
from tests.conftest import save_tiny

LAYER = "albert.encoder.albert_layer_groups.0.albert_layers.0."


@pytest.mark.parametrize(
    ("peaks", "expected"),
    [
        ([1.0] * 64, []),
        ([1.0] * 63 + [2.0], []),  # exactly twice is not above
        ([1.0] * 63 + [2.1], [63]),
        ([9.0] + [1.0] * 62 + [2.1], [0, 63]),
        ([9.0] * 4 + [1.0] * 60, [0, 1, 2, 3]),
        ([9.0] * 5 + [1.0] * 59, []),  # five of 64 channels are too many to stand out
        ([9.0] * 5 + [1.0] * 155, [0, 1, 2, 3, 4]),
        ([9.0] + [1.0] * 3, []),
        ([0.0] * 63 + [0.5], [63]),
        ([5.0], []),
        ([], []),
    ],
)
def test_what_stands_out(peaks: list[float], expected: list[int]) -> None:
    assert outlier_channels(np.array(peaks, np.float32)) == expected


def test_peaks_are_over_all_passes_and_samples() -> None:
    def run(hook) -> None:  # type: ignore[no-untyped-def]
        hook("a", np.array([[1.0, -5.0], [2.0, 0.0]]))
        hook("b", np.array([[0.5]]))
        hook("a", np.array([[-3.0, 4.0]]))

    peaks = channel_peaks(run)
    assert {name: peak.tolist() for name, peak in peaks.items()} == {"a": [3.0, 5.0], "b": [0.5]}


def test_shared_layers_of_paths() -> None:
    assert shared_layers(["x.ffn", "x.ffn_output", "y.attention.query", "y.ffn_output"]) == ["x.", "y."]


def peaks_of(weights: dict[str, np.ndarray], **large: tuple[int, float]) -> dict[str, np.ndarray]:
    """Return peaks of 1 for the inputs of every linear layer, except for those named in `large`.

    Its keys are matrices with underscores for dots, its values a channel and the peak of that channel.
    """
    peaks = {}
    for name in ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output"):
        peaks[LAYER + name] = np.ones(weights[f"{LAYER}{name}.weight"].shape[1], np.float32)
        if name.replace(".", "_") in large:
            channel, peak = large[name.replace(".", "_")]
            peaks[LAYER + name][channel] = peak
    return peaks


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    folder = save_tiny(tmp_path_factory.mktemp("outliers") / "model", "question-answering", hidden_size=64,
                       intermediate_size=128)  # fmt: skip
    return read_checkpoint(folder).weights


def test_each_kind_is_found(weights: dict[str, np.ndarray]) -> None:
    none = find_outliers(peaks_of(weights), weights)
    assert not none
    assert none.to_dict() == {"ffn_channels": {}, "hidden_channels": 0, "rescaled_value_channels": {}}
    found = find_outliers(
        peaks_of(weights, ffn_output=(7, 60.0), attention_key=(3, 9.0), attention_dense=(5, 30.0)), weights
    )
    assert found
    assert found.ffn == {LAYER: [7]}
    assert found.hidden == [3]  # one order serves all layers that read the hidden state
    scales = found.value_scales[LAYER]
    columns = np.abs(weights[f"{LAYER}attention.dense.weight"]).max(axis=0)
    assert scales[5] / scales[6] == pytest.approx(np.sqrt(30.0 * columns[6] / columns[5]), rel=1e-5)
    assert found.split_inputs([LAYER]) == {
        f"{LAYER}ffn_output": 1, f"{LAYER}ffn": 1,
        f"{LAYER}attention.query": 1, f"{LAYER}attention.key": 1, f"{LAYER}attention.value": 1,
    }  # fmt: skip


def test_dead_channels_are_not_divided_by_zero(weights: dict[str, np.ndarray]) -> None:
    dead = dict(weights)
    name = f"{LAYER}attention.dense.weight"
    dead[name] = weights[name].copy()
    dead[name][:, 9] = 0
    peaks = peaks_of(dead, attention_dense=(5, 30.0))
    peaks[f"{LAYER}attention.dense"][10] = 0
    scales = find_outliers(peaks, dead).value_scales[LAYER]
    assert np.isfinite(scales).all()
    assert (scales > 0).all()
    assert scales[9] == scales[10] == 1


def test_outliers_stand_last_and_nothing_else_changes(weights: dict[str, np.ndarray]) -> None:
    result, hidden_order = with_outliers_last(weights, Outliers(ffn={LAYER: [2, 40]}, hidden=[1]))
    before, after = weights[f"{LAYER}ffn.weight"], result[f"{LAYER}ffn.weight"]
    np.testing.assert_array_equal(after[-2:][:, -1], before[[2, 40]][:, 1])
    assert hidden_order[1] == 63
    assert sorted(hidden_order.tolist()) == list(range(64))
    last = result[f"{LAYER}full_layer_layer_norm.weight"]
    np.testing.assert_array_equal(last[hidden_order], weights[f"{LAYER}full_layer_layer_norm.weight"])
    untouched = [name for name in weights if "layer" not in name and "mapping_in" not in name]
    assert all(result[name] is weights[name] for name in untouched)
    assert "qa_outputs.weight" in untouched  # the encoder gives its channels in their old order


@given(channels=st.sets(st.integers(0, 23), max_size=23))
def test_any_channels_can_be_last(channels: set[int]) -> None:
    from albert_export.quantization.outlier_channels import _last

    order = _last(sorted(channels), 24)
    assert sorted(order.tolist()) == list(range(24))
    assert set(order[24 - len(channels) :].tolist()) == channels
