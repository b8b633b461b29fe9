"""Writes a bundle: its files go to a temporary folder beside the target, which is renamed when it is complete."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from albert_runtime.bundle import MANIFEST_FILE, Manifest, sha256_of
from albert_runtime.errors import ConversionError, UsageError


@dataclass(frozen=True)
class FolderKind:
    """What a folder is that is written as a whole."""

    #: what messages call it
    name: str
    #: the file that shows that a folder is of this kind, and may be replaced by another of it
    marker: str


BUNDLE = FolderKind("bundle", MANIFEST_FILE)


def refuse_overwrite(target: Path, *, force: bool, kind: FolderKind = BUNDLE) -> None:
    """Refuse a target that can't become a bundle, or a folder of another kind.

    Args:
        target: the folder to be written. An empty folder may exist there.
        force: whether an older folder of this kind may be replaced; other files and folders are never replaced.
        kind: what is going to be written.

    Raises:
        UsageError: something exists at the target, or its parent is a file; the message says what to type.
    """
    if target.is_dir() and not any(target.iterdir()):
        return
    if (target.exists() or target.is_symlink()) and not force:
        raise UsageError(f"{target} already exists; choose another --output, or give --force to replace a {kind.name}")
    if target.exists() and not (target / kind.marker).is_file():
        raise UsageError(f"{target} is not a {kind.name}, so --force does not replace it; choose another --output")
    parent = next((parent for parent in target.absolute().parents if parent.exists()), Path("/"))
    if not parent.is_dir():
        raise UsageError(f"{parent} is a file, so {target} can't be made below it; choose another --output")


@contextlib.contextmanager
def new_bundle(target: Path, *, force: bool = False, kind: FolderKind = BUNDLE) -> Iterator[Path]:
    """Yield an empty folder, which is renamed to `target` when the block ends without an exception.

    If the block raises, or is interrupted with Ctrl-C, the new folder is deleted and `target` stays as it was.

    Raises:
        UsageError: the target must not be overwritten (see `refuse_overwrite`), or can't be written to.
        ConversionError: writing fails, for example because the disk is full.
    """
    refuse_overwrite(target, force=force, kind=kind)
    target = (
        target.resolve() if target.is_symlink() else target.absolute()
    )  # "." has no name to rename the new folder to
    token = uuid.uuid4().hex
    part = target.with_name(f".{target.name}.{token}.part")
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"can't write to {target.parent}: {error.strerror}; choose another --output") from error
    try:
        yield part
        _put_in_place(part, target, token, force=force, kind=kind)
    except OSError as error:
        full = "free some space or " if error.errno == errno.ENOSPC else ""
        reason = error.strerror or error
        raise ConversionError(
            f"writing {target} failed: {reason}; nothing was kept of it; {full}choose another --output"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: Path, target: Path, token: str, *, force: bool, kind: FolderKind) -> None:
    """Rename `part` to `target`; an older bundle there is deleted once the new one has its place."""
    refuse_overwrite(target, force=force, kind=kind)  # another run may have written it in the meantime
    if not target.exists() or not any(target.iterdir()):
        part.replace(target)
        return
    old = target.with_name(f".{target.name}.{token}.old")
    target.rename(old)
    try:
        part.replace(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a bundle except its manifest, by the path from its folder."""
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: sha256_of(path) for name, path in paths.items() if name != MANIFEST_FILE}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` to a bundle's folder."""
    text = json.dumps(manifest.to_dict(), indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8")
