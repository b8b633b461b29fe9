"""The linear layers of a reference model, whichever framework it is in."""

from __future__ import annotations

from typing import Any

from albert_export.reference.registry import framework_module


def linears_module(framework: str) -> Any:
    """The module that hooks and splits the linear layers of `framework`'s reference: "torch" or "tf".

    Raises:
        DependencyError: the framework is not installed.
    """
    return framework_module(f"albert_export.quantization.{framework}_linears", framework)
