"""Plants outlier activations, as large trained ALBERTs have them, into a checkpoint without changing its outputs.

    python -m tools.plant_outliers CHECKPOINT OUTPUT --ffn 60 --value 30 --hidden 20

The new checkpoint answers as before in float32, and shows what quantization does to a model with outliers.
docs/outliers.md describes what is planted, and why it does not change the outputs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from albert_converters.bundle_writer import refuse_overwrite
from albert_export.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from albert_export.checkpoints.checkpoint import choose_task
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.checkpoints.weight_names import MAPPING
from albert_export.quantization.calibration import calibration_samples
from albert_export.reference.registry import build_reference
from albert_export.reference.torch_albert import ACTIVATIONS
from albert_export.samples.texts import calibration_corpus
from albert_runtime.errors import AlbertError, UsageError, listed
from albert_runtime.tasks import Task

Weights = dict[str, np.ndarray]

_TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "tokenizer.json", "added_tokens.json")
#: iterations of the search for the bias that gives the wanted activation
_ITERATIONS = 100


@dataclass
class _Activations:
    """Statistics of each channel at one place of the model, over all tokens of the texts and all passes."""

    largest: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    total: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    squares: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    tokens: int = 0

    def add(self, values: torch.Tensor) -> None:
        """Adds activations `[..., channels]` to the statistics."""
        rows = values.detach().double().reshape(-1, values.shape[-1]).numpy()
        self.largest = np.maximum(self.largest, np.abs(rows).max(axis=0))
        self.total = self.total + rows.sum(axis=0)
        self.squares = self.squares + np.square(rows).sum(axis=0)
        self.tokens += len(rows)

    @property
    def ordinary(self) -> float:
        """The ordinary range: the median over the channels of each channel's largest absolute activation."""
        return float(np.median(self.largest))


def plant(
    model: str | Path,
    output: str | Path,
    *,
    ffn: float = 0,
    value: float = 0,
    hidden: float = 0,
    units: int = 4,
    channels: int = 4,
    seed: int = 0,
    task: str | None = None,
) -> Path:
    """Writes the checkpoint `model` with outliers in every layer as a Hugging Face folder, and returns its path.

    The "ordinary range" is measured on the bundled texts: the median over the channels of each channel's largest
    absolute activation.

    Args:
        model: a checkpoint folder, Hugging Face's or Google's.
        output: the new folder.
        ffn: the constant activation of planted FFN units, in ordinary ranges; 0 plants none.
        value: the factor by which planted channels of the attention's values grow; 0 plants none.
        hidden: the offset of planted channels of the hidden states, in ordinary ranges; 0 plants none.
        units: the number of planted FFN units in each layer, even.
        channels: the number of planted value channels in each layer, and of planted hidden channels.
        seed: decides which channels are planted, and the output weights of the planted units.
        task: name or alias; None takes the head that the checkpoint was saved with.

    Raises:
        UsageError: `output` exists, or numbers are impossible; the message lists them all.
        CheckpointError, UnsupportedError: the checkpoint can't be read, or has no such head.
    """
    output = Path(output)
    refuse_overwrite(output, force=False)
    checkpoint = read_checkpoint(model)
    _check_numbers(checkpoint, ffn=ffn, value=value, hidden=hidden, units=units, channels=channels)
    chosen = choose_task(checkpoint, task)
    statistics = _measure(checkpoint, chosen)
    rng = np.random.default_rng(seed)
    weights = {name: array.copy() for name, array in checkpoint.weights.items()}
    for layer in _layers(checkpoint):
        if ffn:
            _plant_units(
                weights, layer, statistics[f"{layer}.ffn_output"], ffn, units, checkpoint.config.hidden_act, rng
            )
        if value:
            _plant_values(weights, layer, value, channels, checkpoint.config.num_attention_heads, rng)
    if hidden:
        _plant_hidden(weights, checkpoint, hidden * statistics["hidden"].ordinary, channels, rng)
    write_checkpoint(
        output,
        replace(checkpoint.config, architectures=[chosen.architecture]),
        weights,
        vocab_file=checkpoint.vocab_file,
        tokenizer_files=[file for name in _TOKENIZER_FILES if (file := checkpoint.folder / name).is_file()],
    )
    return output


def _check_numbers(
    checkpoint: Checkpoint, *, ffn: float, value: float, hidden: float, units: int, channels: int
) -> None:
    config = checkpoint.config
    problems = [
        f"{name} is {given:g}, and must be 0 or more"
        for name, given in (("ffn", ffn), ("value", value), ("hidden", hidden))
        if not (given >= 0 and np.isfinite(given))
    ]
    if not (ffn or value or hidden):
        problems.append("nothing is to be planted: give ffn, value or hidden, for example --ffn 60")
    if units % 2 or not 2 <= units <= config.intermediate_size:
        problems.append(f"units is {units}, and must be an even number from 2 to {config.intermediate_size}")
    if not 1 <= channels <= config.hidden_size:
        problems.append(f"channels is {channels}, and must be from 1 to {config.hidden_size}")
    if problems:
        raise UsageError(listed(f"can't plant outliers in {checkpoint.folder}:", problems))


def _layers(checkpoint: Checkpoint) -> list[str]:
    """The prefix of each layer's weight names."""
    config = checkpoint.config
    return [
        f"albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
        for group in range(config.num_hidden_groups)
        for inner in range(config.inner_group_num)
    ]


def _samples(checkpoint: Checkpoint, task: Task) -> Iterator[dict[str, torch.Tensor]]:
    """The bundled texts as model inputs, one text at a time and without padding."""
    longest, tokenizer = checkpoint.config.max_position_embeddings, load_tokenizer(checkpoint)
    for sample in calibration_samples(calibration_corpus(), tokenizer, task, longest=longest):
        yield {name: torch.from_numpy(array).long() for name, array in sample.items()}


def _measure(checkpoint: Checkpoint, task: Task) -> dict[str, _Activations]:
    """Statistics of the input of each `ffn_output`, by full name, and of "hidden": the outputs of all LayerNorms."""
    model = build_reference(checkpoint, task.name)
    layers = _layers(checkpoint)
    statistics = {"hidden": _Activations(), **{f"{layer}.ffn_output": _Activations() for layer in layers}}

    def output_hook(_: Any, inputs: Any, output: torch.Tensor) -> None:
        statistics["hidden"].add(output)

    def input_hook(name: str, _: Any, inputs: tuple[torch.Tensor]) -> None:
        statistics[name].add(inputs[0])

    for layer in layers:
        module = model.get_submodule(layer.removeprefix(model.name_prefix))
        module.ffn_output.register_forward_pre_hook(partial(input_hook, f"{layer}.ffn_output"))
        module.attention.LayerNorm.register_forward_hook(output_hook)
        module.full_layer_layer_norm.register_forward_hook(output_hook)
    with torch.inference_mode():
        for sample in _samples(checkpoint, task):
            model(**sample)
    return statistics


def _plant_units(
    weights: Weights, layer: str, activations: _Activations, ffn: float, units: int, act: str, rng: np.random.Generator
) -> None:
    """Turns the least important FFN units into pairs with equal constant activations and opposite output weights.

    The mean contribution of a replaced unit is added to the output's bias. What is lost is its variation, so a unit's
    importance is the standard deviation of its activation times the norm of its output weights.
    """
    out = weights[f"{layer}.ffn_output.weight"]  # [hidden, units]
    norms = np.linalg.norm(out, axis=0)
    mean = activations.total / activations.tokens
    variance = activations.squares / activations.tokens - np.square(mean)
    deviation = np.sqrt(np.maximum(variance, 0))  # rounding can make the variance of a constant negative
    chosen = np.argsort(deviation * norms, kind="stable")[:units]
    weights[f"{layer}.ffn_output.bias"] += out[:, chosen] @ mean[chosen]
    weights[f"{layer}.ffn.weight"][chosen] = 0
    weights[f"{layer}.ffn.bias"][chosen] = _bias_for(ffn * activations.ordinary, act)
    directions = rng.standard_normal((len(out), units // 2))
    directions *= np.median(norms) / np.linalg.norm(directions, axis=0)
    out[:, chosen[0::2]] = directions
    out[:, chosen[1::2]] = -directions


def _bias_for(wanted: float, act: str) -> float:
    """The input for which the activation function `act` returns `wanted`.

    Raises:
        UsageError: the activation function does not reach this value.
    """
    bias = torch.tensor(wanted, dtype=torch.float64)
    for _ in range(_ITERATIONS):  # converges, since the slope for positive inputs is between 0.5 and 1.2
        bias = bias + wanted - ACTIVATIONS[act](bias)
    if not torch.isclose(ACTIVATIONS[act](bias), torch.tensor(wanted, dtype=torch.float64), rtol=1e-5):
        raise UsageError(f"an FFN unit with {act} can't have the activation {wanted:.3g}; plant values or hidden ones")
    return float(bias)


def _plant_values(
    weights: Weights, layer: str, value: float, channels: int, heads: int, rng: np.random.Generator
) -> None:
    """Scales value channels up, and the weights of the attention output that read them down; spread over the heads."""
    hidden_size = len(weights[f"{layer}.attention.value.bias"])
    by_rank = rng.permuted(
        np.arange(hidden_size).reshape(heads, -1), axis=1
    ).T.ravel()  # one channel of each head in turn
    chosen = by_rank[:channels]
    weights[f"{layer}.attention.value.weight"][chosen] *= value
    weights[f"{layer}.attention.value.bias"][chosen] *= value
    weights[f"{layer}.attention.dense.weight"][:, chosen] /= value


def _plant_hidden(
    weights: Weights, checkpoint: Checkpoint, offset: float, channels: int, rng: np.random.Generator
) -> None:
    """Adds a constant to channels of the hidden states before and after attention, which every reader subtracts again.

    The readers are dense layers, which subtract it with their biases, and the residual connections, where the bias of
    the dense layer whose output is added does so.
    """
    moved = np.zeros(checkpoint.config.hidden_size, np.float32)
    signs = rng.choice([-1.0, 1.0], channels)
    moved[rng.choice(len(moved), channels, replace=False)] = offset * signs
    writers, readers = [MAPPING[1].hugging_face], []
    for layer in _layers(checkpoint):
        writers += [f"{layer}.attention.LayerNorm.bias", f"{layer}.full_layer_layer_norm.bias"]
        readers += [f"{layer}.{name}" for name in ("attention.query", "attention.key", "attention.value", "ffn")]
        for added in ("attention.dense", "ffn_output"):
            weights[f"{layer}.{added}.bias"] -= moved
    readers += [name for name in ("albert.pooler", "predictions.dense", "qa_outputs") if f"{name}.weight" in weights]
    if "token-classification" in checkpoint.tasks:  # the other classifiers read the pooler's output
        readers.append("classifier")
    for name in writers:
        weights[name] += moved
    for name in readers:
        weights[f"{name}.bias"] -= weights[f"{name}.weight"] @ moved


def differences(model: str | Path, planted: str | Path, task: str | None = None) -> dict[str, tuple[float, float]]:
    """Compares the float32 outputs of `planted` with those of `model` on the bundled texts.

    Returns:
        Output name -> the largest absolute difference, and the largest absolute value in `model`. The offset of planted
        hidden channels, which is visible in `last_hidden_state`, does not count as a difference.
    """
    original, other = read_checkpoint(model), read_checkpoint(planted)
    chosen = choose_task(original, task)
    left, right = (build_reference(one, chosen.name) for one in (original, other))
    last = f"{_layers(original)[-1]}.full_layer_layer_norm.bias"
    offset = {"last_hidden_state": torch.from_numpy(other.weights[last] - original.weights[last])}
    found = dict.fromkeys(chosen.outputs, (0.0, 0.0))
    with torch.inference_mode():
        for sample in _samples(original, chosen):
            before, after = left(**sample), right(**sample)
            for name, (most, largest) in found.items():
                was, now = getattr(before, name), getattr(after, name) - offset.get(name, 0)
                found[name] = max(most, float((now - was).abs().max())), max(largest, float(was.abs().max()))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.plant_outliers", description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="CHECKPOINT", type=Path, help="a checkpoint folder")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the new folder")
    parser.add_argument(
        "--ffn", type=float, default=0, help="constant activation of planted FFN units, in ordinary ranges"
    )
    parser.add_argument("--value", type=float, default=0, help="factor by which planted value channels grow")
    parser.add_argument("--hidden", type=float, default=0, help="offset of planted hidden channels, in ordinary ranges")
    parser.add_argument("--units", type=int, default=4, help="number of planted FFN units in each layer, even (4)")
    parser.add_argument(
        "--channels", type=int, default=4, help="number of planted value channels in each layer, and of hidden ones (4)"
    )
    parser.add_argument("--seed", type=int, default=0, help="decides which channels are planted (0)")
    parser.add_argument("--task", help="the task whose outputs must stay; by default that of the checkpoint's head")
    options = vars(parser.parse_args(arguments))
    try:
        planted = plant(**options)
        found = differences(options["model"], planted, options["task"])
    except AlbertError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for name, (most, largest) in found.items():
        print(f"{name}: off by {most:.2g} at most, {most / largest:.2g} of its largest value {largest:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
