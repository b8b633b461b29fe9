"""Extras: the optional packages of `albert-export`, and what is said where one is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from albert_runtime.errors import DependencyError


def install_line(extra: str) -> str:
    """What to type to install an extra of `albert-export`, as the end of a message."""
    return f"install it: pip install 'albert-export[{extra}]'"


@contextlib.contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Within the block, an import that fails means that `extra` is not installed.

    Args:
        what: what needs which package, as the beginning of a message: "this needs onnx".
        extra: one of the extras in pyproject.toml.

    Raises:
        DependencyError: an import failed; the message carries the pip line.
    """
    try:
        yield
    except DependencyError:  # it carries a line of its own
        raise
    except ImportError as error:
        raise DependencyError(f"{what} ({error}); {install_line(extra)}") from error
