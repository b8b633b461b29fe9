"""Reads Google's TF1 checkpoints: `albert_config.json` with `model.ckpt-*.index` and its data files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from albert_converters.extras import needing
from albert_export.checkpoints.checkpoint import Checkpoint, assemble
from albert_export.checkpoints.weight_names import ENCODER, HEADS, MAPPING, WeightName
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, listed

# Variables that optimizers (Google's and TensorFlow's Adam and LAMB) and the training loop add to a checkpoint.
_SLOTS = {"adam_m", "adam_v", "lamb_m", "lamb_v", "Adam", "Adam_1", "Momentum", "beta1_power", "beta2_power"}
_COUNTERS = {"global_step", "save_counter"}


def read_google(folder: Path) -> Checkpoint:
    """The checkpoint in a folder of google-research/albert, pre-trained or fine-tuned.

    If there are several checkpoints, this reads `model.ckpt-best`, or else the one with the highest step.

    Raises:
        CheckpointError: a file is damaged or missing, or variables are missing or left over; the message lists all.
        DependencyError: TensorFlow is missing.
    """
    config = AlbertConfig.from_folder(folder)
    prefix = _newest(folder)
    variables = _read_variables(prefix)
    rows = _rows_for(config, variables)
    _check_names(prefix, rows, set(variables))
    return assemble(folder, config, _hugging_face_weights(config, rows, variables))


def _newest(folder: Path) -> Path:
    """The path of the checkpoint to read, without `.index`."""

    def rank(prefix: Path) -> tuple[bool, int, str]:
        step = re.search(r"-(\d+)$", prefix.name)
        return prefix.name.endswith("-best"), int(step[1]) if step else -1, prefix.name

    return max((path.with_suffix("") for path in folder.glob("*.index")), key=rank)


def _read_variables(prefix: Path) -> dict[str, np.ndarray]:
    """Every variable except those of the optimizer, by Google's name."""
    with needing(f"reading Google's checkpoint {prefix.name} needs TensorFlow", "tf"):
        import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(prefix))
        # TF Hub modules keep everything below "module/".
        names = {name.removeprefix("module/"): name for name in reader.get_variable_to_shape_map()}
        return {name: reader.get_tensor(stored) for name, stored in names.items() if not _is_training_state(name)}
    except Exception as error:  # TensorFlow raises many kinds of exceptions for damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{prefix} is damaged or incomplete ({reason}): fetch all of its files again") from error


def _is_training_state(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return last in _SLOTS or name in _COUNTERS


def _rows_for(config: AlbertConfig, variables: Mapping[str, np.ndarray]) -> list[WeightName]:
    """The rows of the table that this checkpoint must have: the encoder, and every head that it has a weight of."""
    heads = [row for rows in HEADS.values() if any(row.google in variables for row in rows) for row in rows]
    identity = _mapping_is_identity(config, variables)
    encoder = [row for row in ENCODER if not (identity and row in MAPPING)]
    return [weight for row in (*encoder, *heads) for weight in row.expanded(config)]


def _mapping_is_identity(config: AlbertConfig, variables: Mapping[str, np.ndarray]) -> bool:
    return config.embedding_size == config.hidden_size and not any(row.google in variables for row in MAPPING)


def _check_names(prefix: Path, rows: list[WeightName], names: set[str]) -> None:
    needed = {row.google for row in rows}
    problems = [f"missing: {name}" for name in sorted(needed - names)]
    problems += [f"left over: {name}" for name in sorted(names - needed)]
    if problems:
        raise CheckpointError(
            listed(f"the variables in {prefix} are not those of its configuration's ALBERT:", problems)
        )


def _hugging_face_weights(
    config: AlbertConfig, rows: list[WeightName], variables: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """The weights by Hugging Face's names, in its layout."""
    for row in rows:
        array = variables[row.google]
        yield row.hugging_face, array.T if row.transposed else array
    if _mapping_is_identity(config, variables):
        weight, bias = (row.hugging_face for row in MAPPING)
        yield weight, np.eye(config.hidden_size, dtype=np.float32)
        yield bias, np.zeros(config.hidden_size, dtype=np.float32)
