"""Engines run graphs: named arrays in, named arrays out.

An engine is any object with the five members of `Engine`. `open_engine` chooses one by its name or by the suffix of the
model file, and imports only that one.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from numpy.typing import NDArray

from albert_runtime.errors import DependencyError, UnsupportedError, UsageError, listed
from albert_runtime.lazy_import import load_object
from albert_runtime.packed.path import BundlePath, bundle_path

__all__ = ["Arrays", "Engine", "installed_engines", "open_engine"]

#: tensor name, as in `tasks.py` -> array
Arrays = dict[str, NDArray[Any]]

_logger = logging.getLogger("albert_runtime")


@runtime_checkable
class Engine(Protocol):
    """A loaded graph. `run` may be called from several threads at once.

    Sessions do so with an engine that also has an attribute `threads` above 1, see `BatchMixin.runs_at_once`.
    """

    @property
    def name(self) -> str:
        """The name of the engine, for messages."""

    @property
    def version(self) -> str:
        """The version of the package that computes."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the graph's inputs."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the graph's outputs."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Compute every output. `inputs` may hold arrays that the graph does not declare; they are ignored.

        Raises:
            UsageError: an input is missing, or has a shape or type that the graph does not take.
        """


class _Kind(NamedTuple):
    """One kind of engine."""

    #: the suffix of its model files
    suffix: str
    #: the class, as a reference "module:name"
    engine_class: str
    #: the module of the package that computes
    needs: str
    #: the arguments of `pip install` that install the package. They name it and not an extra of albert-runtime, because
    #: albert-export holds this module as well, and the two distributions must not be installed side by side.
    pip: str
    #: whether it keeps graphs in the cache
    uses_cache: bool = False


#: engine name -> its kind. A file is run by the first engine that takes its suffix and is installed.
_ENGINES = {
    "onnx": _Kind(".onnx", f"{__name__}.onnx_engine:OnnxEngine", "onnxruntime", "onnxruntime", uses_cache=True),
    "litert": _Kind(
        ".tflite", f"{__name__}.tflite_engine:LiteRTEngine", "ai_edge_litert.interpreter", "ai-edge-litert"
    ),
    "tflite-runtime": _Kind(
        ".tflite",
        f"{__name__}.tflite_engine:TFLiteRuntimeEngine",
        "tflite_runtime.interpreter",
        "tflite-runtime 'numpy<2' (Linux, Python 3.11 or older)",
    ),
    "tf-lite": _Kind(".tflite", f"{__name__}.tflite_engine:TensorFlowLiteEngine", "tensorflow", "tensorflow"),
}


def open_engine(
    model_file: str | BundlePath,
    *,
    threads: int | None = None,
    name: str | None = None,
    sha256: str | None = None,
) -> Engine:
    """Load `model_file` into an engine.

    Args:
        model_file: the file of the graph, which may lie in a packed bundle (`Bundle.model_file`).
        threads: the number of threads that compute one run; None means the cores that this process may use.
        name: "onnx", "litert", "tflite-runtime" or "tf-lite"; None means the first of them that runs such a file and is
            installed. The log says at level INFO which one it is.
        sha256: the SHA-256 of the file, if it has been compared with the manifest. An engine may then use what the
            cache holds for the file, and store it there.

    Raises:
        UsageError: there is no such engine, or the number of threads is below 1.
        UnsupportedError: no engine runs such a file, or the engine called `name` does not.
        DependencyError: the engine's package is not installed.
        BundleError: the file is not a graph that the engine can load.
        OperatorError: the graph needs an operator that the engine lacks.
    """
    model_file = bundle_path(model_file)
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise UsageError(f"threads must be a whole number, 1 or more, not {threads!r}")
    absent = []
    for candidate in _names_for(model_file, name):
        kind = _ENGINES[candidate]
        try:
            # The module of the engine comes first: it may have to set something before its package is imported.
            engine_class = load_object(kind.engine_class)
            importlib.import_module(kind.needs)
        except ImportError as error:
            absent.append(f"{kind.needs} ({error}): pip install {kind.pip}")
            continue
        settings = {} if sha256 is None or not kind.uses_cache else {"sha256": sha256}
        engine: Engine = engine_class(model_file, threads=threads, **settings)
        if _logger.isEnabledFor(logging.INFO):  # because finding out the version may take longer than loading
            _logger.info("%s is run by %s %s", model_file, engine.name, engine.version)
        return engine
    raise DependencyError(
        listed(f"{model_file.name} needs {'one of ' if len(absent) > 1 else ''}what can't be imported:", absent)
    )


def installed_engines(model_file: str | BundlePath) -> list[str]:
    """The names of the engines that run files with the suffix of `model_file` and whose packages are installed.

    Nothing is imported or opened. The first is the one that `open_engine` takes without a name.

    Raises:
        UnsupportedError: no engine runs such a file, whatever is installed.
    """
    names = _names_for(bundle_path(model_file), None)
    return [name for name in names if importlib.util.find_spec(_ENGINES[name].needs.partition(".")[0]) is not None]


def _names_for(model_file: BundlePath, name: str | None) -> list[str]:
    """The names of the engines to try, best first."""
    able = [one for one, kind in _ENGINES.items() if kind.suffix == model_file.suffix]
    if name is None:
        if not able:
            suffixes = ", ".join(dict.fromkeys(kind.suffix for kind in _ENGINES.values()))
            raise UnsupportedError(f"no engine runs a file like {model_file.name}; supported: {suffixes}")
        return able
    if name not in _ENGINES:
        raise UsageError(f"there is no engine {name!r}; the engines are: {', '.join(_ENGINES)}")
    # If no engine has this suffix, the suffix does not tell what the file is, and the engine that was named may try.
    if able and name not in able:
        raise UnsupportedError(
            f"the engine {name!r} runs {_ENGINES[name].suffix} files and can't run {model_file.name}; {able[0]!r} can: "
            f"leave the engine out, or give engine={able[0]!r} (in a shell --engine {able[0]})"
        )
    return [name]
