"""Beams: the most probable starts of an answer in one sequence, and for each of them the most probable ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from albert_runtime.postprocessing.probabilities import finite

#: Positions that can't be in an answer have the score -10000. No other log-probability is nearly as small.
_MASKED = -5e3
#: what such a position has when outputs are compared: far from every log-probability, and no number that hides others
_MASKED_COMPARED = -1e4


class Beams(NamedTuple):
    """The outputs of the head "beam-search" for one sequence, best first."""

    #: float `[starts]`
    start_log_probs: NDArray[np.float64]
    #: int `[starts]`
    starts: NDArray[np.int64]
    #: float `[starts, ends]`
    end_log_probs: NDArray[np.float64]
    #: int `[starts, ends]`
    ends: NDArray[np.int64]
    #: the logit of "there is no answer"
    cls_logit: float

    @classmethod
    def of(cls, outputs: Mapping[str, NDArray[Any]]) -> Beams:
        """The beams in the outputs for one sequence, without the batch axis.

        Raises:
            BundleError: the log-probabilities or the logit are not finite.
        """
        start_log_probs = finite(outputs["start_top_log_probs"])
        shape = len(start_log_probs), -1
        return cls(
            start_log_probs,
            outputs["start_top_index"].astype(np.int64),
            finite(outputs["end_top_log_probs"]).reshape(shape),
            outputs["end_top_index"].astype(np.int64).reshape(shape),
            float(finite(outputs["cls_logits"].reshape(1))[0]),
        )


def aligned(
    got: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """The outputs of two graphs for the same batch, as arrays that can be compared number by number.

    Rounding changes the order of positions that are nearly equally probable, and which of them is the last one in a
    beam. So each position in either beam is compared: one that a beam lacks counts there like the beam's last, which is
    at least as probable. The ends are compared for the starts that both have. Positions that are masked in both are
    left out, because the order among those means nothing.

    Returns:
        For each of the two, `start_log_probs` and `end_log_probs`, which have one axis, and `cls_logits` `[batch]`.
    """
    starts: list[tuple[float, float]] = []
    ends: list[tuple[float, float]] = []
    for row in range(len(expected["cls_logits"])):
        one, other = (Beams.of({name: array[row] for name, array in arrays.items()}) for arrays in (got, expected))
        starts += _pairs((one.starts, one.start_log_probs), (other.starts, other.start_log_probs))
        for place, start in enumerate(one.starts):
            if one.start_log_probs[place] > _MASKED and start in other.starts:
                there = int(np.flatnonzero(other.starts == start)[0])
                ends += _pairs(
                    (one.ends[place], one.end_log_probs[place]), (other.ends[there], other.end_log_probs[there])
                )
    names = ("start_log_probs", "end_log_probs")
    columns = [np.array(pairs, dtype=np.float64).reshape(-1, 2) for pairs in (starts, ends)]
    first, second = (
        {**{name: column[:, side] for name, column in zip(names, columns, strict=True)}, "cls_logits": array}
        for side, array in enumerate((got["cls_logits"], expected["cls_logits"]))
    )
    return first, second


_Beam = tuple[NDArray[np.int64], NDArray[np.float64]]


def _pairs(one: _Beam, other: _Beam) -> list[tuple[float, float]]:
    """The log-probabilities of each position in either beam, in both of them."""
    tables = []
    for positions, log_probs in (one, other):
        compared = np.where(log_probs > _MASKED, log_probs, _MASKED_COMPARED)
        tables.append((dict(zip(positions.tolist(), compared.tolist(), strict=True)), float(compared[-1])))
    (first, first_last), (second, second_last) = tables
    pairs = [
        (first.get(position, first_last), second.get(position, second_last))
        for position in sorted(first.keys() | second.keys())
    ]
    return [pair for pair in pairs if pair != (_MASKED_COMPARED, _MASKED_COMPARED)]
