"""CONTRACT: what lies in a bundle folder, and how it is opened.

    my-bundle/
      manifest.json           what this is, and the SHA-256 of every other file
      model.onnx              the graph, in one file; or model.tflite
      config.json             the model's configuration, as Hugging Face writes it
      spiece.model            the SentencePiece vocabulary
      tokenizer_config.json, tokenizer.json, special_tokens_map.json, README.md
      added_tokens.json       only if tokens were added to the vocabulary

A bundle that was exported with --no-tokenizer has none of the tokenizer's files; its manifest says so.

The writer (albert_converters) and the reader (`open_bundle`) both take names and fields from here
and from `manifest.py`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from albert_runtime.errors import BundleError, UsageError, listed
from albert_runtime.failed_downloads import failed_download
from albert_runtime.file_hash import HashAhead, sha256_of
from albert_runtime.manifest import CONFIG_FILE, FORMAT_VERSION, VOCABULARY_FILE, Manifest
from albert_runtime.packed.directory import damaged
from albert_runtime.packed.layout import LOCAL_SIGNATURE, MANIFEST_FILE, MODEL_ALIGNMENT, PACKED_SUFFIX
from albert_runtime.packed.local_file import copy_ahead
from albert_runtime.packed.path import BundlePath, PackedFile, PackedPath, begins_as_packed, is_packed
from albert_runtime.tasks import Task

__all__ = [
    "CONFIG_FILE",
    "FORMAT_VERSION",
    "MANIFEST_FILE",
    "VOCABULARY_FILE",
    "Bundle",
    "Manifest",
    "files_of",
    "open_bundle",
    "open_every_precision",
    "sha256_of",
]

#: files that show that a folder is a checkpoint and not a bundle
_CHECKPOINT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "albert_config.json",
    "tf_model.h5",
)
#: what may be the id of a repository on the Hugging Face hub
_HUB_ID = re.compile(r"[\w.-]*\w/\w[\w.-]*")


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: a folder, or a packed one, whose manifest has been read and checked."""

    #: the folder, or what stands for it in a packed bundle
    folder: BundlePath
    manifest: Manifest
    #: the content of config.json, the model's configuration
    config: dict[str, Any]
    #: the precisions of its graphs; `manifest` describes one of them
    precisions: tuple[str, ...]
    #: the hash of the graph, while it is still computed: see `finish_check`
    _model_hash: HashAhead | None = field(default=None, repr=False, compare=False)

    @property
    def task(self) -> Task:
        """The task that the bundle was made for, with the outputs that its graph has."""
        return self.manifest.graph_task

    @property
    def model_file(self) -> BundlePath:
        """The path of the graph."""
        return self.folder / self.manifest.model_file

    @property
    def path(self) -> Path:
        """The path of the folder, or of the packed bundle."""
        return self.folder.packed.file if isinstance(self.folder, PackedPath) else self.folder

    @property
    def max_length(self) -> int:
        """The most tokens in one sequence, special tokens included."""
        return min(self.manifest.max_length, self.manifest.sequence_length or self.manifest.max_length)

    @property
    def id2label(self) -> dict[int, str]:
        """The index of each label -> its name; empty for tasks without labels."""
        return dict(enumerate(self.manifest.labels))

    def finish_check(self) -> str | None:
        """Wait until the hash of the graph has been compared, if `open_bundle` was asked to do so meanwhile.

        Returns:
            The hash; None if it was not computed, or not for an engine.

        Raises:
            BundleError: the graph is damaged.
        """
        if self._model_hash is None:
            return None
        name = self.manifest.model_file
        problems = _hash_problems(self.folder, name, self.manifest.files[name], self._model_hash.result)
        if problems:
            raise _damaged(self.folder, problems)
        return self.manifest.files[name].lower()


def open_bundle(
    folder: str | Path, check: bool = True, *, precision: str | None = None, for_engine: bool = False
) -> Bundle:
    """Open the bundle in `folder`.

    Args:
        folder: the folder of the bundle, or a packed bundle (a `.albert` file).
        check: also compare the hash of every file with the manifest. It is always checked that the files are there.
        precision: the graph to open in a bundle with several; None means the first. The files of the others are not
            looked at, and may be absent.
        for_engine: the graph will be loaded next, so a copy that its engine needs is begun in the background, and so is
            the check of the graph's hash: call `Bundle.finish_check` before the graph is loaded.

    Raises:
        UsageError: there is no such folder, or no graph of this precision in it.
        BundleError: it is not a bundle, is incomplete or damaged, or has another format version.
    """
    files = _files_of(Path(folder))
    record = _read_json(files / MANIFEST_FILE)
    try:
        described = Manifest.from_dict(record)
        manifest = described.for_precision(precision)
    except (BundleError, UsageError) as error:
        raise type(error)(f"{files}: {error}") from error
    problems = _packing_problems(files, described) if isinstance(files, PackedPath) else []
    if isinstance(files, PackedPath) and problems:
        raise damaged(files, problems)
    if for_engine:
        copy_ahead(files / manifest.model_file)
    model_hash = HashAhead(files / manifest.model_file) if for_engine and check else None
    problems = _file_problems(files, manifest, check, model_hash)
    if problems:
        raise _damaged(files, problems)
    config = _read_json(files / CONFIG_FILE)
    if not isinstance(config, dict):
        raise BundleError(f"{files / CONFIG_FILE} must hold a JSON object, not {type(config).__name__}")
    return Bundle(files, manifest, config, described.precisions, model_hash)


def open_every_precision(folder: str | Path) -> list[Bundle]:
    """Open each graph of the bundle in `folder`, the first one first, and check all hashes; see `open_bundle`."""
    first = open_bundle(folder)
    return [first, *(open_bundle(folder, precision=one) for one in first.precisions[1:])]


def files_of(bundles: Iterable[Bundle]) -> list[str]:
    """The names of all files of a bundle, its manifest first; `bundles` are those of `open_every_precision`."""
    return [MANIFEST_FILE, *sorted({name for bundle in bundles for name in bundle.manifest.files})]


def _files_of(path: Path) -> BundlePath:
    """Where the files of the bundle at `path` are found: the folder itself, or the packed bundle.

    Raises:
        UsageError: there is neither.
        BundleError: the folder is not a bundle, or the packed bundle is damaged.
    """
    try:
        if is_packed(path):
            try:
                return PackedPath(PackedFile(path))
            except BundleError as error:
                raise BundleError(_other_content(path) or str(error)) from None
        if not path.is_dir():
            raise UsageError(_not_a_folder(path))
        if not (path / MANIFEST_FILE).is_file():
            raise BundleError(_not_a_bundle(path))
    except OSError as error:  # no permission, or a name that no folder can have
        raise UsageError(f"can't look into {path}: {error.strerror or error}") from error
    return path


def _other_content(path: Path) -> str | None:
    """What is at `path` in place of a packed bundle; None if it begins as a packed bundle does."""
    with path.open("rb") as stream:
        return None if stream.read(len(LOCAL_SIGNATURE)) == LOCAL_SIGNATURE else failed_download(path)


def _packing_problems(folder: PackedPath, manifest: Manifest) -> list[str]:
    """What of a packed bundle is not as its manifest says, apart from the content of its files."""
    entries = folder.packed.entries
    stated = {PurePosixPath(name).as_posix() for name in (MANIFEST_FILE, *manifest.files)}
    problems = [f"it holds {name}, which its manifest does not list" for name in entries.keys() - stated]
    model = entries.get(manifest.model_file)
    if model is not None and model.start % MODEL_ALIGNMENT:
        problems.append(
            f"{model.name} does not start at a multiple of {MODEL_ALIGNMENT}, as if another tool had packed it"
        )
    return sorted(problems)


def _file_problems(folder: BundlePath, manifest: Manifest, check: bool, model_hash: HashAhead | None) -> list[str]:
    """What is wrong with the files; that of the graph is left to `Bundle.finish_check` if all others are right."""
    problems = []
    later: list[str] = []
    for name, expected in sorted(manifest.files.items()):
        if not (folder / name).is_file():
            problems.append(f"{name} is missing")
        elif model_hash is not None and name == manifest.model_file:
            later.append(name)
        elif check:
            problems += _hash_problems(folder, name, expected, functools.partial(sha256_of, folder / name))
    if problems and model_hash is not None:
        for name in later:
            problems += _hash_problems(folder, name, manifest.files[name], model_hash.result)
    return problems


def _hash_problems(folder: BundlePath, name: str, expected: str, compute: Callable[[], str]) -> list[str]:
    """What is wrong with a file whose hash `compute` returns."""
    file = folder / name
    try:
        if compute() == expected.lower():
            return []
        return [failed_download(file) or f"{name} ({file.stat().st_size} bytes) is not the file that was exported"]
    except OSError as error:
        return [f"{name} can't be read: {error.strerror or error}"]
    except BundleError as error:  # a packed bundle has checksums of its own
        return [str(error)]


def _damaged(folder: BundlePath, problems: list[str]) -> BundleError:
    return BundleError(
        listed(f"the bundle {folder} is damaged:", problems) + "\nCopy it again from where it was exported."
    )


def _read_json(file: BundlePath) -> object:
    try:
        return json.loads(file.read_bytes())
    # The parser raises a RecursionError for brackets that are nested thousands of levels deep.
    except (ValueError, RecursionError) as error:
        raise BundleError(failed_download(file) or f"{file} is not valid JSON: {error}") from error
    except OSError as error:
        raise BundleError(f"{file} can't be read: {error.strerror or error}") from error


def _not_a_folder(folder: Path) -> str:
    if folder.suffix.lower() == PACKED_SUFFIX and not folder.exists():
        return failed_download(folder) or f"there is no file {folder}; give the file that `albert-export pack` wrote"
    if not folder.exists():
        missing = (
            f"there is no folder {folder}; give the folder that `albert-export onnx` or `albert-export tflite` wrote"
        )
        if _HUB_ID.fullmatch(folder.as_posix()) and not folder.parent.is_dir():
            missing += f". To get one from the Hugging Face hub, type: hf download {folder} --local-dir {folder.name}"
        return missing
    if begins_as_packed(folder):
        return f"{folder} is a packed bundle under another name; give it one that ends in {PACKED_SUFFIX}"
    if (folder.parent / MANIFEST_FILE).is_file():
        return f"{folder} is a file of a bundle; give the whole folder: {folder.parent}"
    return (
        failed_download(folder)
        or f"{folder} is a file; a bundle is the folder that `albert-export onnx` or `albert-export tflite` wrote"
    )


def _not_a_bundle(folder: Path) -> str:
    if any((folder / name).is_file() for name in _CHECKPOINT_FILES) or any(folder.glob("*.ckpt*.index")):
        return (
            f"{folder} is a checkpoint, not a bundle; export it first: "
            f"albert-export onnx --model {folder} --task TASK --output BUNDLE (or albert-export tflite)"
        )
    if not any(folder.iterdir()):
        return f"{folder} is an empty folder, not a bundle; `albert-export onnx` and `albert-export tflite` make one"
    return (
        f"{folder} is not a bundle: it has no {MANIFEST_FILE}; `albert-export onnx` and `albert-export tflite` make one"
    )
