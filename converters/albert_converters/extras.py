"""Extras: the optional packages of `albert-export`, and what is said where one is missing."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence

from albert_runtime.errors import DependencyError
from albert_runtime.packed.path import BundlePath

#: suffixes of the names of graph files
GRAPH_SUFFIXES = (".onnx", ".tflite")


def install_line(extra: str) -> str:
    """What to type to install an extra of `albert-export`, as the end of a message."""
    return f"install it: pip install 'albert-export[{extra}]'"


def quantizer_module() -> str:
    """The module that quantizes TFLite files: the newer of its two names, unless only the older one is installed.

    It is not imported.
    """
    new, old = "litert_quantizer", "ai_edge_quantizer"
    return old if importlib.util.find_spec(new) is None and importlib.util.find_spec(old) is not None else new


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


def require_packages(packages: Sequence[str], what: str, extra: str) -> None:
    """Say at once which of `packages` are missing, before anything that takes time. Nothing is imported.

    Args:
        packages: the modules that will be imported later.
        what: what needs them, as the beginning of a message: "an export to ONNX".
        extra: one of the extras in pyproject.toml.

    Raises:
        DependencyError: at least one of them is not installed; the message carries the pip line.
    """
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise DependencyError(f"{what} needs {', '.join(missing)}; {install_line(extra)}")


def needing_graph_reader(file: BundlePath) -> contextlib.AbstractContextManager[None]:
    """Within the block, an import that fails means that the package which reads `file` is not installed.

    Raises:
        DependencyError: an import failed; the message says what to install.
    """
    extra, package = ("onnx", "onnx") if file.suffix == ".onnx" else ("litert", "ai-edge-litert")
    return needing(f"this needs {package}", extra)
