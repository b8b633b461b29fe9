"""Task name -> reference model with a checkpoint's weights, in PyTorch or TensorFlow; and the engine that runs it."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from albert_export.checkpoints import Checkpoint
from albert_export.utils.native_stderr import without_native_talk
from albert_runtime.engines import Engine
from albert_runtime.errors import DependencyError
from albert_runtime.tasks import Task, find_task


class _Framework(NamedTuple):
    """Where the reference of one framework is found."""

    title: str
    #: what is imported, and named by `pip install 'albert-export[extra]'`
    package: str
    extra: str
    #: what its modules and classes begin with
    modules: str
    classes: str
    engine: tuple[str, str]


_FRAMEWORKS = {
    "torch": _Framework(
        "PyTorch", "torch", "torch", "torch", "", ("albert_export.reference.torch_engine", "TorchEngine")
    ),
    "tf": _Framework("TensorFlow", "tensorflow", "tf", "tf", "TF", ("albert_export.reference.tf_engine", "TFEngine")),
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
    _, _, _, modules, classes, _ = _FRAMEWORKS[framework]
    name = classes + find_task(task).architecture
    encoder, heads = (_imported(f"albert_export.reference.{modules}_{part}", framework) for part in ("albert", "heads"))
    model_class = getattr(heads if hasattr(heads, name) else encoder, name)
    with _same_random_numbers(framework):
        return model_class.from_pretrained(checkpoint, allow_random_head=allow_random_head)


def reference_engine(model: Any, task: Task, framework: str) -> Engine:
    """The engine that runs a reference model of `framework`."""
    module, name = _FRAMEWORKS[framework].engine
    return getattr(_imported(module, framework), name)(model, task)


def products_module(framework: str) -> Any:
    """The module that watches and splits the dense layers of `framework`'s reference."""
    return _imported(f"albert_export.quantization.{framework}_linears", framework)


def installed_framework(preferred: str) -> str:
    """`preferred` where it is installed, else another framework that is.

    Raises:
        DependencyError: none is.
    """
    for framework in (preferred, *_FRAMEWORKS):
        if importlib.util.find_spec(_FRAMEWORKS[framework].package):
            return framework
    titles = " or ".join(framework.title for framework in _FRAMEWORKS.values())
    raise DependencyError(
        f"this needs {titles}; install it: pip install 'albert-export[{_FRAMEWORKS[preferred].extra}]'"
    )


def _imported(module: str, framework: str) -> Any:
    try:
        with without_native_talk():
            return importlib.import_module(module)
    except ImportError as error:
        title, _, extra, *_ = _FRAMEWORKS[framework]
        advice = f"install it: pip install 'albert-export[{extra}]'"
        raise DependencyError(f"this needs {title} ({error}); {advice}") from error


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
