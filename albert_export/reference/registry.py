"""Task name -> reference model with a checkpoint's weights, in PyTorch or TensorFlow; and the engine that runs it."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from albert_converters.extras import install_line, needing
from albert_export.checkpoints import Checkpoint
from albert_export.tasks import TASK_SPECS
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_runtime.engines import Engine
from albert_runtime.errors import DependencyError
from albert_runtime.tasks import Task, find_task


class _Framework(NamedTuple):
    """Where the reference of one framework is found."""

    title: str
    #: what is imported, and named by `pip install 'albert-export[extra]'`
    package: str
    extra: str
    engine: tuple[str, str]


_FRAMEWORKS = {
    "torch": _Framework("PyTorch", "torch", "torch", ("albert_export.reference.torch_engine", "TorchEngine")),
    "tf": _Framework("TensorFlow", "tensorflow", "tf", ("albert_export.reference.tf_engine", "TFEngine")),
}


def build_reference(
    checkpoint: Checkpoint, task: str, *, allow_random_head: bool = False, framework: str = "torch"
) -> Any:
    """The reference model for `task`, in "torch" (in evaluation mode) or "tf".

    A random head is always the same one in a framework, so that two exports of one checkpoint are equal.

    Raises:
        DependencyError: the framework is not installed.
        CheckpointError, UnsupportedError: as `from_pretrained`.
    """
    module, _, name = TASK_SPECS[find_task(task).name].references[framework].partition(":")
    model_class = getattr(framework_module(module, framework), name)
    with _same_random_numbers(framework):
        return model_class.from_pretrained(checkpoint, allow_random_head=allow_random_head)


def reference_engine(model: Any, task: Task, framework: str) -> Engine:
    """The engine that runs a reference model of `framework`."""
    module, name = _FRAMEWORKS[framework].engine
    return getattr(framework_module(module, framework), name)(model, task)


def installed_framework(preferred: str) -> str:
    """`preferred` where it is installed, else another framework that is.

    Raises:
        DependencyError: none is.
    """
    for framework in (preferred, *_FRAMEWORKS):
        if importlib.util.find_spec(_FRAMEWORKS[framework].package):
            return framework
    titles = " or ".join(framework.title for framework in _FRAMEWORKS.values())
    raise DependencyError(f"this needs {titles}; {install_line(_FRAMEWORKS[preferred].extra)}")


def framework_module(module: str, framework: str) -> Any:
    """The module named `module`, which imports `framework`.

    Raises:
        DependencyError: the framework is not installed.
    """
    title, _, extra, *_ = _FRAMEWORKS[framework]
    with needing(f"this needs {title}", extra), suppressed_native_stderr():
        return importlib.import_module(module)


@contextlib.contextmanager
def _same_random_numbers(framework: str) -> Iterator[None]:
    """The same ones for each model that is built, whatever was drawn before; and what comes after is not disturbed."""
    if framework == "torch":
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield
        return
    before = random.getstate()  # Keras draws the seeds of its initializers from here
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(before)
