"""Linear layers of a reference model in either framework."""

from __future__ import annotations

from typing import Any

from albert_export.reference.registry import framework_module


def linears_module(framework: str) -> Any:
    """Return the module for linear layers of reference models in `framework`, "torch" or "tf".

    Both modules have the functions `shared_linears`, `run_with_forward_hooks`, `split_linears`, `reorder_hidden` and
    `weight`.

    Raises:
        DependencyError: the framework is not installed.
    """
    return framework_module(f"albert_export.quantization.{framework}_linears", framework)
