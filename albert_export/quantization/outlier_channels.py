"""Outlier channels: a few inputs of a product that are so large that no room is left for the others in 8 bits.

What mends it changes nothing in float32. Channels of the feed-forward network and of the hidden state are permuted so
that the outliers stand last, and the products that read them multiply the last ones apart, with a range of their own.
Channels of the value projection are scaled down, and the columns of the output projection that read them up:
attention takes weighted means of them, which commute with a factor. (Xiao et al. 2023, "SmoothQuant", arXiv
2211.10438, balances the two the same way, but through LayerNorm.) All passes share the layer, so one choice serves
all of them; it comes from the largest value that each channel takes on typical text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, np.ndarray]
#: a run of samples that calls back with each shared product's path and its inputs, `[rows, channels]`
Watch = Callable[[Callable[[str, NDArray[Any]], None]], None]

#: an outlier is so much larger than the largest ordinary channel: at 2, its range costs the others one bit
_RATIO = 2.0
#: at most so many of a layer's channels are outliers, or four of a narrow one, or else none stands out
_MOST = 1 / 32
_FEWEST = 4
#: products that read the hidden state, by what stands before them in their layer
_READERS = ("attention.query", "attention.key", "attention.value", "ffn")


@dataclass(frozen=True)
class Outliers:
    """What to mend; a layer is named by the path that its weights begin with."""

    #: layer -> outlier channels between `ffn` and `ffn_output`
    ffn: dict[str, list[int]] = field(default_factory=dict)
    #: outlier channels of the hidden state, the same in all layers
    hidden: list[int] = field(default_factory=list)
    #: layer -> what the value projection's channels are divided by, `[hidden_size]`
    value_scales: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ffn or self.hidden or self.value_scales)

    def to_dict(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {
            "ffn_channels": {layer.rstrip("."): len(channels) for layer, channels in self.ffn.items()},
            "hidden_channels": len(self.hidden),
            "rescaled_value_channels": {
                layer.rstrip("."): int((scales != 1).sum()) for layer, scales in self.value_scales.items()
            },
        }

    def split_inputs(self, layers: Iterable[str]) -> dict[str, int]:
        """Path of each product to split -> how many of its last inputs are outliers."""
        counts = {f"{layer}ffn_output": len(channels) for layer, channels in self.ffn.items()}
        if self.hidden:
            counts |= {layer + reader: len(self.hidden) for layer in layers for reader in _READERS}
        return counts


def channel_peaks(watch: Watch) -> dict[str, NDArray[np.float32]]:
    """The largest absolute value of each input channel of each shared product, over all passes and samples."""
    peaks: dict[str, NDArray[np.float32]] = {}

    def visit(path: str, rows: NDArray[Any]) -> None:
        largest = np.abs(rows).max(axis=0)
        peaks[path] = np.maximum(peaks[path], largest) if path in peaks else largest

    watch(visit)
    return peaks


def find_outliers(peaks: Mapping[str, NDArray[np.float32]], weights: Weights) -> Outliers:
    """The outliers among the channels with these `peaks`, by path of the product that reads them.

    Args:
        peaks: of `channel_peaks`; paths as in Hugging Face's full names.
        weights: of the checkpoint, by Hugging Face's full names.
    """
    layers = shared_layers(peaks)
    ffn = {layer: outlier_channels(peaks[f"{layer}ffn_output"]) for layer in layers}
    hidden = np.max([peaks[layer + reader] for layer in layers for reader in _READERS], axis=0)
    scales = {}
    for layer in layers:
        context, columns = (
            peaks[f"{layer}attention.dense"],
            np.abs(weights[f"{layer}attention.dense.weight"]).max(axis=0),
        )
        if outlier_channels(context):
            scales[layer] = _balance(context, columns)
    return Outliers({layer: found for layer, found in ffn.items() if found}, outlier_channels(hidden), scales)


def shared_layers(paths: Iterable[str]) -> list[str]:
    """The shared layers that products at `paths` are in: what their paths begin with."""
    return [path.removesuffix("ffn_output") for path in paths if path.endswith(".ffn_output")]


def is_main(path: str) -> bool:
    """Whether the product at `path` is a whole one, or the main part of one that is split."""
    return ".outliers" not in path


def outlier_channels(peaks: NDArray[np.float32]) -> list[int]:
    """Channels whose peak is above `_RATIO` times that of all but the few largest."""
    most = max(_FEWEST, int(len(peaks) * _MOST))
    if len(peaks) <= most:
        return []
    ordinary = np.sort(peaks)[-1 - most]
    return [int(channel) for channel in np.flatnonzero(peaks > _RATIO * ordinary)]


def _balance(context: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to divide each channel by, so that it and its column of weights use as much of their ranges as others."""
    alive = (context > 0) & (columns > 0)
    scales = np.ones_like(context)
    scales[alive] = np.sqrt(context[alive] / columns[alive])
    if alive.any():
        scales[alive] /= np.median(scales[alive])
    return scales.astype(np.float32)


def mended(weights: Weights, outliers: Outliers) -> tuple[Weights, NDArray[np.int64]]:
    """Weights of the same function, with the outliers last and the values rescaled.

    Returns:
        The weights, new where they differ, and where each hidden channel now stands, `[hidden_size]`.
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
        written = ("attention.dense.weight", "attention.dense.bias", "attention.LayerNorm.weight",
                   "attention.LayerNorm.bias", "ffn_output.weight", "ffn_output.bias",
                   "full_layer_layer_norm.weight", "full_layer_layer_norm.bias")  # fmt: skip
        rows = [f"{mapping}weight", f"{mapping}bias", *(layer + name for layer in layers for name in written)]
        _permute(result, rows, [f"{layer}{reader}.weight" for layer in layers for reader in _READERS], order)
    return result, np.argsort(order)


def _last(channels: list[int], size: int) -> NDArray[np.int64]:
    """All channels, `channels` last."""
    return np.concatenate([np.setdiff1d(np.arange(size), channels), np.asarray(channels, np.int64)])


def _permute(weights: Weights, rows: list[str], columns: list[str], order: NDArray[np.int64]) -> None:
    for name in rows:
        weights[name] = np.ascontiguousarray(weights[name][order])
    for name in columns:
        weights[name] = np.ascontiguousarray(weights[name][:, order])
