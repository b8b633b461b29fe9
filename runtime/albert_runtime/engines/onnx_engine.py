"""OnnxEngine: runs ONNX graphs with onnxruntime, on the CPU."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# onnxruntime 1.32 starts a thread for its telemetry when it is imported. Every process that was forked afterwards hangs
# when it exits, because it waits for that thread, which exists only in its parent.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from albert_runtime.engines import Arrays
from albert_runtime.engines.reloadable_engine import ReloadableEngine
from albert_runtime.engines.static_shapes import ANY, fits, run_in_parts
from albert_runtime.engines.stored_graph.store import open_stored
from albert_runtime.errors import AlbertError, BundleError, OperatorError, UsageError, listed
from albert_runtime.failed_downloads import failed_download
from albert_runtime.packed.local_file import local_file, streamed_file
from albert_runtime.packed.path import BundlePath, PackedPath

_DTYPES: dict[str, type[np.generic]] = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}
_logger = logging.getLogger("albert_runtime")

#: parts of onnxruntime's messages about an operator, or a version of one, that it does not have
_LACKS_OPERATOR = (
    "is not a registered function/op",
    "No Op registered",
    "is under development",
    "Unsupported model IR version",
    "Could not find an implementation",
)
#: the beginning of onnxruntime's messages: an error code, and the path, which our messages already have
_ORIGIN = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed:)?")


class OnnxEngine(ReloadableEngine):
    """An onnxruntime session. Inputs and outputs are bound by name, and several threads may run it at once.

    Its worker threads sleep when they have nothing to do. By default, onnxruntime lets them spin, which gains little on
    idle cores, halves the speed on cores that other processes use too, and keeps a phone awake after each answer.

    Args:
        model_file: an .onnx file.
        threads: the number of threads that compute one run; None means the cores that this process may use.
        sha256: the SHA-256 of the file, if it has been compared. A graph that the cache holds for it is used then, and
            one that it does not hold is stored, see `stored_graph`.

    Raises:
        BundleError: the file is not an ONNX graph, or is damaged.
        OperatorError: the graph needs an operator, or an opset, that this onnxruntime lacks.
    """

    name = "onnx"
    version: str = onnxruntime.__version__

    def __init__(self, model_file: str | BundlePath, *, threads: int | None = None, sha256: str | None = None) -> None:
        self._sha256 = sha256
        super().__init__(model_file, threads=threads)
        inputs = self._native.get_inputs()
        foreign = [f"{one.name}: {one.type}" for one in inputs if one.type not in _DTYPES]
        if foreign:
            raise BundleError(listed(f"{self.model_file} has inputs of types that an ALBERT does not have:", foreign))
        self._inputs = {one.name: one for one in inputs}
        self.input_names = tuple(self._inputs)
        self.output_names = tuple(one.name for one in self._native.get_outputs())

    def _load(self) -> None:
        self._native = self._stored()
        self.is_stored = self._native is not None
        if self.is_stored:
            return
        try:
            self._native = self._open_model(self._options())
        except AlbertError:
            raise
        except Exception as error:
            raise self._load_error(error) from error

    def reload_without_cache(self) -> bool:
        """Load the model itself in place of its stored graph; see `ReloadableEngine.reload_without_cache`."""
        self._sha256 = None
        if self.is_stored:
            self._load()
            return True
        return False

    def _stored(self) -> Any:
        """The native session of the graph that the cache holds; None if the model is to be opened itself."""
        if self._sha256 is None:
            return None
        try:
            return open_stored(self._path, self._sha256, self._options, self._open_model)
        except Exception as error:  # whatever the reason is, the model itself may still be good
            _logger.debug("%s is opened without the cache: %s", self.model_file, error)
            return None

    def _options(self) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # errors are raised, so they need not be written to stderr as well
        return options

    def _open_model(self, options: Any) -> Any:
        # From bytes, onnxruntime would copy the model twice, and keep one of the copies.
        native = self._streamed(options)
        if native is None:
            with local_file(self._path) as file:
                native = _open(file, options)
        return native

    def _streamed(self, options: Any) -> Any:
        """The native session of a packed model, which is read once; None if it has to be opened as a file.

        If that fails, the file shows why: a damaged model, or an onnxruntime that does not read from its start to its
        end.
        """
        if isinstance(self._path, PackedPath):
            with streamed_file(self._path) as stream:
                if stream is not None:
                    with contextlib.suppress(Exception):
                        return _open(stream, options)
        return None

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Compute every output; see `Engine.run`."""
        missing = [f"{name} {one.shape}, {one.type}" for name, one in self._inputs.items() if name not in inputs]
        if missing:
            raise UsageError(listed(f"{self.model_file.name} needs inputs that were not given:", missing))
        try:
            feed = {
                name: np.ascontiguousarray(inputs[name], dtype=_DTYPES[one.type]) for name, one in self._inputs.items()
            }
        except (TypeError, ValueError) as error:
            raise UsageError(f"{self.model_file.name} takes arrays of numbers: {error}") from error
        problems = self._shape_problems(feed)
        if problems:
            raise UsageError(listed(f"{self.model_file.name} does not take inputs of these shapes:", problems))
        if self._native is None:
            with self._lock:
                self._load_after_fork()
        return run_in_parts(feed, _sizes(next(iter(self._inputs.values())).shape), self._compute)

    def _compute(self, feed: Arrays) -> Arrays:
        try:
            outputs = self._native.run(self.output_names, feed)
        except Exception as error:
            shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in feed.items())
            kind = UsageError if isinstance(error, failures.InvalidArgument) else BundleError
            raise kind(
                f"onnxruntime {onnxruntime.__version__} can't run {self.model_file.name} on {shapes}: {_reason(error)}"
            ) from error
        return dict(zip(self.output_names, outputs, strict=True))

    def _shape_problems(self, feed: Arrays) -> list[str]:
        """What is wrong with the shapes. onnxruntime itself checks only the number of axes, and computes anyway."""
        sizes: dict[str | int, int] = {}
        problems = []
        for name, one in self._inputs.items():
            shape = feed[name].shape
            right = fits(shape, _sizes(one.shape))
            for place, (axis, size) in enumerate(zip(one.shape, shape, strict=False)):
                # An axis with a name has the same size in every input, and so has one that is computed in parts.
                key = place if axis == 1 else axis
                if isinstance(axis, str) or axis == 1:
                    right = right and sizes.setdefault(key, size) == size
            if not right:
                problems.append(f"{name} is {list(shape)}, the graph declares {one.shape}")
        return problems

    def _load_error(self, error: Exception) -> BundleError | OperatorError:
        text = _reason(error)
        ours = f"onnxruntime {onnxruntime.__version__}"
        if isinstance(error, failures.NotImplemented) or any(sign in text for sign in _LACKS_OPERATOR):
            return OperatorError(
                f"{ours} lacks an operator of {self.model_file}: {text}\n"
                "Upgrade it (pip install --upgrade onnxruntime), or export with a lower --opset."
            )
        return BundleError(failed_download(self._path) or f"{ours} can't load {self.model_file}: {text}")


def _sizes(axes: Sequence[int | str | None]) -> list[int]:
    """The declared sizes of axes, which onnxruntime shows as numbers, names or None."""
    return [axis if isinstance(axis, int) else ANY for axis in axes]


def _open(file: Path, options: Any) -> Any:
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _reason(error: Exception) -> str:
    """The first line of onnxruntime's message, without the error code and the path, which our message already has."""
    return _ORIGIN.sub("", str(error).strip().split("\n", 1)[0])
