"""Checkpoints: reads folders in Hugging Face's or Google's format into named numpy weights, and writes folders."""

from __future__ import annotations

import fnmatch
import glob
import re
from pathlib import Path

from albert_export.checkpoints.checkpoint import Checkpoint
from albert_export.checkpoints.google_tf import read_google
from albert_export.checkpoints.hugging_face import WEIGHT_FILES, read_hugging_face, write_checkpoint
from albert_export.config import CONFIG_FILE, GOOGLE_CONFIG_FILE, PUBLISHED
from albert_runtime.errors import CheckpointError, UsageError

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]

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
        raise CheckpointError(f"{folder} is a file; give the folder that holds it with its {CONFIG_FILE}")
    names = sorted(path.name for path in folder.iterdir())
    hugging_face = [name for name in WEIGHT_FILES if name in names]
    google = [name for name in names if name.endswith(".index")]
    configs = [name for name in (CONFIG_FILE, GOOGLE_CONFIG_FILE) if name in names]
    if "manifest.json" in names and not hugging_face:
        raise CheckpointError(f"{folder} is an exported bundle, not a checkpoint; give the folder it was made from")
    if not hugging_face and not google:
        raise CheckpointError(_no_weights_message(folder, names, configs))
    if not configs:
        raise CheckpointError(
            f"{folder} holds {(hugging_face or google)[0]}, but no {CONFIG_FILE} (nor Google's {GOOGLE_CONFIG_FILE}); "
            f"put the one that belongs to these weights beside them"
        )
    return read_hugging_face(folder / hugging_face[0]) if hugging_face else read_google(folder)


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
        return f"{folder} is empty; a checkpoint is a folder with {CONFIG_FILE} and {WEIGHT_FILES[0]}"
    known = ", ".join(WEIGHT_FILES)
    found = f"holds {', '.join(configs)}, but no weights" if configs else "holds neither a configuration nor weights"
    message = f"{folder} {found}: looked for {known} and Google's model.ckpt-*.index"
    others = [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in _OTHER_WEIGHTS)]
    if others:
        message += f"; {', '.join(others)} can't be read here: save the model with save_pretrained first"
    below = sorted(str(path.parent) for pattern in _CONFIGS_BELOW for path in folder.glob(pattern))
    if below:
        message += f"; did you mean {' or '.join(below)}?"
    return message
