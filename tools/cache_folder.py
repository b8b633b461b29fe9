"""Where tools keep what they fetch, so that it is fetched once."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str, variable: str) -> Path:
    """The folder that the environment variable names, or `name` in this project's part of the user's cache."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "albert-export" / name
    return Path(os.environ.get(variable) or usual)
