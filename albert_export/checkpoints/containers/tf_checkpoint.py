"""Reads a TensorFlow checkpoint: an index file `NAME.index` and its data files."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from albert_converters.extras import needing
from albert_runtime.errors import CheckpointError
from albert_runtime.failed_downloads import failed_download

# Variables that optimizers (Google's and TensorFlow's Adam and LAMB) and the training loop add to a checkpoint.
_SLOTS = {"adam_m", "adam_v", "lamb_m", "lamb_v", "Adam", "Adam_1", "Momentum", "beta1_power", "beta2_power"}
_COUNTERS = {"global_step", "save_counter"}


def read_tf_checkpoint(index_file: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Every variable of the checkpoint except those of the optimizer, by TensorFlow's name.

    Raises:
        CheckpointError: a file is damaged or missing.
        DependencyError: TensorFlow is missing.
    """
    prefix = index_file.with_suffix("")
    with needing(f"reading Google's checkpoint {prefix.name} needs TensorFlow", "tf"):
        import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(prefix))
        # TF Hub modules keep everything below "module/".
        names = {name.removeprefix("module/"): name for name in reader.get_variable_to_shape_map()}
        variables = {name: reader.get_tensor(stored) for name, stored in names.items() if not _is_training_state(name)}
    except Exception as error:  # TensorFlow raises many kinds of exceptions for damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        files = sorted(prefix.parent.glob(f"{glob.escape(prefix.name)}.*"))
        raise CheckpointError(
            next(filter(None, map(failed_download, files)), None)
            or f"{prefix} is damaged or incomplete ({reason}): fetch all of its files again"
        ) from error
    yield from variables.items()


def _is_training_state(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return last in _SLOTS or name in _COUNTERS
