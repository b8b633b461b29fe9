"""The diagnosis of a graph file, whichever of the two formats it has."""

from __future__ import annotations

from pathlib import Path

from albert_converters.doctor.diagnosis import Diagnosis
from albert_converters.extras import GRAPH_SUFFIXES, needing_graph_reader
from albert_runtime.errors import UnsupportedError, UsageError, listed
from albert_runtime.failed_downloads import failed_download


def diagnose(path: str | Path) -> Diagnosis:
    """Read and examine a graph file, or the only one in a folder.

    Raises:
        UsageError: there is no such file, or the folder holds none or several.
        UnsupportedError: it is not a graph, or damaged, or files with its weights are missing.
        DependencyError: onnx or ai-edge-litert, whichever reads it, is not installed.
    """
    file = graph_file(Path(path))
    with needing_graph_reader(file):
        if file.suffix == ".onnx":
            from albert_converters.onnx.doctor.diagnose import diagnose_onnx as diagnose_file
        else:
            from albert_converters.tflite.doctor import diagnose_tflite as diagnose_file
    return diagnose_file(file)


def graph_file(path: Path) -> Path:
    """Return `path`, or the only graph file in the folder `path`.

    Raises:
        UsageError: there is nothing, or the folder holds no graph or several.
        UnsupportedError: the file is of another kind.
    """
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix in GRAPH_SUFFIXES and file.is_file())
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(listed(f"{path} holds {len(found)} graphs; name one of them:", list(map(str, found))))
        raise UsageError(f"there is no .onnx or .tflite file in {path}; name the file, or the folder that holds it")
    if not path.exists():
        raise UsageError(
            failed_download(path)
            or f"there is nothing at {path}; give a .onnx or .tflite file, or the folder that holds it"
        )
    if path.suffix not in GRAPH_SUFFIXES:
        raise UnsupportedError(failed_download(path) or f"{path} is not a .onnx or .tflite file; those can be examined")
    return path
