"""Reads a TensorFlow checkpoint: an index file `NAME.index` and its data files."""

from __future__ import annotations

import glob
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from albert_converters.extras import needing
from albert_export.checkpoints.containers import NOT_READ, NamedArrays
from albert_runtime.errors import CheckpointError
from albert_runtime.failed_downloads import failed_download

# Variables that optimizers (Google's and TensorFlow's Adam and LAMB) and the training loop add to a checkpoint.
_SLOTS = {"adam_m", "adam_v", "lamb_m", "lamb_v", "Adam", "Adam_1", "Momentum", "beta1_power", "beta2_power"}
_COUNTERS = {"global_step", "save_counter"}

_T = TypeVar("_T")


def read_tf_checkpoint(index_file: Path) -> NamedArrays:
    """Every variable of the checkpoint, by TensorFlow's name; those of the optimizer give `NOT_READ`.

    Entries that are no numbers, such as the names of objects that TF2 stores, are arrays of `bytes`.

    Raises:
        CheckpointError: a file is damaged or missing.
        DependencyError: TensorFlow is missing.
    """
    prefix = index_file.with_suffix("")
    with needing(f"reading Google's checkpoint {prefix.name} needs TensorFlow", "tf"):
        import tensorflow as tf

    def intact(read: Callable[[], _T]) -> _T:
        try:
            return read()
        except Exception as error:  # TensorFlow raises many kinds of exceptions for damaged files
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(
                next(
                    filter(None, map(failed_download, sorted(prefix.parent.glob(f"{glob.escape(prefix.name)}.*")))),
                    None,
                )
                or f"{prefix} is damaged or incomplete ({reason}): fetch all of its files again"
            ) from error

    reader = intact(lambda: tf.train.load_checkpoint(str(prefix)))
    for name in intact(reader.get_variable_to_shape_map):
        if _is_training_state(name):
            yield name, NOT_READ
        else:
            value = intact(partial(reader.get_tensor, name))
            # numpy would cut zeros off the end of text.
            yield name, np.array(value, object) if isinstance(value, bytes) else value


def _is_training_state(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return last in _SLOTS or name in _COUNTERS
