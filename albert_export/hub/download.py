"""resolve_checkpoint: the folder of a checkpoint, which is downloaded if an id of the hub is given."""

from __future__ import annotations

import glob
import logging
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from albert_export.checkpoints import Checkpoint, ReadOptions, read_checkpoint
from albert_export.checkpoints.folder_layout import ADAPTER_CONFIG
from albert_export.checkpoints.sentence_transformers import transformer_folder
from albert_export.config import CONFIG_FILE, PUBLISHED
from albert_export.config_file import check_is_albert, read_json_object
from albert_export.hub.checkpoint_files import below, parts_of_weights, settings_files, weight_files
from albert_export.hub.failures import Failure, Kind, failure_of
from albert_export.hub.library import endpoint, hub_api, quiet_library, require_library
from albert_export.hub.repository_id import as_repository_id, source_of
from albert_export.utils.terminal import Progress
from albert_runtime.bundle import MANIFEST_FILE
from albert_runtime.errors import CheckpointError, UsageError

logger = logging.getLogger("albert_export")


class _Wanted(NamedTuple):
    """A repository at a revision; None is the branch that the repository shows, usually `main`."""

    repository: str
    revision: str | None

    def __str__(self) -> str:
        return self.repository if self.revision is None else f"{self.repository} at revision {self.revision}"


def load_checkpoint(
    model: str | Path, options: ReadOptions | None = None, *, progress: Progress = lambda step: None
) -> Checkpoint:
    """The checkpoint in a folder, or in a repository of the hub.

    Args:
        model: as in `resolve_checkpoint`; `options.revision` is the revision.
        options: as in `read_checkpoint`.
        progress: called with a line about each step.

    Raises:
        UsageError, CheckpointError, DependencyError: as `resolve_checkpoint` and `read_checkpoint`.
    """
    options = options or ReadOptions()
    folder = resolve_checkpoint(model, options.revision, progress=progress)
    return read_checkpoint(folder, replace(options, revision=None))


def resolve_checkpoint(
    model: str | Path, revision: str | None = None, *, progress: Progress = lambda step: None
) -> Path:
    """The folder of `model`: what is there under this name, or else the repository of this id in the hub's cache.

    Of a repository, the configuration comes first, and nothing else if it is not an ALBERT's. Then the files that
    `read_checkpoint` needs are downloaded: the tokenizer's, and the weights in one format, safetensors before others.
    Files that are in the cache already, whole or in part, are not fetched again. Where the hub can't be reached, what
    is in the cache is taken, with a warning.

    Args:
        model: a folder, or the id `NAME` or `ORG/NAME` of a repository. What is there as a file or folder is never
            looked for on the hub, and neither is a text that begins with a period or a slash.
        revision: a branch, a tag or a commit of the repository; None for its main branch.
        progress: called with a line about each step.

    Returns:
        The folder. It need not exist if `model` can't be an id; its readers say so.

    Raises:
        UsageError: `revision` is given for a folder; or the repository can't be fetched, and the message says why.
        CheckpointError: the repository holds no checkpoint of an ALBERT.
        DependencyError: an id is given, and huggingface_hub is missing.
    """
    repository = as_repository_id(model)
    if repository is None:
        if revision is not None:
            raise UsageError(
                f"--revision {revision} goes with the id of a model on the Hugging Face hub, and {model} is not one"
            )
        return Path(model)
    require_library(f"there is no folder {model}, and fetching {repository} from the Hugging Face hub")
    wanted = _Wanted(repository, revision)
    with quiet_library():
        try:
            return _fetched(wanted, progress)
        except (UsageError, CheckpointError):
            raise
        except Exception as error:
            failure = failure_of(error)
            if failure.kind is Kind.OTHER:
                logger.debug("downloading failed with %s", type(error).__name__)
    raise _refusal(wanted, failure)  # not within the block above, so that it does not hold the library's error


def _fetched(wanted: _Wanted, progress: Progress) -> Path:
    """The folder in the cache, with everything in it that a checkpoint needs."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return _cached(wanted, Failure(Kind.OFFLINE, ""))
    progress(f"asking the Hugging Face hub for {wanted}")
    try:
        info = hub_api().model_info(wanted.repository, revision=wanted.revision, files_metadata=True)
    except Exception as error:
        failure = failure_of(error)
        if not failure.kind.passes:
            raise
    else:
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        return _downloaded(wanted, sizes, progress)
    return _cached(wanted, failure)


def _downloaded(wanted: _Wanted, sizes: dict[str, int], progress: Progress) -> Path:
    """The folder of a repository with files of these sizes in bytes."""
    names = sorted(sizes)
    progress(f"downloading {wanted.repository}: configuration")
    configs = [name for name in settings_files(names) if name.rpartition("/")[2].endswith(".json")]
    first = [name for name in configs if "tokenizer" not in name]
    folder = _snapshot(wanted, first)
    _refuse_other_models(wanted, folder)
    transformer = transformer_folder(folder)
    place = "" if transformer is None else transformer.relative_to(folder).as_posix()
    there = below(place, names)
    if ADAPTER_CONFIG in there:
        return folder  # its reader refuses it, and says how to merge it
    found = weight_files(there) or weight_files(names)
    place = place if weight_files(there) else ""
    if len(found) != 1:
        raise CheckpointError(_no_weights(wanted, names, found))
    progress(f"downloading {wanted.repository}: tokenizer")
    settings = settings_files(names)
    _snapshot(wanted, settings)
    # The weights come last: a folder with weights is complete, also where a download was interrupted.
    prefix = "" if place in ("", ".") else f"{place}/"
    weights = [prefix + name for name in parts_of_weights(found[0], below(place, names))]
    size = sum(sizes[name] for name in weights)
    progress(f"downloading {wanted.repository}: {prefix}{found[0]}, {size / 1e6:,.1f} MB")
    return _snapshot(wanted, [*settings, *weights])


def _snapshot(wanted: _Wanted, names: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    patterns = [glob.escape(name) for name in names]
    return Path(
        snapshot_download(
            wanted.repository, revision=wanted.revision, allow_patterns=patterns, library_name="albert-export"
        )
    )


def _cached(wanted: _Wanted, failure: Failure) -> Path:
    """The folder that an earlier download left in the cache, with a warning."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(
            wanted.repository, revision=wanted.revision, local_files_only=True, allow_patterns=[CONFIG_FILE]
        )
    except LocalEntryNotFoundError:
        found = None
    if found is None:
        raise UsageError(f"{_unreachable(failure)}, and there is no folder {wanted.repository} and no copy of {wanted} "
                         f"in the cache; {_advice(failure)}")  # fmt: skip
    folder = Path(found)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    if not any(weight_files(below(place, names)) for place in {"", *(name.rpartition("/")[0] for name in names)}):
        raise UsageError(
            f"{_unreachable(failure)}, and the copy of {wanted} in the cache is incomplete; {_advice(failure)}"
        )
    source = source_of(folder)
    logger.warning(
        "%s; the copy of %s in the cache is used, commit %s",
        _unreachable(failure),
        wanted,
        source.commit if source else "unknown",
    )
    return folder


def _unreachable(failure: Failure) -> str:
    if failure.kind is Kind.OFFLINE:
        return "the Hugging Face hub is not asked, because HF_HUB_OFFLINE is set"
    reason = {Kind.BUSY: "it gets too many requests", Kind.SERVER: "it has an error"}.get(failure.kind, "no connection")
    return f"the Hugging Face hub at {endpoint()} does not answer ({reason}: {failure.detail})"


def _advice(failure: Failure) -> str:
    if failure.kind is Kind.OFFLINE:
        return "unset HF_HUB_OFFLINE, or give a folder"
    if failure.kind is Kind.BUSY:
        return "try again in some minutes; with a token the hub allows more: hf auth login"
    return "try again when there is a connection, or give a folder; HF_ENDPOINT names another hub"


def _refuse_other_models(wanted: _Wanted, folder: Path) -> None:
    """Refuses a repository whose configuration is not an ALBERT's, before its weights are downloaded.

    Raises:
        CheckpointError: it is another model's.
    """
    transformer = transformer_folder(folder) or folder
    file = transformer / CONFIG_FILE
    values = read_json_object(file) if file.is_file() else {}
    if "model_type" in values:
        check_is_albert(values, f"the {CONFIG_FILE} of {wanted}")


def _no_weights(wanted: _Wanted, names: list[str], found: list[str]) -> str:
    """Why a repository with files of these names is no checkpoint; `found` are several files of weights."""
    name = wanted.repository.rpartition("/")[2]
    fetch = f"hf download {wanted.repository}" + (f" --revision {wanted.revision}" if wanted.revision else "")
    if found:
        return (
            f"{wanted} holds {', '.join(found)}, and it is not clear which of them to read; fetch it with one of them, "
            f"and give the folder: {fetch} --exclude {found[-1]} --local-dir {name}"
        )
    if MANIFEST_FILE in names:
        return (
            f"{wanted} is an exported bundle, not a checkpoint; fetch it, and give the folder to a command that takes "
            f"bundles: {fetch} --local-dir {name}"
        )
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"{wanted} holds no weights that can be read here; it holds {shown or 'nothing'}"


def _refusal(wanted: _Wanted, failure: Failure) -> UsageError:
    """The error that says why a repository could not be fetched, and what to do."""
    from huggingface_hub import constants

    repository, address = wanted.repository, endpoint()
    published = f"; did you mean albert/{repository}?" if repository in PUBLISHED else ""
    kept = "what was fetched is kept, so type the same again to go on"
    messages = {
        Kind.NO_TOKEN: "no token is stored; type: hf auth login",
        Kind.BAD_TOKEN: "the hub refuses the token; make a new one, and type hf auth login, or set HF_TOKEN",
        Kind.NOT_FOUND: f"there is no folder {repository}, and no model {repository} at {address} that you may see"
        f"{published}. Check the name; for a private model, type hf auth login, or set HF_TOKEN",
        Kind.GATED: f"{repository} is gated: accept its conditions at {address}/{repository}, and type hf auth login "
        "with the same account, or set HF_TOKEN",
        Kind.FORBIDDEN: f"the token may not read {repository}; take one that may: hf auth login, or HF_TOKEN",
        Kind.NO_REVISION: f"{repository} has no revision {wanted.revision or 'main'}; give a branch, a tag or a "
        f"commit of those at {address}/{repository}/commits/main",
        Kind.CONNECTION: f"the connection to {address} broke while {wanted} was downloaded ({failure.detail}); {kept}",
        Kind.SERVER: f"the hub at {address} failed while {wanted} was downloaded ({failure.detail}); {kept}",
        Kind.BUSY: f"the hub at {address} gets too many requests; wait some minutes: {kept}",
        Kind.DISK_FULL: f"the disk of the cache {constants.HF_HUB_CACHE} is full ({failure.detail}); free some space "
        f"and type the same again, or set HF_HOME to a folder on another disk",
        Kind.CACHE_REFUSED: f"can't write to the cache {constants.HF_HUB_CACHE} ({failure.detail}); set HF_HOME to a "
        "folder that you may write to",
    }
    return UsageError(messages.get(failure.kind, f"fetching {wanted} from {address} failed: {failure.detail}"))
