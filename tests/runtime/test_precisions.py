"""Precisions under the names that other tools have for them."""

from __future__ import annotations

import pytest

from albert_runtime.precisions import PRECISION_ALIASES, precision_name, unknown_precision


@pytest.mark.parametrize(
    ("given", "name"),
    [("q8", "int8"), ("q4", "int4"), ("half", "fp16"), ("float16", "fp16"), ("float32", "fp32"),
     ("Q8", "int8"), (" FP16 ", "fp16"), ("int8_static", "int8-static"), ("int3", "int3"), ("Quarter", "Quarter")],
)  # fmt: skip
def test_names(given: str, name: str) -> None:
    assert precision_name(given) == name


def test_no_name_stands_for_two_precisions() -> None:
    names = [name for one, aliases in PRECISION_ALIASES.items() for name in (one, *aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("given", "end"),
    [("int3", '; did you mean "int8"?'), ("flaot32", '; did you mean "float32"?'), ("half", ""), ("gguf", "")],
)
def test_what_is_not_there_is_refused_with_the_closest_name(given: str, end: str) -> None:
    assert unknown_precision(given, ("fp32", "int8")) == f"precision {given!r} is not one of fp32, int8{end}"
