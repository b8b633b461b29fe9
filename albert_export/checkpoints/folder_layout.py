"""find_weights: finds the file with the weights in a folder, whichever way the folder is laid out."""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from albert_export.checkpoints.sentence_transformers import transformer_folder
from albert_export.checkpoints.weight_formats import WEIGHT_FORMATS, WeightFormat
from albert_export.config import CONFIG_FILE, GOOGLE_CONFIG_FILE, PUBLISHED
from albert_export.config_file import read_json_object
from albert_runtime.errors import CheckpointError, UsageError
from albert_runtime.failed_downloads import failed_download

# Weight files that people keep in the same folders, and that this package can't read.
_OTHER_WEIGHTS = ("*.h5", "*.msgpack", "*.onnx", "*.tflite", "rust_model.ot")
# If the folder above the checkpoint is given, one of these exists: in a hub cache, a trainer's output or an archive.
_BELOW = ("snapshots/*", "*")
#: the settings of an adapter, which is no model by itself
ADAPTER_CONFIG = "adapter_config.json"
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.")


class FoundWeights(NamedTuple):
    """The file that a checkpoint's weights are in."""

    #: the folder of the checkpoint: the one that was asked for, or one below it that its files point to
    folder: Path
    file: Path
    weight_format: WeightFormat


def has_weights(folder: Path) -> bool:
    """Whether there is a file with weights in `folder`."""
    return folder.is_dir() and any(one.found_in(_names(folder)) for one in WEIGHT_FORMATS)


def find_weights(folder: Path) -> FoundWeights:
    """The weights of the checkpoint in `folder`.

    Raises:
        UsageError: there is no such folder; the message says how to get a checkpoint.
        CheckpointError: the folder has no weights or no configuration, or it is not clear which weights to read.
        OSError: the folder can't be read.
    """
    if not folder.exists():
        raise UsageError(_missing_folder_message(folder))
    if not folder.is_dir():
        raise CheckpointError(
            failed_download(folder) or f"{folder} is a file; give the folder that holds it with its {CONFIG_FILE}"
        )
    names = _names(folder)
    if ADAPTER_CONFIG in names:
        raise CheckpointError(_adapter_message(folder))
    for weight_format in WEIGHT_FORMATS:
        found = weight_format.found_in(names)
        if len(found) > 1:
            raise CheckpointError(_several_message(folder, found))
        if found:
            if not weight_format.has_config(folder):
                raise CheckpointError(
                    f"{folder} holds {found[0]}, but no {CONFIG_FILE} (nor Google's {GOOGLE_CONFIG_FILE}); "
                    f"put the one that belongs to these weights beside them"
                )
            return FoundWeights(folder, folder / found[0], weight_format)
    below = transformer_folder(folder)
    if below is not None and below != folder and below.is_dir():
        return find_weights(below)
    if "manifest.json" in names:
        raise CheckpointError(f"{folder} is an exported bundle, not a checkpoint; give the folder it was made from")
    raise CheckpointError(_no_weights_message(folder, names))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _missing_folder_message(folder: Path) -> str:
    if any(folder.parent.glob(f"{glob.escape(folder.name)}.index")):
        return f"{folder} is the beginning of file names; give the folder: {folder.parent}"
    hub_name = "OWNER/NAME"
    if folder.name in PUBLISHED and folder.parent.name in ("", "albert"):
        hub_name = f"albert/{folder.name}"
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", folder.as_posix()) and not folder.parent.is_dir():
        hub_name = folder.as_posix()
    return (
        f"there is no folder {folder}. Give a folder with {CONFIG_FILE} and weights, or a model's id on the Hugging "
        f"Face hub (in Python, to resolve_checkpoint). "
        f"To get a folder from there, type: hf download {hub_name} --local-dir {folder.name or 'FOLDER'}"
    )


def _adapter_message(folder: Path) -> str:
    named = read_json_object(folder / ADAPTER_CONFIG).get("base_model_name_or_path")
    base = named if isinstance(named, str) and named else "BASE_MODEL"
    return (
        f"{folder} holds an adapter of {base} (there is an {ADAPTER_CONFIG}), and not the whole model. Merge the two, "
        f"and export the result; use the class that the adapter was trained with:\n"
        f"  from peft import PeftModel\n"
        f"  from transformers import AlbertForSequenceClassification\n"
        f'  base = AlbertForSequenceClassification.from_pretrained("{base}")\n'
        f'  PeftModel.from_pretrained(base, "{folder}").merge_and_unload().save_pretrained("merged")\n'
        f"Copy the tokenizer's files into the new folder. If the adapter is merged into these weights already, delete "
        f"{ADAPTER_CONFIG}"
    )


def _several_message(folder: Path, found: list[str]) -> str:
    message = f"{folder} holds {', '.join(found)}, and it is not clear which of them to read"
    if any(_SHARD.search(name) for name in found):
        return f"{message}: their index is missing, for example {WEIGHT_FORMATS[1].patterns[0]}; fetch it again"
    return f"{message}; keep one of them there, and move the others elsewhere"


def _no_weights_message(folder: Path, names: list[str]) -> str:
    standard = [one.patterns[0] for one in WEIGHT_FORMATS if one.standard]
    if not names:
        return f"{folder} is empty; a checkpoint is a folder with {CONFIG_FILE} and {standard[0]}"
    configs = [name for name in (CONFIG_FILE, GOOGLE_CONFIG_FILE) if name in names]
    found = f"holds {', '.join(configs)}, but no weights" if configs else "holds neither a configuration nor weights"
    message = f"{folder} {found}: looked for {', '.join(standard)} and Google's model.ckpt-*.index"
    others = [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in _OTHER_WEIGHTS)]
    if others:
        message += f"; {', '.join(others)} can't be read here: save the model with save_pretrained first"
    elsewhere = sorted({str(one) for one in _nearby(folder) if has_weights(one)})
    if elsewhere:
        message += f"; did you mean {' or '.join(elsewhere)}?"
    return message


def _nearby(folder: Path) -> Iterator[Path]:
    """Folders below and above in which there may be weights."""
    for pattern in _BELOW:
        yield from folder.glob(pattern)
    # The settings of a model's pooling are in a folder beside or below its transformer.
    above = folder.absolute().parent
    transformer = transformer_folder(above)
    if transformer is not None:
        yield folder.parent if transformer == above else folder.parent / transformer.name
