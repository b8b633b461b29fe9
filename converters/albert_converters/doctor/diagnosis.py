"""What a doctor finds in a graph file: one thing at a time, with its place, its price and its remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

#: below this a float is beyond the range of float16, and becomes -inf there
FLOAT16_LOWEST = -65504.0
#: up to this a positive number rounds to 0 in float16: half of its smallest subnormal number
FLOAT16_ZERO = 2.0**-25


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a file, or that its user should know."""

    #: what it is called, the same in every file: duplicated-weights and the like
    name: str
    #: a fault costs every user something; anything else is advice, which matters in some places
    fault: bool
    #: what was found, with figures
    what: str
    #: what it takes: bytes, memory, time or right answers
    costs: str
    #: what to do about it
    remedy: str
    #: names of tensors, operators or files
    where: tuple[str, ...] = ()
    #: bytes of the file that hold nothing new
    wasted_bytes: int = 0
    #: whether a repair mends it
    mendable: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON types."""
        record = asdict(self)
        return {"name": record.pop("name"), "severity": "fault" if record.pop("fault") else "advice", **record}


def megabytes(count: int) -> str:
    """MB are 1,000,000 bytes; less than a tenth of one is given in bytes."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count:,} bytes"
