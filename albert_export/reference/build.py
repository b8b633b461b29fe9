"""Task name -> reference model with a checkpoint's weights."""

from __future__ import annotations

from typing import Any

from albert_export.checkpoints import Checkpoint
from albert_runtime.errors import DependencyError
from albert_runtime.tasks import find_task


def build_reference(checkpoint: Checkpoint, task: str, *, allow_random_head: bool = False) -> Any:
    """The PyTorch reference model for `task`, in evaluation mode.

    A random head is always the same one, so that two exports of one checkpoint are equal.

    Raises:
        DependencyError: PyTorch is not installed.
        CheckpointError, UnsupportedError: as `from_pretrained`.
    """
    try:
        import torch

        from albert_export.reference import torch_albert, torch_heads
    except ImportError as error:
        advice = "install it: pip install 'albert-export[torch]'"
        raise DependencyError(f"this needs PyTorch ({error}); {advice}") from error
    architecture = find_task(task).architecture
    model_class = getattr(torch_heads if hasattr(torch_heads, architecture) else torch_albert, architecture)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return model_class.from_pretrained(checkpoint, allow_random_head=allow_random_head)
