"""find_model: a bundle or checkpoint whose task and labels are known before it is opened as a session."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from albert_converters.bundle_writer import file_hashes
from albert_converters.tokenizer.files import write_tokenizer
from albert_export.checkpoints import Checkpoint, ReadOptions
from albert_export.checkpoints.checkpoint import choose_task
from albert_export.checkpoints.folder_layout import has_weights
from albert_export.checkpoints.request_settings import request_settings
from albert_export.checkpoints.sentence_transformers import MODULES_FILE
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.config import CONFIG_FILE, GOOGLE_CONFIG_FILE
from albert_export.hub import load_checkpoint
from albert_export.hub.repository_id import as_repository_id
from albert_export.reference.registry import build_reference, installed_framework, reference_engine
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_export.utils.terminal import Progress
from albert_runtime import AlbertSession, load
from albert_runtime.bundle import MANIFEST_FILE, Bundle, open_bundle
from albert_runtime.errors import UsageError
from albert_runtime.failed_downloads import failed_download
from albert_runtime.manifest import Manifest
from albert_runtime.packed.path import is_bundle
from albert_runtime.session import session_class
from albert_runtime.tasks import Task, find_task
from albert_runtime.token_ids import no_tokenizer_message


@dataclass(frozen=True)
class Model:
    """A bundle or checkpoint that can be evaluated; its weights are not loaded yet."""

    task: Task
    #: in the order of the model's outputs; empty for tasks without labels
    labels: tuple[str, ...]
    #: "problem_type" of the model's configuration
    problem_type: str | None
    #: loads the bundle, or builds the reference model of the checkpoint, and returns a session
    open: Callable[[], AlbertSession]


def find_model(
    folder: str | Path,
    task: str | None = None,
    reading: ReadOptions | None = None,
    *,
    precision: str | None = None,
    progress: Progress = lambda step: None,
) -> Model:
    """Return the bundle or checkpoint in `folder`.

    Args:
        folder: the folder of a bundle, or of a checkpoint in the format of Hugging Face or Google; or the id of a
            checkpoint on the hub.
        task: selects the head of a checkpoint; None means the head that it was saved with, or its only one.
        reading: new names for weights of a checkpoint, which to leave out, and its revision on the hub.
        precision: the graph of a bundle with several; None means the first.
        progress: called with a line about each step of a download.

    Raises:
        UsageError: `folder` holds neither a bundle nor a checkpoint, or the bundle is for another task, or has no graph
            of this precision.
        UnsupportedError: the files are damaged or not supported, or the checkpoint has no head for the task.
    """
    model, folder = folder, Path(folder)
    if is_bundle(folder):
        return _of_bundle(folder, task, precision)
    named = any((folder / name).is_file() for name in (CONFIG_FILE, GOOGLE_CONFIG_FILE, MODULES_FILE))
    if not (named or has_weights(folder) or as_repository_id(model)):
        if folder.is_dir():
            found = f"{folder} is neither a bundle nor a checkpoint"
        else:
            found = f"{folder} is a file" if folder.exists() else f"there is no folder {folder}"
            found = failed_download(folder) or found
        raise UsageError(
            f"{found}; give the folder of a bundle, which holds {MANIFEST_FILE} (`albert-export onnx` and "
            f"`albert-export tflite` make one), or of a checkpoint, which holds {CONFIG_FILE} and weights"
        )
    if precision is not None:
        raise UsageError(
            f"{model} is a checkpoint, which is evaluated in float32; leave --precision out, or give a bundle"
        )
    checkpoint = load_checkpoint(model, reading, progress=progress)
    chosen = choose_task(checkpoint, task)
    checkpoint.refuse_no_head(chosen.name)
    return _of_checkpoint(checkpoint, chosen)


def _of_bundle(folder: Path, task: str | None, precision: str | None) -> Model:
    bundle = open_bundle(folder, check=False, precision=precision)
    if task and find_task(task).name != bundle.manifest.task:
        raise UsageError(f"{folder} is a bundle for {bundle.manifest.task}, not for {find_task(task).name}")
    if not bundle.manifest.has_tokenizer:
        raise UsageError(
            f"labelled data are texts, and {no_tokenizer_message(folder)}. To compare its outputs with the "
            f"checkpoint's, type: albert-export verify {folder} --model CHECKPOINT"
        )

    def open_session() -> AlbertSession:
        with suppressed_native_stderr():
            return load(folder, precision=precision)

    return Model(bundle.task, bundle.manifest.labels, bundle.config.get("problem_type"), open_session)


def _of_checkpoint(checkpoint: Checkpoint, task: Task) -> Model:
    tokenizer = load_tokenizer(checkpoint)
    settings = request_settings(checkpoint, tokenizer, task)
    config = checkpoint.config
    labels = checkpoint.labels_for(task.name)

    def open_session() -> AlbertSession:
        framework = installed_framework("torch")
        reference = build_reference(checkpoint, task.name, framework=framework)
        with tempfile.TemporaryDirectory() as name:
            # The vocabulary file may have another name than in bundles, and a session finds it by that name only.
            folder = Path(name)
            write_tokenizer(tokenizer, folder)
            config.save(folder)
            manifest = Manifest(
                task=task.name,
                model_file=CONFIG_FILE,  # there is no graph, since the engine computes the reference model
                **settings,
                files=file_hashes(folder),
                labels=labels,
            )
            bundle = Bundle(folder, manifest, config.to_dict(), manifest.precisions)
            engine = reference_engine(reference, task, framework)
            session = session_class(task)(bundle, verify=False, engine=engine)
        session.bundle = dataclasses.replace(bundle, folder=checkpoint.folder)
        return session

    return Model(task, labels, config.problem_type, open_session)
