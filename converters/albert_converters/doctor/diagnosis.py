"""The diagnosis of one graph file, ONNX or TFLite: what the checks found, and what the graph asks of its callers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

#: the lowest finite float16; a lower number becomes -inf
FLOAT16_LOWEST = -65504.0
#: half of the smallest subnormal float16; positive numbers up to this one round to 0
FLOAT16_ZERO = 2.0**-25

#: role of an input -> parts of names that tell it; the first role that matches is taken
ROLE_NAMES = {
    "positions": ("position",),  # "masked_positions" are no mask
    "mask": ("mask",),
    "segments": ("token_type", "segment", "type_ids"),
    "ids": ("input_ids", "word_ids", "token_ids"),
}


@dataclass(frozen=True)
class CheckResult:
    """One thing that a check found: an error, or advice."""

    #: the kind of result, the same in every file: "duplicated-weights", for example
    name: str
    #: True for an error, which harms everybody who uses the file; False for advice, which matters in some places only
    is_error: bool
    #: what was found, with numbers
    what: str
    #: what it costs the user: bytes, memory, time or right answers
    costs: str
    #: what the user can do about it
    remedy: str
    #: names of the tensors, operators or files that it was found in
    where: tuple[str, ...] = ()
    #: bytes of the file that hold nothing new
    wasted_bytes: int = 0
    #: whether `Diagnosis.repair` removes it, in the whole file or in some places
    repairable: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types, with "severity" in place of `is_error`."""
        record = asdict(self)
        return {"name": record.pop("name"), "severity": "error" if record.pop("is_error") else "advice", **record}


@dataclass(frozen=True)
class InputSpec:
    """One input of a graph."""

    name: str
    #: the size of each axis, or None where the axis is dynamic
    axes: tuple[int | None, ...]
    is_integer: bool
    #: what the input is for: "ids", "mask", "segments", "positions", "other", or "unknown" if nothing tells it
    role: str
    #: the number of rows of the table that the input looks up, if that is known; its values must be below it
    table_rows: int | None = None
    #: whether the graph tells the role, and not only the name
    is_certain: bool = False


def role_of_name(name: str) -> str | None:
    """The role of an input that its name tells: "mask", "segments", "positions" or "ids"; None if it tells nothing."""
    return next((role for role, parts in ROLE_NAMES.items() if any(part in name.lower() for part in parts)), None)


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found out about one graph file."""

    file: Path
    #: size of the file and of the files that hold its external data
    file_bytes: int
    inputs: tuple[InputSpec, ...]
    #: number of rows of the largest embedding table; token ids must be below it
    vocabulary_size: int
    #: errors first
    results: tuple[CheckResult, ...]
    #: repairs what can be repaired without a change to the answers, and returns a line for each kind of repair and the
    #: content of the repaired file; it changes the graph in memory, so it can be called only once
    repair: Callable[[], tuple[list[str], bytes]]

    @property
    def errors(self) -> tuple[CheckResult, ...]:
        """The results that harm everybody who uses the file."""
        return tuple(result for result in self.results if result.is_error)

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as JSON types; "healthy" says that there are no errors."""
        return {
            "file": str(self.file),
            "bytes": self.file_bytes,
            "healthy": not self.errors,
            "results": [result.to_dict() for result in self.results],
        }


class ModelView(Protocol):
    """What the views of both formats tell about a model; see the attributes of `Diagnosis`."""

    path: Path

    @property
    def file_bytes(self) -> int: ...

    @property
    def inputs(self) -> tuple[InputSpec, ...]: ...

    @property
    def vocabulary_size(self) -> int: ...


_View = TypeVar("_View", bound=ModelView)


def run_checks(
    model: _View,
    checks: Sequence[Callable[[_View], Iterator[CheckResult]]],
    repair: Callable[[_View], tuple[list[str], bytes]],
) -> Diagnosis:
    """Run `checks` on a model, and return what they find, errors first; see `Diagnosis` for `repair`."""
    results = [result for check in checks for result in check(model)]
    results.sort(key=lambda result: not result.is_error)
    return Diagnosis(
        model.path, model.file_bytes, model.inputs, model.vocabulary_size, tuple(results), lambda: repair(model)
    )


def megabytes(count: int) -> str:
    """Write a number of bytes for a reader: in MB of 1,000,000 bytes from a tenth of one on, below that in bytes."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count:,} bytes"
