"""read_checkpoint: the steps from a folder to a Checkpoint."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from albert_export.checkpoints.account import choose, resolve
from albert_export.checkpoints.assembly import assemble
from albert_export.checkpoints.checkpoint import Checkpoint
from albert_export.checkpoints.folder_layout import find_weights
from albert_export.checkpoints.google_names import by_hugging_face_names
from albert_export.checkpoints.read_options import ReadOptions
from albert_runtime.errors import CheckpointError, UsageError

logger = logging.getLogger("albert_export")

# run_classifier.py and run_race.py of google-research/albert classify texts.
_GOOGLE_CLASSIFIER = ("text-classification",)


def read_checkpoint(path: str | Path, options: ReadOptions | None = None) -> Checkpoint:
    """The checkpoint in the folder `path`, in any of the formats that `weight_formats` lists.

    Args:
        path: the folder. Links are followed, and messages name it as it is given.
        options: new names for weights, which weights to leave out, and which tokenizer to follow. Its `revision` goes
            with ids of the hub, see `albert_export.hub`.

    Raises:
        UsageError: `path` does not exist, and the message says how to get a checkpoint; or an option is about no
            weight, or it is a revision.
        CheckpointError: `path` is no folder or has no checkpoint, or the checkpoint can't be read, is not an ALBERT, or
            has weights that nothing reads.
        DependencyError: the files need PyTorch (`pytorch_model.bin`) or TensorFlow (Google's), which is missing.
    """
    folder, options = Path(path), options or ReadOptions()
    if options.revision is not None:
        raise UsageError(
            f"a revision, {options.revision!r}, goes with ids of the hub, which albert_export.resolve_checkpoint takes"
        )
    try:
        return _read_folder(folder, options)
    except OSError as error:
        raise CheckpointError(f"can't read {error.filename or folder}: {error.strerror or error}") from error


def _read_folder(folder: Path, options: ReadOptions) -> Checkpoint:
    found = find_weights(folder)
    folder, file, weight_format = found.folder, found.file, found.weight_format
    config = weight_format.read_config(folder)
    weights, left_out = choose(weight_format.read(file), options)
    if weight_format.google:
        weights = by_hugging_face_names(file, config, weights)
    weights, account = resolve(file, weights, left_out, options)
    if options.refuse_unknown:
        account.refuse_unknown(folder)
    for note in account.notes():
        logger.warning("%s: %s", folder, note)
    classifier_tasks = _GOOGLE_CLASSIFIER if weight_format.google else None
    checkpoint = assemble(folder, config, weights, account, classifier_tasks=classifier_tasks)
    return replace(checkpoint, tokenizer_rules=options.tokenizer)
