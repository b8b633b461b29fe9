"""The table of weight formats: which files hold weights, and which function reads them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from albert_export.checkpoints.containers.pickle_file import read_pickle
from albert_export.checkpoints.containers.safetensors_file import read_safetensors
from albert_export.checkpoints.containers.shards import read_shards
from albert_export.checkpoints.containers.tf_checkpoint import read_tf_checkpoint
from albert_export.config import AlbertConfig


@dataclass(frozen=True)
class WeightFormat:
    """A kind of file with weights."""

    #: a pattern of file names
    pattern: str
    #: yields (name, array) for each weight in such a file
    read: Callable[[Path], Iterator[tuple[str, np.ndarray]]]
    #: reads the configuration that belongs to the weights; it is given the folder of the weights
    read_config: Callable[[Path], AlbertConfig] = AlbertConfig.from_folder
    #: whether the names and layouts are those of Google's variables instead of Hugging Face's
    google: bool = False

    def newest_in(self, names: list[str]) -> str | None:
        """The one of the file names to read; None if none of them is of this format.

        Of several, it is the one that ends in `-best`, or else the one with the highest step.
        """

        def rank(name: str) -> tuple[bool, int, str]:
            stem = name.removesuffix(".index")
            step = re.search(r"-(\d+)$", stem)
            return stem.endswith("-best"), int(step[1]) if step else -1, stem

        return max((name for name in names if fnmatch.fnmatch(name, self.pattern)), key=rank, default=None)


#: in the order in which they are looked for, which is that of transformers
WEIGHT_FORMATS: tuple[WeightFormat, ...] = (
    WeightFormat("model.safetensors", read_safetensors),
    WeightFormat("model.safetensors.index.json", lambda index: read_shards(index, read_safetensors)),
    WeightFormat("pytorch_model.bin", read_pickle),
    WeightFormat("pytorch_model.bin.index.json", lambda index: read_shards(index, read_pickle)),
    WeightFormat("*.index", read_tf_checkpoint, google=True),
)
