"""The name of a folder, for the files that are made from it."""

from __future__ import annotations

from pathlib import Path


def folder_name(folder: str | Path) -> str:
    """The last part of `folder` as the user typed it; "." and ".." get the names of the folders that they stand for.

    A link keeps its name. In a cache of the Hugging Face hub, what it points to is called by a hash.
    """
    folder = Path(folder)
    return folder.name if folder.name not in ("", "..") else folder.resolve().name
