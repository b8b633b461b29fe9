"""The names of precisions, and what other tools call them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from albert_runtime.suggestions import did_you_mean

#: the name of a precision -> what else people call it: transformers.js, PyTorch, NumPy, Hugging Face's command lines
PRECISION_ALIASES: Mapping[str, tuple[str, ...]] = {
    "fp32": ("float32",),
    "fp16": ("float16", "half"),
    "int8": ("q8",),
    "int4": ("q4",),
    "int8-static": (),
}
_NAMES = {alias: name for name, aliases in PRECISION_ALIASES.items() for alias in aliases}


def precision_name(given: str) -> str:
    """The name of the precision that is called `given`: "q8" is "int8". Any other name stays as it is.

    A format, a target or an analysis has some of the precisions, so whoever needs one checks it, and refuses another
    one by `unknown_precision`.
    """
    name = given.strip().lower().replace("_", "-")
    name = _NAMES.get(name, name)
    return name if name in PRECISION_ALIASES else given


def unknown_precision(given: str, known: Collection[str]) -> str:
    """A message about a precision that is not one of `known`."""
    names = [name for one in known for name in (one, *PRECISION_ALIASES.get(one, ()))]
    meant = "" if precision_name(given) in PRECISION_ALIASES else did_you_mean(given, names)
    return f"precision {given!r} is not one of {', '.join(known)}{meant}"
