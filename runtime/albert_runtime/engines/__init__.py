"""The small door to what computes: named arrays in, named arrays out.

An engine is whatever has the five members of `Engine`. `open_engine` picks one by its name or by the suffix of
the model file, and imports nothing but that one.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from numpy.typing import NDArray

from albert_runtime.errors import DependencyError, UnsupportedError, UsageError, listed

__all__ = ["Arrays", "Engine", "open_engine"]

#: arrays by the names of `tasks.py`
Arrays = dict[str, NDArray[Any]]

_logger = logging.getLogger("albert_runtime")


@runtime_checkable
class Engine(Protocol):
    """A loaded graph. `run` may be called from several threads at once."""

    @property
    def name(self) -> str:
        """What computes, for messages."""

    @property
    def version(self) -> str:
        """Which version of it."""

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


class _Kind(NamedTuple):
    """One kind of engine."""

    #: of its model files
    suffix: str
    #: module and class, in this package
    place: str
    #: the module that computes
    needs: str
    #: what to give to pip to have it
    pip: str


#: engine name -> what it is. Of those that run a file, the first one that is installed does.
_ENGINES = {
    "onnx": _Kind(".onnx", "onnx_engine:OnnxEngine", "onnxruntime", "'albert-runtime[onnx]'"),
    "litert": _Kind(".tflite", "tflite_engine:LiteRTEngine", "ai_edge_litert.interpreter", "'albert-runtime[litert]'"),
    "tflite-runtime": _Kind(
        ".tflite",
        "tflite_engine:TFLiteRuntimeEngine",
        "tflite_runtime.interpreter",
        "'albert-runtime[tflite-runtime]' (Linux, Python 3.11 or older)",
    ),
    "tf-lite": _Kind(".tflite", "tflite_engine:TensorFlowLiteEngine", "tensorflow", "tensorflow"),
}


def open_engine(model_file: str | Path, *, threads: int | None = None, name: str | None = None) -> Engine:
    """Load `model_file` into the engine that `name`, or its suffix, asks for.

    Args:
        model_file: the graph.
        threads: threads that compute one run; None means the cores that this process may use.
        name: "onnx", "litert", "tflite-runtime" or "tf-lite"; None means the first of those that run such a file
            and are installed, which is then said in the log.

    Raises:
        UsageError: no such engine, or a number of threads below 1.
        UnsupportedError: no engine, or not this one, runs such a file.
        DependencyError: the engine's package is not installed.
        BundleError: the file is not a graph that the engine can load.
        OperatorError: the graph needs an operator that the engine lacks.
    """
    model_file = Path(model_file)
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise UsageError(f"threads must be a whole number, 1 or more, not {threads!r}")
    absent = []
    for candidate in _names_for(model_file, name):
        kind = _ENGINES[candidate]
        module_name, class_name = kind.place.split(":")
        try:
            importlib.import_module(kind.needs)
            module = importlib.import_module(f"{__name__}.{module_name}")
        except ImportError as error:
            absent.append(f"{kind.needs} ({error}): pip install {kind.pip}")
            continue
        engine: Engine = getattr(module, class_name)(model_file, threads=threads)
        if _logger.isEnabledFor(logging.INFO):  # to ask for the version may take longer than to load
            _logger.info("%s is run by %s %s", model_file, engine.name, engine.version)
        return engine
    raise DependencyError(
        listed(f"{model_file.name} needs {'one of ' if len(absent) > 1 else ''}what can't be imported:", absent)
    )


def _names_for(model_file: Path, name: str | None) -> list[str]:
    """The engines to try, best first."""
    able = [one for one, kind in _ENGINES.items() if kind.suffix == model_file.suffix]
    if name is None:
        if not able:
            suffixes = ", ".join(dict.fromkeys(kind.suffix for kind in _ENGINES.values()))
            raise UnsupportedError(f"no engine runs a file like {model_file.name}; supported: {suffixes}")
        return able
    if name not in _ENGINES:
        raise UsageError(f"there is no engine {name!r}; the engines are: {', '.join(_ENGINES)}")
    # A suffix that belongs to nobody says nothing about the file.
    if able and name not in able:
        raise UnsupportedError(
            f"the engine {name!r} runs {_ENGINES[name].suffix} files and can't run {model_file.name}; {able[0]!r} can: "
            f"leave the engine out, or give engine={able[0]!r} (in a shell --engine {able[0]})"
        )
    return [name]
