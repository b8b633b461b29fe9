"""TFLite graphs through LiteRT or one of its two elder packages, on the CPU."""

from __future__ import annotations

import importlib
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from albert_runtime.engines import Arrays
from albert_runtime.engines.cores import usable_cores
from albert_runtime.engines.tflite_file import check_tflite_file
from albert_runtime.engines.tflite_operators import lack_of_operators
from albert_runtime.errors import BundleError, DependencyError, OperatorError, UsageError, listed
from albert_runtime.tasks import INPUT_NAMES

#: names of TFLite Task Library's tensors -> ours
_ALIASES = {"ids": "input_ids", "mask": "attention_mask", "segment_ids": "token_type_ids", "probability": "logits"}
#: the one output of theirs that means something else: what softmax made of our logits
_PROBABILITY = "probability"
#: an axis that takes any size
_ANY = -1


class _Tensor(NamedTuple):
    """An input or output of the graph."""

    #: the graph's own name for it
    name: str
    #: its number in the graph
    number: int
    #: _ANY where it is dynamic
    shape: tuple[int, ...]
    dtype: DTypeLike


class TFLiteEngine(ABC):
    """A TFLite interpreter: inputs and outputs bound by name, safe to run from several threads.

    The interpreter maps the file. Beside it, it holds the weights in the order that its kernels read them, once,
    whatever shapes come; a new shape costs it a fraction of a millisecond. Threads that share an engine take
    turns: a pool of interpreters would hold those weights once each, and gain little, since one run keeps all
    `threads` busy.

    A graph for one sequence (`[1, 384]`) computes larger batches, and several choices, one sequence at a time.

    Args:
        model_file: a .tflite file with one signature.
        threads: threads that compute one run; None means the cores that this process may use.

    Raises:
        BundleError: the file is not a TFLite graph, is damaged, or has no signature to bind by.
        OperatorError: the graph needs an operator, or a version of one, that this interpreter lacks.
        DependencyError: the interpreter does not work with the numpy that is installed.
    """

    name: ClassVar[str]
    #: module and attribute of the interpreter; a string, as none of the packages need be there
    _place: ClassVar[str]

    def __init__(self, model_file: str | Path, *, threads: int | None = None) -> None:
        self.model_file = Path(model_file)
        self.threads = threads or usable_cores()
        self._lock = threading.Lock()
        self._said = ""
        #: of every input, as the interpreter stands now; None where that is not known
        self._shape: tuple[int, ...] | None = None
        try:
            self._interpreter = self._open()
            self._bind()
            # Here, not at the first run: this is where a missing operator shows, and most of the work of loading.
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise self._load_error(error) from error
        self.input_names = tuple(self._inputs)
        self.output_names = tuple(self._outputs)

    @property
    @abstractmethod
    def version(self) -> str:
        """Of the package that computes."""

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
        return self._compute_parts(feed)

    def _open(self) -> Any:
        """The interpreter of the file."""
        module_name, attribute = self._place.split(":")
        interpreter_class = attrgetter(attribute)(importlib.import_module(module_name))
        return interpreter_class(model_path=str(self.model_file), num_threads=self.threads)

    def _bind(self) -> None:
        # The runner goes as soon as it has told the names: while one lives, the interpreter takes it for a view of
        # its memory and refuses to run.
        signature = self._interpreter.get_signature_runner()
        inputs, outputs = (
            {
                _ALIASES.get(name, name): _Tensor(
                    name, one["index"], tuple(one["shape_signature"].tolist()), one["dtype"]
                )
                for name, one in details.items()
            }
            for details in (signature.get_input_details(), signature.get_output_details())
        )
        #: in the order of the contract; what it does not name stands last
        self._inputs = {name: inputs[name] for name in dict.fromkeys((*INPUT_NAMES, *inputs)) if name in inputs}
        self._outputs = outputs

    def _shape_problems(self, feed: Arrays) -> list[str]:
        problems = []
        first = next(iter(feed))
        for name, array in feed.items():
            declared = self._inputs[name].shape
            if not _fits(array.shape, declared):
                problems.append(f"{name} is {list(array.shape)}, the graph takes {_words(declared)}")
            elif array.shape != feed[first].shape:
                problems.append(f"{name} is {list(array.shape)}, {first} is {list(feed[first].shape)}")
        return problems

    def _compute_parts(self, feed: Arrays) -> Arrays:
        """What `_compute` gives, one after the other along those axes of which the graph takes just one."""
        name, array = next(iter(feed.items()))
        shape, declared = array.shape, self._inputs[name].shape
        axes = [axis for axis, size in enumerate(declared) if size == 1 and shape[axis] > 1]
        if not axes:
            return self._compute(feed)
        outputs: Arrays = {}
        for place in np.ndindex(*(shape[axis] for axis in axes)):
            part = [slice(None)] * len(shape)
            for axis, row in zip(axes, place, strict=True):
                part[axis] = slice(row, row + 1)
            for name, output in self._compute({name: one[tuple(part)] for name, one in feed.items()}).items():
                if name not in outputs:
                    whole = [shape[axis] if axis in axes else size for axis, size in enumerate(output.shape)]
                    outputs[name] = np.empty(whole, output.dtype)
                outputs[name][tuple(part[: output.ndim])] = output
        return outputs

    def _compute(self, feed: Arrays) -> Arrays:
        shape = next(iter(feed.values())).shape
        with self._lock:
            try:
                if shape != self._shape:
                    self._resize(shape)
                for name, array in feed.items():
                    self._interpreter.set_tensor(self._inputs[name].number, array)
                self._interpreter.invoke()
                # copies, which the caller may keep: the interpreter's own memory is the next run's
                outputs = {name: self._interpreter.get_tensor(one.number) for name, one in self._outputs.items()}
            except (RuntimeError, ValueError) as error:
                raise self._run_error(error, shape) from error
        for name, one in self._outputs.items():
            if one.name == _PROBABILITY:
                # Softmax gives these probabilities back; the bound keeps the logarithm of 0 finite.
                outputs[name] = np.log(np.maximum(outputs[name], np.finfo(np.float32).tiny))
        return outputs

    def _resize(self, shape: tuple[int, ...]) -> None:
        self._shape = None  # if this fails halfway, the next run must begin anew
        for one in self._inputs.values():
            self._interpreter.resize_tensor_input(one.number, shape)
        self._interpreter.allocate_tensors()
        self._shape = shape

    def _load_error(self, error: Exception) -> BundleError | OperatorError:
        reason = self._reason(error)
        ours = f"{self.name} {self.version}"
        lack = lack_of_operators(reason, self.name)
        if lack:
            problems, advice = lack
            return OperatorError(listed(f"{ours} lacks operators of {self.model_file}:", problems) + f"\n{advice}")
        if "SignatureDef" in reason:
            reason = "it has no signature, or several, so that its tensors can't be told by name"
        return BundleError(f"{ours} can't load {self.model_file}: {reason}; export the model again")

    def _run_error(self, error: Exception, shape: tuple[int, ...]) -> BundleError | UsageError:
        reason = self._reason(error)
        what = f"{self.name} {self.version} can't run {self.model_file.name} on inputs of {list(shape)}: {reason}"
        if "gather index out of bounds" in reason:
            return UsageError(f"{what}; an id is none of the model's, or a sequence has more tokens than it takes")
        # A graph that could not be laid out for this shape, but was for another, is not to blame.
        return UsageError(what) if self._shape is None else BundleError(what)

    def _reason(self, error: Exception) -> str:
        """What the interpreter says now: it puts each complaint behind all those that it has made before."""
        text = str(error)
        fresh = text.removeprefix(self._said) or text
        self._said = text
        # it also runs its sentences into each other: "... out of boundsNode number 3 (GATHER) failed"
        return " ".join(fresh.replace("Node number", " Node number").split())


class LiteRTEngine(TFLiteEngine):
    """`ai_edge_litert`, Google's runtime of today."""

    name = "litert"
    _place = "ai_edge_litert.interpreter:Interpreter"

    @cached_property
    def version(self) -> str:
        """Of the package."""
        import importlib.metadata  # costs a third of the time that a model takes to load; few ask

        try:
            return importlib.metadata.version("ai-edge-litert")
        except importlib.metadata.PackageNotFoundError:  # a nightly build has another name
            return "of unknown version"


class TFLiteRuntimeEngine(TFLiteEngine):
    """`tflite_runtime`, which ended with version 2.14 and lives on in devices."""

    name = "tflite-runtime"
    _place = "tflite_runtime.interpreter:Interpreter"

    @cached_property
    def version(self) -> str:
        """Of the package."""
        return str(importlib.import_module("tflite_runtime").__version__)

    def _open(self) -> Any:
        # The others look before they follow an offset; this one reads wherever a damaged file sends it.
        check_tflite_file(self.model_file)
        try:
            return super()._open()
        except SystemError as error:  # how an extension that was built for numpy 1 ends under numpy 2
            raise DependencyError(
                f"tflite-runtime {self.version} does not work with numpy {np.__version__}: pip install 'numpy<2'"
            ) from error


class TensorFlowLiteEngine(TFLiteEngine):
    """`tf.lite`, the interpreter inside TensorFlow."""

    name = "tf-lite"
    _place = "tensorflow:lite.Interpreter"

    @cached_property
    def version(self) -> str:
        """Of TensorFlow."""
        return str(importlib.import_module("tensorflow").__version__)

    def _open(self) -> Any:
        with warnings.catch_warnings():  # it says that LiteRT is the better choice, which we know
            warnings.filterwarnings("ignore", message=r"(?s)\s*Warning: .*LiteRT interpreter")
            return super()._open()


def _fits(shape: tuple[int, ...], declared: tuple[int, ...]) -> bool:
    """Whether a graph that declares `declared` computes `shape`, at once or one sequence after the other."""
    last = len(declared) - 1
    return len(shape) == len(declared) and all(
        size > 0 and (limit in (_ANY, size) or (limit == 1 and axis < last))
        for axis, (size, limit) in enumerate(zip(shape, declared, strict=True))
    )


def _words(shape: tuple[int, ...]) -> str:
    return f"[{', '.join('any' if size == _ANY else str(size) for size in shape)}]"
