"""read_checkpoint: finds the weights in a folder, reads them, and makes a Checkpoint of them."""

from __future__ import annotations

import fnmatch
import glob
import re
from pathlib import Path

from albert_export.checkpoints.checkpoint import Checkpoint, assemble
from albert_export.checkpoints.google_names import by_hugging_face_names
from albert_export.checkpoints.weight_formats import WEIGHT_FORMATS
from albert_export.config import CONFIG_FILE, GOOGLE_CONFIG_FILE, PUBLISHED
from albert_runtime.errors import CheckpointError, UsageError
from albert_runtime.failed_downloads import failed_download

# Weight files that people keep in the same folders, and that this package can't read.
_OTHER_WEIGHTS = (
    "*.h5",
    "*.msgpack",
    "*.onnx",
    "*.tflite",
    "*.pt",
    "*.pth",
    "*.ckpt",
    "saved_model.pb",
    "rust_model.ot",
)
# If the folder above the checkpoint is given, one of these exists: in a hub cache, a trainer's output or an archive.
_CONFIGS_BELOW = (f"snapshots/*/{CONFIG_FILE}", f"*/{CONFIG_FILE}", f"*/{GOOGLE_CONFIG_FILE}")


def read_checkpoint(path: str | Path) -> Checkpoint:
    """The checkpoint in the folder `path`, in Hugging Face's format or in Google's TF1 format.

    Raises:
        UsageError: `path` does not exist; the message says how to get a checkpoint.
        CheckpointError: `path` is no folder or has no checkpoint, or the checkpoint can't be read or is not an ALBERT.
        DependencyError: the files need PyTorch (`pytorch_model.bin`) or TensorFlow (Google's), which is missing.
    """
    folder = Path(path)
    try:
        return _read_folder(folder)
    except OSError as error:
        raise CheckpointError(f"can't read {error.filename or folder}: {error.strerror or error}") from error


def _read_folder(folder: Path) -> Checkpoint:
    if not folder.exists():
        raise UsageError(_missing_folder_message(folder))
    if not folder.is_dir():
        raise CheckpointError(
            failed_download(folder) or f"{folder} is a file; give the folder that holds it with its {CONFIG_FILE}"
        )
    names = sorted(path.name for path in folder.iterdir())
    found = next(((one, name) for one in WEIGHT_FORMATS if (name := one.newest_in(names)) is not None), None)
    configs = [name for name in (CONFIG_FILE, GOOGLE_CONFIG_FILE) if name in names]
    if "manifest.json" in names and found is None:
        raise CheckpointError(f"{folder} is an exported bundle, not a checkpoint; give the folder it was made from")
    if found is None:
        raise CheckpointError(_no_weights_message(folder, names, configs))
    weight_format, name = found
    if not configs:
        raise CheckpointError(
            f"{folder} holds {name}, but no {CONFIG_FILE} (nor Google's {GOOGLE_CONFIG_FILE}); "
            f"put the one that belongs to these weights beside them"
        )
    config = weight_format.read_config(folder)
    if weight_format.google:
        variables = dict(weight_format.read(folder / name))
        weights, other_heads = by_hugging_face_names(folder / name, config, variables)
        return assemble(folder, config, weights, other_heads=other_heads)
    return assemble(folder, config, weight_format.read(folder / name))


def _missing_folder_message(folder: Path) -> str:
    if any(folder.parent.glob(f"{glob.escape(folder.name)}.index")):
        return f"{folder} is the beginning of file names; give the folder: {folder.parent}"
    hub_name = "OWNER/NAME"
    if folder.name in PUBLISHED and folder.parent.name in ("", "albert"):
        hub_name = f"albert/{folder.name}"
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", folder.as_posix()) and not folder.parent.is_dir():
        hub_name = folder.as_posix()
    return (
        f"there is no folder {folder}. Give a folder with {CONFIG_FILE} and weights; nothing is downloaded here. "
        f"To get one from the Hugging Face hub, type: hf download {hub_name} --local-dir {folder.name or 'FOLDER'}"
    )


def _no_weights_message(folder: Path, names: list[str], configs: list[str]) -> str:
    if not names:
        return f"{folder} is empty; a checkpoint is a folder with {CONFIG_FILE} and {WEIGHT_FORMATS[0].pattern}"
    known = ", ".join(one.pattern for one in WEIGHT_FORMATS if not one.google)
    found = f"holds {', '.join(configs)}, but no weights" if configs else "holds neither a configuration nor weights"
    message = f"{folder} {found}: looked for {known} and Google's model.ckpt-*.index"
    others = [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in _OTHER_WEIGHTS)]
    if others:
        message += f"; {', '.join(others)} can't be read here: save the model with save_pretrained first"
    below = sorted(str(path.parent) for pattern in _CONFIGS_BELOW for path in folder.glob(pattern))
    if below:
        message += f"; did you mean {' or '.join(below)}?"
    return message
