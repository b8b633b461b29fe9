"""Whether a client that runs graphs computes the answers of this project's runtime.

The runtime makes the inputs of the demo's examples; the client computes their outputs; and the runtime makes answers of
these outputs, which decide the same as its own or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import albert_runtime
from albert_export.demos import demo_examples
from albert_export.evaluation.decisions import Decision, decide
from albert_export.verification.agreement import NEAR_TIE, agree, near_tie
from albert_runtime import AlbertSession
from albert_runtime.engines import Arrays
from albert_runtime.engines.canned_engine import CannedEngine

#: how many of a demo's examples a client answers
REQUESTS = 4


@dataclass(frozen=True)
class Comparison:
    """A client's outputs and those of this project's runtime."""

    #: whether all answers decide the same, but for near ties, which may fall either way on another processor
    same_answer: bool
    #: the largest difference of a number in the outputs, such as a logit
    difference: float


class GraphAnswers:
    """The answers of the runtime to a few examples of a bundle's task, to compare a client's with.

    Args:
        bundle: the bundle.
        precision: its graph, if it has several; None means the first.
    """

    def __init__(self, bundle: Path, precision: str | None = None) -> None:
        self._session = albert_runtime.load(bundle, precision=precision)
        self._precision = precision
        self._requests = [example.inputs for example in demo_examples(self._session.task)[:REQUESTS]]
        self._bundle = bundle
        self._runs: list[tuple[Arrays, Arrays]] = []
        self._expected = self._decisions(self._record)

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The inputs of each run of the graph, as JSON: name -> type, shape and data, which is flat."""
        return [{name: to_json(array) for name, array in inputs.items()} for inputs, _ in self._runs]

    @property
    def arrays(self) -> list[Arrays]:
        """The inputs of each run of the graph."""
        return [inputs for inputs, _ in self._runs]

    def compare(self, outputs: Sequence[Mapping[str, Any]], *, lacks: str = "") -> Comparison:
        """Compare the outputs of all runs, arrays or the JSON of `to_json`.

        `lacks` is an output that the client does not give, and that is not compared.
        """
        found = [{name: from_json(value) for name, value in one.items()} for one in outputs]
        pairs = list(zip(self._runs, found, strict=True))
        differences = [
            np.abs(wanted - got[name].reshape(wanted.shape)).max()
            for (_, expected), got in pairs
            for name, wanted in expected.items()
            if name != lacks
        ]
        # the runtime's own output stands for one that is lacking, so that only the others are compared
        known = {
            _key(inputs): {**got, **{name: expected[name] for name in expected if name == lacks}}
            for (inputs, expected), got in pairs
        }
        decisions = self._decisions(lambda inputs: known[_key(inputs)])
        same = all(
            agree(ours, theirs) or near_tie(ours, theirs, NEAR_TIE)
            for ours, theirs in zip(self._expected, decisions, strict=True)
        )
        return Comparison(same, float(max(differences)))

    def _record(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        outputs = self._session.run(inputs)
        self._runs.append((dict(inputs), outputs))
        return outputs

    def _decisions(self, run: Any) -> list[Decision]:
        session: AlbertSession = albert_runtime.load(
            self._bundle,
            engine=CannedEngine(self._session.task, run),
            verify=False,
            precision=self._precision,
        )
        return [decide(session, request) for request in self._requests]


def to_json(array: NDArray[Any]) -> dict[str, Any]:
    """Type, shape and numbers of an array."""
    return {"type": str(array.dtype), "shape": list(array.shape), "data": array.ravel().tolist()}


def from_json(value: Any) -> NDArray[Any]:
    """The array of what `to_json` made, or an array."""
    if isinstance(value, dict):
        return np.array(value["data"], value["type"]).reshape(value["shape"])
    return np.asarray(value)


def _key(inputs: Mapping[str, NDArray[Any]]) -> bytes:
    return b"".join(inputs[name].tobytes() for name in sorted(inputs))
