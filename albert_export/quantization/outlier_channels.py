"""Outlier channels: a few input channels of a linear layer that are far larger than all others.

In 8 bits with one scale for the whole tensor they leave too few levels for the other channels. Two rewrites of the
weights remove them. Both leave the float32 function unchanged:

- The channels of the feed-forward network and of the hidden state are permuted so that the outliers stand last. The
  linear layers that read them multiply the last channels separately, so that these get a scale of their own.
- The channels of the value projection are scaled down, and the matching columns of the attention's output projection
  are scaled up. Attention takes weighted means of the values, which commute with a factor for each channel. (Xiao et
  al. 2023, "SmoothQuant", arXiv 2211.10438, balances the two in the same way, but through LayerNorm.)

All passes share the layer, so one choice of channels serves all of them. It is made from the largest absolute value
that each channel takes on typical texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, np.ndarray]
#: is called with the path of a shared linear layer and its inputs, `[rows, channels]`
ForwardHook = Callable[[str, NDArray[Any]], None]
#: runs samples through a model, and calls the hook for each shared linear layer in each pass
HookedRun = Callable[[ForwardHook], None]

#: an outlier is more than twice as large as the largest ordinary channel: from there on it costs the others one bit
_RATIO = 2.0
#: this share of the channels may be outliers, or `_MIN_OUTLIERS` if that is more; if more channels than that are large,
#: none stands out
_MAX_SHARE = 1 / 32
_MIN_OUTLIERS = 4
#: the linear layers that read the hidden state, by their path within a shared layer
_HIDDEN_READERS = ("attention.query", "attention.key", "attention.value", "ffn")


@dataclass(frozen=True)
class Outliers:
    """The outlier channels of a model. A shared layer is named by the prefix of its weights' names."""

    #: shared layer -> outlier channels between `ffn` and `ffn_output`
    ffn: dict[str, list[int]] = field(default_factory=dict)
    #: outlier channels of the hidden state, the same for all shared layers
    hidden: list[int] = field(default_factory=list)
    #: shared layer -> the divisor of each channel of the value projection, `[hidden_size]`
    value_scales: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ffn or self.hidden or self.value_scales)

    def to_dict(self) -> dict[str, Any]:
        """The number of outlier channels of each kind, as a manifest records them."""
        return {
            "ffn_channels": {layer.rstrip("."): len(channels) for layer, channels in self.ffn.items()},
            "hidden_channels": len(self.hidden),
            "rescaled_value_channels": {
                layer.rstrip("."): int((scales != 1).sum()) for layer, scales in self.value_scales.items()
            },
        }

    def split_inputs(self, layers: Iterable[str]) -> dict[str, int]:
        """Return the path of each linear layer to split, with the number of its last inputs that are outliers."""
        counts = {f"{layer}ffn_output": len(channels) for layer, channels in self.ffn.items()}
        if self.hidden:
            counts |= {layer + reader: len(self.hidden) for layer in layers for reader in _HIDDEN_READERS}
        return counts


def channel_peaks(run: HookedRun) -> dict[str, NDArray[np.float32]]:
    """Return the largest absolute value of each input channel, over all passes and samples.

    Args:
        run: runs the samples, and calls back with the inputs of every shared linear layer.

    Returns:
        The peaks `[channels]` of each shared linear layer, by its path.
    """
    peaks: dict[str, NDArray[np.float32]] = {}

    def update(path: str, rows: NDArray[Any]) -> None:
        largest = np.abs(rows).max(axis=0)
        peaks[path] = np.maximum(peaks[path], largest) if path in peaks else largest

    run(update)
    return peaks


def find_outliers(peaks: Mapping[str, NDArray[np.float32]], weights: Weights) -> Outliers:
    """Return the outlier channels of a model.

    Args:
        peaks: of `channel_peaks`, by Hugging Face's full names without the suffix `.weight`.
        weights: of the checkpoint, by Hugging Face's full names.
    """
    layers = shared_layers(peaks)
    ffn = {layer: outlier_channels(peaks[f"{layer}ffn_output"]) for layer in layers}
    hidden = np.max([peaks[layer + reader] for layer in layers for reader in _HIDDEN_READERS], axis=0)
    scales = {}
    for layer in layers:
        context_peaks = peaks[f"{layer}attention.dense"]
        if outlier_channels(context_peaks):
            column_peaks = np.abs(weights[f"{layer}attention.dense.weight"]).max(axis=0)
            scales[layer] = _balance(context_peaks, column_peaks)
    return Outliers({layer: found for layer, found in ffn.items() if found}, outlier_channels(hidden), scales)


def shared_layers(paths: Iterable[str]) -> list[str]:
    """Return the shared layers that hold the linear layers at `paths`, each as the common prefix of its paths."""
    return [path.removesuffix("ffn_output") for path in paths if path.endswith(".ffn_output")]


def is_main(path: str) -> bool:
    """Whether the linear layer at `path` is a whole one, or the main part of one that is split."""
    return ".outliers" not in path


def outlier_channels(peaks: NDArray[np.float32]) -> list[int]:
    """Return the channels whose peak is more than twice the largest ordinary one, in ascending order.

    All but the few largest channels are ordinary: at most one channel in 32, or four channels if that is more, can be
    outliers.

    Args:
        peaks: the largest absolute value of each channel, `[channels]`.
    """
    limit = max(_MIN_OUTLIERS, int(len(peaks) * _MAX_SHARE))
    if len(peaks) <= limit:
        return []
    ordinary = np.sort(peaks)[-1 - limit]
    return [int(channel) for channel in np.flatnonzero(peaks > _RATIO * ordinary)]


def _balance(context_peaks: NDArray[np.float32], column_peaks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a divisor for each channel, so that activations and weights use an equal share of their ranges.

    Channels without activations or weights keep the divisor 1. The median divisor is 1 too, so that the scales of
    ordinary channels hardly change.
    """
    alive = (context_peaks > 0) & (column_peaks > 0)
    scales = np.ones_like(context_peaks)
    scales[alive] = np.sqrt(context_peaks[alive] / column_peaks[alive])
    if alive.any():
        scales[alive] /= np.median(scales[alive])
    return scales.astype(np.float32)


def with_outliers_last(weights: Weights, outliers: Outliers) -> tuple[Weights, NDArray[np.int64]]:
    """Rewrite the weights so that outlier channels stand last and value channels are rescaled.

    The function that the model computes stays the same, except for the order of the encoder's hidden channels.

    Returns:
        The weights (arrays that do not change are shared with `weights`), and the new position of each hidden channel,
        `[hidden_size]`.
    """
    result = dict(weights)
    for layer, scales in outliers.value_scales.items():
        result[f"{layer}attention.value.weight"] = weights[f"{layer}attention.value.weight"] / scales[:, None]
        result[f"{layer}attention.value.bias"] = weights[f"{layer}attention.value.bias"] / scales
        result[f"{layer}attention.dense.weight"] = weights[f"{layer}attention.dense.weight"] * scales
    for layer, channels in outliers.ffn.items():
        order = _last(channels, len(weights[f"{layer}ffn.bias"]))
        _permute(result, [f"{layer}ffn.weight", f"{layer}ffn.bias"], [f"{layer}ffn_output.weight"], order)
    mapping = "albert.encoder.embedding_hidden_mapping_in."
    order = _last(outliers.hidden, len(weights[f"{mapping}bias"]))
    if outliers.hidden:
        layers = shared_layers(name.removesuffix(".weight") for name in weights)
        writers = ("attention.dense.weight", "attention.dense.bias", "attention.LayerNorm.weight",
                   "attention.LayerNorm.bias", "ffn_output.weight", "ffn_output.bias",
                   "full_layer_layer_norm.weight", "full_layer_layer_norm.bias")  # fmt: skip
        rows = [f"{mapping}weight", f"{mapping}bias", *(layer + name for layer in layers for name in writers)]
        _permute(result, rows, [f"{layer}{reader}.weight" for layer in layers for reader in _HIDDEN_READERS], order)
    return result, np.argsort(order)


def _last(channels: list[int], size: int) -> NDArray[np.int64]:
    """Return all channel numbers below `size`, with `channels` at the end."""
    return np.concatenate([np.setdiff1d(np.arange(size), channels), np.asarray(channels, np.int64)])


def _permute(weights: Weights, rows: list[str], columns: list[str], order: NDArray[np.int64]) -> None:
    """Reorder the first axis of the weights named in `rows` and the second axis of those named in `columns`."""
    for name in rows:
        weights[name] = np.ascontiguousarray(weights[name][order])
    for name in columns:
        weights[name] = np.ascontiguousarray(weights[name][:, order])
