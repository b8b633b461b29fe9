"""Imports that happen at first use, so that importing a package or reading a table of names stays quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def load_object(reference: str) -> Any:
    """The object that `reference` names, as "package.module:name"; its module is imported if it is not yet loaded."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def lazy_names(package: str, names_of_module: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` function (PEP 562) of `package`, which imports a public name when it is first asked for.

    Args:
        package: the `__name__` of the package.
        names_of_module: the full name of a module -> the public names that it defines.
    """
    module_of_name = {name: module for module, names in names_of_module.items() for name in names}

    def load(name: str) -> Any:
        if name not in module_of_name:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return load_object(f"{module_of_name[name]}:{name}")

    return load
