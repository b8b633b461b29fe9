"""Ids of repositories on the Hugging Face hub: what looks like one, and which one a folder of the cache belongs to."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_ID = re.compile(rf"{_PART}(?:/{_PART})?")
_LONGEST = 96
#: ends of the names of files, for which nobody means a repository
_FILES = (".albert", ".onnx", ".tflite", ".safetensors", ".bin", ".h5", ".json", ".pt", ".pth", ".ckpt")
#: folders of a cache: models--ORG--NAME/snapshots/COMMIT
_CACHED = re.compile(r"(?:^|/)models--([^/]+)/snapshots/([0-9a-f]{40})(?:/|$)")


@dataclass(frozen=True)
class HubSource:
    """The repository and the commit that a checkpoint was fetched from."""

    repository: str
    commit: str

    def to_dict(self) -> dict[str, str]:
        """The source as the manifest of a bundle has it."""
        return {"repository": self.repository, "commit": self.commit}


def is_repository_id(text: str) -> bool:
    """Whether `text` has the form `NAME` or `ORG/NAME`, by the rules of huggingface_hub's `validate_repo_id`."""
    return (
        len(text) <= _LONGEST
        and _ID.fullmatch(text) is not None
        and "--" not in text
        and ".." not in text
        and not text.endswith(".git")
    )


def as_repository_id(model: str | Path) -> str | None:
    """`model` as the id of a repository, `NAME` or `ORG/NAME`; None if it can't be one, or is a file or folder here.

    A path that begins with a period or a slash is no id, and neither is what ends as the names of model files do.
    """
    text = model.as_posix() if isinstance(model, Path) else model
    return text if is_repository_id(text) and not text.lower().endswith(_FILES) and not os.path.lexists(text) else None


def source_of(folder: Path) -> HubSource | None:
    """What a folder in a cache of huggingface_hub was fetched from; None for other folders.

    A link to such a folder is another folder: its owner may have meant something else by it.
    """
    found = _CACHED.search(folder.as_posix())
    return None if found is None else HubSource(found[1].replace("--", "/"), found[2])
