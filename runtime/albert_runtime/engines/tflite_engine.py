"""TFLiteEngine: runs TFLite graphs with LiteRT or one of the two older packages, on the CPU."""

from __future__ import annotations

import importlib
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from albert_runtime.cached_property import cached_property
from albert_runtime.engines import Arrays
from albert_runtime.engines.reloadable_engine import ReloadableEngine
from albert_runtime.engines.static_shapes import ANY, fits, run_in_parts
from albert_runtime.engines.tflite_file import check_tflite_file
from albert_runtime.engines.tflite_operators import lack_of_operators
from albert_runtime.errors import BundleError, DependencyError, OperatorError, UsageError, listed
from albert_runtime.failed_downloads import failed_download
from albert_runtime.packed.local_file import local_file
from albert_runtime.packed.path import BundlePath
from albert_runtime.tasks import INPUT_NAMES, MASKED_POSITIONS

#: the tensor names of TFLite Task Library -> the names of `tasks.py`
_ALIASES = {"ids": "input_ids", "mask": "attention_mask", "segment_ids": "token_type_ids", "probability": "logits"}
#: the only output of TFLite Task Library with another meaning: the softmax of our logits
_PROBABILITY = "probability"


class _Tensor(NamedTuple):
    """An input or output of the graph."""

    #: the name in the graph
    name: str
    #: the number of the tensor in the graph
    number: int
    #: the size of each axis, ANY for a dynamic one
    shape: tuple[int, ...]
    dtype: DTypeLike


class TFLiteEngine(ReloadableEngine):
    """A TFLite interpreter. Inputs and outputs are bound by name, and several threads may run it at once.

    The interpreter maps the file into memory. In addition it holds one copy of the weights in the order in which its
    kernels read them, whatever the shapes of the inputs are; changing the shape takes a fraction of a millisecond.
    Threads that share an engine wait for each other: a pool of interpreters would need a copy of the weights for each,
    and would gain little, because one run already uses all `threads`.

    A graph for one sequence (`[1, 384]`) computes larger batches and several choices one sequence at a time.

    Args:
        model_file: a .tflite file with one signature.
        threads: the number of threads that compute one run; None means the cores that this process may use.

    Raises:
        BundleError: the file is not a TFLite graph, is damaged, or has no signature that names its tensors.
        OperatorError: the graph needs an operator, or a version of one, that this interpreter lacks.
        DependencyError: the interpreter does not work with the numpy that is installed.
    """

    name: ClassVar[str]
    #: the interpreter as "module:attribute"; it is a string because the package may not be installed
    _interpreter_class: ClassVar[str]

    def __init__(self, model_file: str | BundlePath, *, threads: int | None = None) -> None:
        super().__init__(model_file, threads=threads)
        self.input_names = tuple(self._inputs)
        self.output_names = tuple(self._outputs)

    @property
    @abstractmethod
    def version(self) -> str:
        """The version of the package that computes."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Compute every output; see `Engine.run`."""
        missing = [
            f"{name} {_words(one.shape)}, {np.dtype(one.dtype)}"
            for name, one in self._inputs.items()
            if name not in inputs
        ]
        if missing:
            raise UsageError(listed(f"{self.model_file.name} needs inputs that were not given:", missing))
        try:
            feed = {name: np.ascontiguousarray(inputs[name], dtype=one.dtype) for name, one in self._inputs.items()}
        except (TypeError, ValueError) as error:
            raise UsageError(f"{self.model_file.name} takes arrays of numbers: {error}") from error
        problems = self._shape_problems(feed)
        if problems:
            raise UsageError(listed(f"{self.model_file.name} does not take inputs of these shapes:", problems))
        return run_in_parts(feed, self._inputs[next(iter(feed))].shape, self._compute)

    def _load(self) -> None:
        self._messages = ""
        #: the shapes of the inputs that the interpreter is set to; None if they are not known
        self._shapes: dict[str, tuple[int, ...]] | None = None
        try:
            interpreter = self._open()
            self._bind(interpreter)
            # This is done now, not at the first run: it reports missing operators and takes most of the loading time.
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise self._load_error(error) from error
        self._native = interpreter

    def _open(self) -> Any:
        """Open the file with the interpreter, or a local copy of it if it lies in a packed bundle."""
        with local_file(self._path) as file:
            return self._open_local(file)

    def _open_local(self, file: Path) -> Any:
        module_name, attribute = self._interpreter_class.split(":")
        interpreter_class = attrgetter(attribute)(importlib.import_module(module_name))
        return interpreter_class(model_path=str(file), num_threads=self.threads)

    def _bind(self, interpreter: Any) -> None:
        # The signature runner must not outlive this method: the interpreter takes it for a view of its memory, and
        # refuses to run while it exists.
        signature = interpreter.get_signature_runner()
        inputs, outputs = (
            {
                _ALIASES.get(name, name): _Tensor(
                    name, one["index"], tuple(one["shape_signature"].tolist()), one["dtype"]
                )
                for name, one in details.items()
            }
            for details in (signature.get_input_details(), signature.get_output_details())
        )
        #: in the order of INPUT_NAMES; inputs with other names come last
        self._inputs = {name: inputs[name] for name in dict.fromkeys((*INPUT_NAMES, *inputs)) if name in inputs}
        self._outputs = outputs

    def _shape_problems(self, feed: Arrays) -> list[str]:
        problems = []
        first = next(iter(feed))
        for name, array in feed.items():
            declared = self._inputs[name].shape
            # masked positions have the batch in common with the ids, and another number of columns
            alike = (
                array.shape[:1] == feed[first].shape[:1]
                if name == MASKED_POSITIONS
                else array.shape == feed[first].shape
            )
            if not fits(array.shape, declared):
                problems.append(f"{name} is {list(array.shape)}, the graph takes {_words(declared)}")
            elif not alike:
                problems.append(f"{name} is {list(array.shape)}, {first} is {list(feed[first].shape)}")
        return problems

    def _compute(self, feed: Arrays) -> Arrays:
        shapes = {name: array.shape for name, array in feed.items()}
        with self._lock:
            self._load_after_fork()
            try:
                if shapes != self._shapes:
                    self._resize(shapes)
                for name, array in feed.items():
                    self._native.set_tensor(self._inputs[name].number, array)
                self._native.invoke()
                # `get_tensor` copies, so the caller may keep the arrays while the next run overwrites the tensors
                outputs = {name: self._native.get_tensor(one.number) for name, one in self._outputs.items()}
            except (RuntimeError, ValueError) as error:
                raise self._run_error(error, shapes) from error
        for name, one in self._outputs.items():
            if one.name == _PROBABILITY:
                # The softmax of the logarithms is these probabilities again; the bound keeps the logarithm of 0 finite.
                outputs[name] = np.log(np.maximum(outputs[name], np.finfo(np.float32).tiny))
        return outputs

    def _resize(self, shapes: dict[str, tuple[int, ...]]) -> None:
        self._shapes = None  # if this method fails halfway, the next run must resize again
        for name, shape in shapes.items():
            self._native.resize_tensor_input(self._inputs[name].number, shape)
        self._native.allocate_tensors()
        self._shapes = shapes

    def _load_error(self, error: Exception) -> BundleError | OperatorError:
        reason = self._reason(error)
        ours = f"{self.name} {self.version}"
        lack = lack_of_operators(reason, self.name)
        if lack:
            problems, advice = lack
            return OperatorError(listed(f"{ours} lacks operators of {self.model_file}:", problems) + f"\n{advice}")
        if "SignatureDef" in reason:
            reason = "it has no signature, or several, so that its tensors have no names to bind by"
        return BundleError(
            failed_download(self._path) or f"{ours} can't load {self.model_file}: {reason}; export the model again"
        )

    def _run_error(self, error: Exception, shapes: dict[str, tuple[int, ...]]) -> BundleError | UsageError:
        reason = self._reason(error)
        given = " and ".join(str(list(shape)) for shape in dict.fromkeys(shapes.values()))
        what = f"{self.name} {self.version} can't run {self.model_file.name} on inputs of {given}: {reason}"
        if "gather index out of bounds" in reason:
            return UsageError(f"{what}; an id is none of the model's, or a sequence has more tokens than it takes")
        # If tensors can't be allocated for this shape, but could be for another, the request is wrong, not the graph.
        return UsageError(what) if self._shapes is None else BundleError(what)

    def _reason(self, error: Exception) -> str:
        """The new part of the interpreter's message: the interpreter appends each message to all previous ones."""
        text = str(error)
        fresh = text.removeprefix(self._messages) or text
        self._messages = text
        # It also leaves out the space between sentences: "... out of boundsNode number 3 (GATHER) failed".
        return " ".join(fresh.replace("Node number", " Node number").split())


class LiteRTEngine(TFLiteEngine):
    """`ai_edge_litert`, the TFLite runtime that Google maintains."""

    name = "litert"
    _interpreter_class = "ai_edge_litert.interpreter:Interpreter"

    @cached_property
    def version(self) -> str:
        """The version of the package."""
        # This import takes a third of the time of loading a model, and the version is rarely asked for.
        import importlib.metadata

        try:
            return importlib.metadata.version("ai-edge-litert")
        except importlib.metadata.PackageNotFoundError:  # a nightly build has another name
            return "of unknown version"


class TFLiteRuntimeEngine(TFLiteEngine):
    """`tflite_runtime`, whose last version is 2.14 and which many devices still use."""

    name = "tflite-runtime"
    _interpreter_class = "tflite_runtime.interpreter:Interpreter"

    @cached_property
    def version(self) -> str:
        """The version of the package."""
        return str(importlib.import_module("tflite_runtime").__version__)

    def _open_local(self, file: Path) -> Any:
        # The other interpreters check an offset before they follow it; this one reads from any address that a damaged
        # file holds.
        check_tflite_file(file, shown=self.model_file)
        try:
            return super()._open_local(file)
        except SystemError as error:  # an extension module that was built for numpy 1 raises this with numpy 2
            raise DependencyError(
                f"tflite-runtime {self.version} does not work with numpy {np.__version__}: pip install 'numpy<2'"
            ) from error


class TensorFlowLiteEngine(TFLiteEngine):
    """`tf.lite`, the interpreter inside TensorFlow."""

    name = "tf-lite"
    _interpreter_class = "tensorflow:lite.Interpreter"

    @cached_property
    def version(self) -> str:
        """The version of TensorFlow."""
        return str(importlib.import_module("tensorflow").__version__)

    def _open(self) -> Any:
        with warnings.catch_warnings():  # TensorFlow recommends LiteRT here, but the caller has chosen TensorFlow
            warnings.filterwarnings("ignore", message=r"(?s)\s*Warning: .*LiteRT interpreter")
            return super()._open()


def _words(shape: tuple[int, ...]) -> str:
    return f"[{', '.join('any' if size == ANY else str(size) for size in shape)}]"
