"""TextGraphSession: runs a text graph with ONNX Runtime and onnxruntime-extensions, in a process of its own.

The library of onnxruntime-extensions ends a process in which TensorFlow was imported before with a segmentation fault:
both hold SentencePiece and Abseil under the same names.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from albert_runtime.errors import ConversionError


class TextGraphSession:
    """A text graph that is ready to run. It is a context manager, whose end ends its process.

    Args:
        model: the file of the graph, or its bytes.

    Raises:
        ConversionError: ONNX Runtime can't load the graph, or the process has ended.
    """

    def __init__(self, model: Path | bytes) -> None:
        # The new process must import the same modules as this one, and none that happen to be in the current folder.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        #: the names of the outputs, in order
        self.output_names: list[str] = self._ask(str(model) if isinstance(model, Path) else model)

    def __enter__(self) -> TextGraphSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def run(self, names: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs called `names`; texts are arrays of objects.

        Raises:
            ConversionError: the graph can't run on these inputs.
        """
        found: list[NDArray[Any]] = self._ask((list(names), dict(inputs)))
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _ask(self, request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()
            answer, problem = pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            code = self._process.wait()
            raise ConversionError(f"the process that runs the graph with the tokenizer ended with {code}") from error
        if problem:
            raise ConversionError(f"ONNX Runtime can't run the graph with the tokenizer: {problem}")
        return answer


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer the requests of a `TextGraphSession` until there are no more."""
    import onnxruntime
    import onnxruntime_extensions

    session: Any = None
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        try:
            if session is None:
                options = onnxruntime.SessionOptions()
                options.register_custom_ops_library(onnxruntime_extensions.get_library_path())
                options.log_severity_level = 3
                session = onnxruntime.InferenceSession(request, options, providers=["CPUExecutionProvider"])
                answer = [output.name for output in session.get_outputs()]
            else:
                answer = [np.asarray(value) for value in session.run(*request)]
            problem = ""
        except Exception as error:  # whatever ONNX Runtime raises becomes a message in the other process
            answer, problem = [], str(error)
        pickle.dump((answer, problem), answers)
        answers.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
