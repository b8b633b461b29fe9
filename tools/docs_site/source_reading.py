"""An extension of griffe, which mkdocstrings reads the sources with, for two habits of this code.

Comments `#:` above an attribute describe it, as in Sphinx. Defaults of parameters are often constants of the module,
such as `_DOC_STRIDE`; the reference shows their values.
"""

from __future__ import annotations

from typing import Any

import griffe


class SourceReading(griffe.Extension):
    """Gives attributes the comments above them, and parameters the values of their defaults."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        """Called for each attribute of a module, of a class, or of `self`."""
        if attr.docstring is not None or attr.lineno is None or isinstance(attr.filepath, list):
            return
        lines = attr.lines_collection[attr.filepath]
        comment: list[str] = []
        number = attr.lineno - 2  # the line above the attribute, counted from 0
        while number >= 0 and lines[number].lstrip().startswith("#:"):
            comment.insert(0, lines[number].lstrip()[2:].strip())
            number -= 1
        if comment:
            text = " ".join(comment)
            attr.docstring = griffe.Docstring(f"{text[0].upper()}{text[1:]}", parent=attr)

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **kwargs: Any) -> None:
        """Called for each package when all of it has been read."""
        _show_defaults(pkg, loader)


def _show_defaults(parent: griffe.Object, loader: griffe.GriffeLoader) -> None:
    for member in parent.members.values():
        if member.is_alias:
            continue
        if isinstance(member, griffe.Function):
            for parameter in member.parameters:
                value = _constant(str(parameter.default), member.module, loader)
                if value is not None:
                    parameter.default = value
        elif isinstance(member, (griffe.Module, griffe.Class)):
            _show_defaults(member, loader)


def _constant(name: str, module: griffe.Module, loader: griffe.GriffeLoader) -> griffe.Expr | str | None:
    """The value of the constant `name` of a module, perhaps an imported one; None if it is something else."""
    if not name.isupper() or name not in module.members:
        return None
    try:
        found = loader.modules_collection[module[name].canonical_path]
    except (KeyError, griffe.AliasResolutionError):
        return None
    return found.value if isinstance(found, griffe.Attribute) else None
