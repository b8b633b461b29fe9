"""A graph file that a doctor has examined, of whichever format, and what its callers must give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from albert_converters.doctor.diagnosis import Finding

#: parts of names by which an input is known, the more telling ones first
_ROLES = {
    "mask": ("mask",),
    "segments": ("token_type", "segment", "type_ids"),
    "positions": ("position",),
}


@dataclass(frozen=True)
class InputSpec:
    """An input of a graph: `axes` are sizes, or None where any size will do."""

    name: str
    axes: tuple[int | None, ...]
    is_integer: bool

    @property
    def role(self) -> str:
        """What it is by its name: "ids", "mask", "segments", "positions" or "other"."""
        for role, parts in _ROLES.items():
            if any(part in self.name.lower() for part in parts):
                return role
        return "ids" if self.is_integer else "other"


@dataclass(frozen=True)
class Patient:
    """A file that was read and examined."""

    file: Path
    #: with those that hold its external data
    file_bytes: int
    inputs: tuple[InputSpec, ...]
    #: rows of the largest table that is looked up in: token ids stay below it
    vocabulary: int
    #: faults first
    findings: tuple[Finding, ...]
    #: what is to be called once: mends what can be mended exactly, and gives a line for each kind of repair and the
    #: content of the mended file
    mend: Callable[[], tuple[list[str], bytes]]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What costs every user of the file something."""
        return tuple(finding for finding in self.findings if finding.fault)
