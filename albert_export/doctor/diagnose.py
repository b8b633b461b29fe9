"""Diagnosis: a graph file of whichever format, read and examined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from albert_converters.extras import needing
from albert_converters.patient import Patient
from albert_runtime.errors import UnsupportedError, UsageError, listed

#: what graph files end in
FORMATS = (".onnx", ".tflite")


def diagnose(path: str | Path) -> Patient:
    """Reads and examines a graph file, or the only one in a folder.

    Raises:
        UsageError: there is no such file, or the folder holds none or several.
        UnsupportedError: it is not a graph, or damaged, or files with its weights are missing.
        DependencyError: onnx or ai-edge-litert, whichever reads it, is not installed.
    """
    file = graph_file(Path(path))
    extra, package = ("onnx", "onnx") if file.suffix == ".onnx" else ("litert", "ai-edge-litert")
    with needing(f"this needs {package}", extra):
        if file.suffix == ".onnx":
            from albert_converters.onnx.doctor.diagnose import read_patient
        else:
            from albert_converters.tflite.doctor import read_patient
    return read_patient(file)


def diagnosis_record(patient: Patient) -> dict[str, Any]:
    """What was found, as JSON types."""
    return {
        "file": str(patient.file),
        "bytes": patient.file_bytes,
        "healthy": not patient.faults,
        "findings": [finding.to_dict() for finding in patient.findings],
    }


def graph_file(path: Path) -> Path:
    """`path`, or the only graph file in the folder `path`.

    Raises:
        UsageError: there is nothing, or the folder holds no graph or several.
        UnsupportedError: the file is of another kind.
    """
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix in FORMATS and file.is_file())
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(listed(f"{path} holds {len(found)} graphs; name one of them:", list(map(str, found))))
        raise UsageError(f"there is no .onnx or .tflite file in {path}; name the file, or the folder that holds it")
    if not path.exists():
        raise UsageError(f"there is nothing at {path}; give a .onnx or .tflite file, or the folder that holds it")
    if path.suffix not in FORMATS:
        raise UnsupportedError(f"{path} is not a .onnx or .tflite file; those can be examined")
    return path
