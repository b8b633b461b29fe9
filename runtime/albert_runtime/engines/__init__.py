"""The small door to what computes: named arrays in, named arrays out.

An engine is whatever has the four members of `Engine`. `open_engine` picks one by the suffix of the
model file and imports nothing but that one.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from albert_runtime.errors import DependencyError, UnsupportedError, UsageError

__all__ = ["Arrays", "Engine", "open_engine"]

#: arrays by the names of `tasks.py`
Arrays = dict[str, NDArray[Any]]


@runtime_checkable
class Engine(Protocol):
    """A loaded graph. `run` may be called from several threads at once."""

    @property
    def name(self) -> str:
        """What computes, for messages."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """The inputs that the graph declares."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """The outputs that the graph gives."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Compute every output. `inputs` may hold more than the graph declares; the rest is left aside.

        Raises:
            UsageError: an input is missing, or has a shape or type that the graph does not take.
        """


#: engine name -> suffix of its model files, module and class, the package it needs, the extra that brings it
_ENGINES = {
    "onnx": (".onnx", "albert_runtime.engines.onnx_engine:OnnxEngine", "onnxruntime", "onnx"),
}


def open_engine(model_file: str | Path, *, threads: int | None = None, name: str | None = None) -> Engine:
    """Load `model_file` into the engine that its suffix, or `name`, asks for.

    Args:
        model_file: the graph.
        threads: threads that compute one run; None means the cores that this process may use.
        name: the engine's name ("onnx"), where the suffix does not tell.

    Raises:
        UsageError: no such engine, or a number of threads below 1.
        UnsupportedError: no engine runs such a file.
        DependencyError: the engine's package is not installed.
        BundleError: the file is not a graph that the engine can load.
        OperatorError: the graph needs an operator that the engine lacks.
    """
    model_file = Path(model_file)
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise UsageError(f"threads must be a whole number, 1 or more, not {threads!r}")
    if name is None:
        name = _name_for(model_file)
    elif name not in _ENGINES:
        raise UsageError(f"there is no engine {name!r}; the engines are: {', '.join(_ENGINES)}")
    _, place, package, extra = _ENGINES[name]
    module_name, class_name = place.split(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise DependencyError(
            f"{model_file.name} needs {package}, which can't be imported ({error}); "
            f"install it: pip install 'albert-runtime[{extra}]'"
        ) from error
    engine: Engine = getattr(module, class_name)(model_file, threads=threads)
    return engine


def _name_for(model_file: Path) -> str:
    for name, (suffix, *_) in _ENGINES.items():
        if model_file.suffix == suffix:
            return name
    suffixes = ", ".join(suffix for suffix, *_ in _ENGINES.values())
    if model_file.suffix == ".tflite":
        raise UnsupportedError(
            f"{model_file.name} is a TFLite graph, and this version of albert-runtime runs {suffixes} only; "
            "export the model with `albert-export onnx`, or upgrade: pip install --upgrade albert-runtime"
        )
    raise UnsupportedError(f"no engine runs a file like {model_file.name}; supported: {suffixes}")
