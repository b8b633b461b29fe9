"""Builds the reference model for a task in PyTorch or TensorFlow, and the engine that runs it."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from albert_converters.extras import install_line, needing
from albert_export.checkpoints import Checkpoint
from albert_export.tasks import task_spec
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_runtime.engines import Engine
from albert_runtime.errors import DependencyError
from albert_runtime.tasks import Task, find_task


class _Framework(NamedTuple):
    """How one framework and its reference models are called."""

    #: the name in messages
    title: str
    #: the package to import
    package: str
    #: the extra of `pip install 'albert-export[extra]'`
    extra: str
    #: the engine that runs its reference models, as "module:class"
    engine: str


_FRAMEWORKS = {
    "torch": _Framework("PyTorch", "torch", "torch", "albert_export.reference.torch_engine:TorchEngine"),
    "tf": _Framework("TensorFlow", "tensorflow", "tf", "albert_export.reference.tf_engine:TFEngine"),
}


def build_reference(
    checkpoint: Checkpoint, task: str, *, allow_random_head: bool = False, framework: str = "torch"
) -> Any:
    """The reference model for `task` with the weights of `checkpoint`, in "torch" (in evaluation mode) or "tf".

    A random head always gets the same weights in a framework, so that two exports of one checkpoint are equal. In
    PyTorch, the model has no copies of the checkpoint's weights, but uses its arrays. In TensorFlow, changes that were
    made to arrays of a mapped checkpoint are lost.

    Raises:
        DependencyError: the framework is not installed.
        CheckpointError, UnsupportedError: as for `from_pretrained`.
    """
    found = find_task(task)
    spec = task_spec(found.with_head(checkpoint.head_for(found.name)))
    model_class = _framework_object(spec.references[framework], framework)
    # TensorFlow's variables always have their own memory
    shared = {"share_weights": True} if framework == "torch" else {"unchanged": True}
    with _fixed_seed(framework):
        return model_class.from_pretrained(checkpoint, allow_random_head=allow_random_head, **shared)


def reference_engine(model: Any, task: Task, framework: str) -> Engine:
    """The engine that runs `model`, a reference model of `framework`."""
    return _framework_object(_FRAMEWORKS[framework].engine, framework)(model, task)


def installed_framework(preferred: str) -> str:
    """The name of the framework to use: `preferred` if it is installed, otherwise another one that is.

    Raises:
        DependencyError: no framework is installed.
    """
    for framework in (preferred, *_FRAMEWORKS):
        if importlib.util.find_spec(_FRAMEWORKS[framework].package):
            return framework
    titles = " or ".join(framework.title for framework in _FRAMEWORKS.values())
    raise DependencyError(f"this needs {titles}; {install_line(_FRAMEWORKS[preferred].extra)}")


def framework_module(module: str, framework: str) -> Any:
    """The module called `module`, which imports `framework`.

    Raises:
        DependencyError: the framework is not installed.
    """
    wanted = _FRAMEWORKS[framework]
    if framework == "tf":
        # with oneDNN, TensorFlow otherwise keeps what it has freed, which is twice the weights after a model was built
        os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
    with needing(f"this needs {wanted.title}", wanted.extra), suppressed_native_stderr():
        return importlib.import_module(module)


def _framework_object(name: str, framework: str) -> Any:
    """The class or function called `name`, as "module:attribute", whose module imports `framework`.

    Raises:
        DependencyError: the framework is not installed.
    """
    module, _, attribute = name.partition(":")
    return getattr(framework_module(module, framework), attribute)


@contextlib.contextmanager
def _fixed_seed(framework: str) -> Iterator[None]:
    """Seeds the random numbers of the framework for the block, and restores their state afterwards."""
    if framework == "torch":
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield
        return
    before = random.getstate()  # Keras draws the seeds of its initializers from this generator
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(before)
