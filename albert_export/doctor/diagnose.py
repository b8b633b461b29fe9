"""The diagnosis of a graph file, whichever of the two formats it has."""

from __future__ import annotations

from pathlib import Path

from albert_converters.doctor.diagnosis import Diagnosis
from albert_converters.extras import GRAPH_SUFFIXES, needing_graph_reader
from albert_runtime.errors import UnsupportedError, UsageError, listed
from albert_runtime.failed_downloads import failed_download

#: where optimum and the hub's repositories keep graphs, below the folder of config.json and the tokenizer
_GRAPH_FOLDER = "onnx"
_PLAIN_NAME = "model"


def diagnose(path: str | Path) -> Diagnosis:
    """Read and examine a graph file, or that of a folder (see `graph_file`).

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
    """Return `path`, or the graph file in the folder `path`, or else the one in its folder `onnx`.

    Of several graphs it is the one called `model`, which the others were made from (`model_quantized.onnx`).

    Raises:
        UsageError: there is nothing, or the folder holds no graph, or several of which none is called `model`.
        UnsupportedError: the file is of another kind.
    """
    if path.is_dir():
        found = _graphs_in(path) or _graphs_in(path / _GRAPH_FOLDER)
        plain = [file for file in found if file.stem == _PLAIN_NAME]
        if len(found) == 1 or len(plain) == 1:
            return plain[0] if plain else found[0]
        if found:
            headline = f"{found[0].parent} holds {len(found)} graphs; name one of them:"
            raise UsageError(listed(headline, list(map(str, found))))
        raise UsageError(
            f"there is no .onnx or .tflite file in {path}, nor in a folder {_GRAPH_FOLDER} in it; name the file, or "
            "the folder that holds it"
        )
    if not path.exists():
        raise UsageError(
            failed_download(path)
            or f"there is nothing at {path}; give a .onnx or .tflite file, or the folder that holds it"
        )
    if path.suffix not in GRAPH_SUFFIXES:
        raise UnsupportedError(failed_download(path) or f"{path} is not a .onnx or .tflite file; those can be examined")
    return path


def _graphs_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix in GRAPH_SUFFIXES and file.is_file())
