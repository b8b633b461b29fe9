"""Head: one of the heads that a task has besides its usual one."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Head:
    """Another head for a task: its graph answers the same requests with other outputs."""

    #: class of the reference model with this head
    architecture: str
    #: as in `Task`
    outputs: dict[str, tuple[str, ...]]
    #: the function (got, expected) -> (got, expected), as "module:name", that makes outputs of two graphs comparable;
    #: "" if each output can be compared as it is
    aligned: str = ""
    #: inputs of the graph besides INPUT_NAMES -> their axes
    more_inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: whether it computes with the weights of the usual head, so that an export may choose either
    same_weights: bool = False
    #: for one that an export may choose: what its graph does, for the help of --head
    help: str = ""
