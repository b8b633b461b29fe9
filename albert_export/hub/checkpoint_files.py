"""Which files of a repository a checkpoint needs, told from their names, so that nothing else is downloaded."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence

from albert_export.checkpoints.containers.keras_hub import TASK_WEIGHTS
from albert_export.checkpoints.containers.keras_hub import WEIGHTS as KERAS_HUB_WEIGHTS
from albert_export.checkpoints.containers.saved_model import SAVED_MODEL
from albert_export.checkpoints.folder_layout import ADAPTER_CONFIG
from albert_export.checkpoints.sentence_transformers import MODULES_FILE
from albert_export.checkpoints.training_settings import SIMPLE_TRANSFORMERS_FILE
from albert_export.checkpoints.weight_formats import WEIGHT_FORMATS
from albert_export.config import CONFIG_FILE, GOOGLE_CONFIG_FILE
from albert_runtime.manifest import WORDPIECE_FILE
from albert_runtime.tokenization.config import CONFIG_FILE as TOKENIZER_CONFIG_FILE
from albert_runtime.tokenization.config import FAST_TOKENIZER_FILE

#: the model card, whose head names the license
CARD = "README.md"
#: Patterns of what the readers of a checkpoint look for beside the weights. A star stays within a folder.
_SETTINGS = (
    CONFIG_FILE,
    GOOGLE_CONFIG_FILE,
    TOKENIZER_CONFIG_FILE,
    FAST_TOKENIZER_FILE,
    WORDPIECE_FILE,
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
    "*.spm",
    SIMPLE_TRANSFORMERS_FILE,
    ADAPTER_CONFIG,
    MODULES_FILE,
    "sentence_*_config.json",
    "config_sentence_transformers.json",
)
#: a module of a sentence-transformers model: 0_Transformer, 1_Pooling
_MODULE = "[0-9]_*/"
#: what KerasHub and TensorFlow write beside the weights: the first is a file of weights or a pattern of such files
_BESIDE = {
    KERAS_HUB_WEIGHTS: ("*.json", "assets/*", "assets/*/*"),
    SAVED_MODEL: ("*.json", "*.pb", "assets/*"),
    "*.index": ("*.json",),
}
_INDEX = ".index.json"


def weight_files(names: Iterable[str]) -> list[str]:
    """The files of the weights that would be read, of the files in a folder; empty if there are none.

    Of several formats it is the first of `WEIGHT_FORMATS`. Several files of one format are all returned, and it is not
    clear which to read.

    Args:
        names: the names of the files in the folder and below, with slashes.
    """
    top = sorted(name for name in names if "/" not in name)
    return next((found for found in (one.found_in(top) for one in WEIGHT_FORMATS) if found), [])


def parts_of_weights(file: str, names: Iterable[str]) -> list[str]:
    """`file`, one of `weight_files`, and the other files that belong to it: shards, or variables of TensorFlow."""
    if file.endswith(_INDEX):
        stem, dot, kind = file.removesuffix(_INDEX).rpartition(".")
        patterns = [f"{stem}-*{dot}{kind}"]
    elif file == SAVED_MODEL:
        patterns = ["variables/*"]
    elif file == KERAS_HUB_WEIGHTS:
        patterns = [TASK_WEIGHTS]
    elif file.endswith(".index"):
        patterns = [f"{file.removesuffix('.index')}.data-*"]
    else:
        patterns = []
    return [file, *(name for name in sorted(names) if name != file and _fits(name, patterns))]


def settings_files(names: Sequence[str]) -> list[str]:
    """The files of a repository that are read beside the weights: configuration, tokenizer, pooling, model card.

    Args:
        names: the names of all files of the repository, with slashes.
    """
    patterns = [CARD, *_SETTINGS]
    if MODULES_FILE in names:
        patterns += [_MODULE + pattern for pattern in _SETTINGS]
    for file in weight_files(names):
        patterns += [one for weights, ones in _BESIDE.items() if fnmatch.fnmatchcase(file, weights) for one in ones]
    return [name for name in sorted(names) if _fits(name, patterns)]


def below(folder: str, names: Iterable[str]) -> list[str]:
    """The names of the files in `folder` and below, as they are called from there; "" or "." is the top."""
    start = "" if folder in ("", ".") else f"{folder}/"
    return [name.removeprefix(start) for name in names if name.startswith(start)]


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(name.count("/") == one.count("/") and re.fullmatch(fnmatch.translate(one), name) for one in patterns)
