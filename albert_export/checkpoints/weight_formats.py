"""The table of weight formats: which files hold weights, and which function reads them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from albert_export.checkpoints.containers import NamedArrays
from albert_export.checkpoints.containers.flax_msgpack import read_flax_msgpack
from albert_export.checkpoints.containers.keras_h5 import read_keras_h5
from albert_export.checkpoints.containers.keras_hub import WEIGHTS as KERAS_HUB_WEIGHTS
from albert_export.checkpoints.containers.keras_hub import is_keras_hub, keras_hub_config, read_keras_hub
from albert_export.checkpoints.containers.pickle_file import read_pickle
from albert_export.checkpoints.containers.safetensors_file import read_safetensors
from albert_export.checkpoints.containers.saved_model import SAVED_MODEL, read_saved_model
from albert_export.checkpoints.containers.saved_model_config import saved_model_config
from albert_export.checkpoints.containers.shards import read_shards
from albert_export.checkpoints.containers.tf_checkpoint import read_tf_checkpoint
from albert_export.checkpoints.google_config import google_config_file, read_google_config
from albert_export.config import CONFIG_FILE, GOOGLE_CONFIG_FILE, AlbertConfig


def _has_config(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (CONFIG_FILE, GOOGLE_CONFIG_FILE))


@dataclass(frozen=True)
class WeightFormat:
    """A kind of file with weights."""

    #: patterns of the names of such files
    patterns: tuple[str, ...]
    #: yields (name, array) for each weight in such a file
    read: Callable[[Path], NamedArrays]
    #: reads the configuration that belongs to the weights; it is given the folder of the weights
    read_config: Callable[[Path], AlbertConfig] = AlbertConfig.from_folder
    #: whether there is such a configuration in the folder
    has_config: Callable[[Path], bool] = _has_config
    #: whether transformers looks for a file of this name
    standard: bool = True
    #: whether the names and layouts are those of Google's variables instead of Hugging Face's
    google: bool = False

    def found_in(self, names: list[str]) -> list[str]:
        """The file names of this format. Of a training run's checkpoints, it is the newest one.

        That is the one whose name ends in `-best`, or else the one with the highest step.
        """
        found = [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.patterns)]
        found = [name for name in found if not _NO_MODEL.match(name)]
        return [max(found, key=_rank)] if found and self.google else found


def _rank(name: str) -> tuple[bool, int, str]:
    stem = name.removesuffix(".index")
    step = re.search(r"-(\d+)$", stem)
    return stem.endswith("-best"), int(step[1]) if step else -1, stem


#: files that trainers and PEFT save beside the weights
_NO_MODEL = re.compile(r"(training_args|optimizer|scheduler|scaler|rng_state|random_states|adapter_model)[._\d]")

#: In the order in which they are looked for; that of the standard names is the order of transformers.
WEIGHT_FORMATS: tuple[WeightFormat, ...] = (
    WeightFormat(("model.safetensors",), read_safetensors),
    WeightFormat(("model.safetensors.index.json",), lambda index: read_shards(index, read_safetensors)),
    WeightFormat(("pytorch_model.bin",), read_pickle),
    WeightFormat(("pytorch_model.bin.index.json",), lambda index: read_shards(index, read_pickle)),
    WeightFormat(("tf_model.h5",), read_keras_h5),
    WeightFormat(("flax_model.msgpack",), read_flax_msgpack),
    WeightFormat(
        (KERAS_HUB_WEIGHTS,), lambda file: read_keras_hub(file.parent), keras_hub_config, is_keras_hub, standard=False
    ),
    # The configuration of a SavedModel is in the file itself, or its reader says what is missing.
    WeightFormat(
        (SAVED_MODEL,),
        lambda file: read_saved_model(file.parent),
        saved_model_config,
        lambda folder: True,
        standard=False,
    ),
    WeightFormat(
        ("*.index",),
        read_tf_checkpoint,
        read_google_config,
        lambda folder: google_config_file(folder) is not None,
        standard=False,
        google=True,
    ),
    WeightFormat(("*.safetensors",), read_safetensors, standard=False),
    WeightFormat(("*.bin", "*.pt", "*.pth", "*.ckpt", "*.t7"), read_pickle, standard=False),
)
