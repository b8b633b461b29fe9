"""The formats of graph files, and the packages that read them."""

from __future__ import annotations

import contextlib
from pathlib import Path

from albert_converters.extras import needing

#: suffixes of the names of graph files
GRAPH_SUFFIXES = (".onnx", ".tflite")


def needing_graph_reader(file: Path) -> contextlib.AbstractContextManager[None]:
    """Within the block, an import that fails means that the package which reads `file` is not installed.

    Raises:
        DependencyError: an import failed; the message says what to install.
    """
    extra, package = ("onnx", "onnx") if file.suffix == ".onnx" else ("litert", "ai-edge-litert")
    return needing(f"this needs {package}", extra)
