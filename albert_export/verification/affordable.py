"""How much of a slow model is checked: as many inputs as fit into a number of seconds, measured on the first ones."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence


class Stopwatch:
    """Measures what a model takes from the making of this object on.

    It is the time on the clock, or the time that this process computed if that is less, since on a busy machine a small
    model waits for others, and what is checked of it must not depend on them.
    """

    def __init__(self) -> None:
        self._clock, self._process = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """The seconds since it was made."""
        return min(time.perf_counter() - self._clock, time.process_time() - self._process)


def affordable(measured: Sequence[float], count: int, *, seconds: float, fewest: int) -> list[int]:
    """Choose the inputs that a model is asked.

    Args:
        measured: the seconds that the model took for the first inputs.
        count: the number of all inputs.
        seconds: what all chosen inputs may take together.
        fewest: the number of inputs that are chosen in any case, if there are as many.

    Returns:
        The indexes of the chosen inputs, in ascending order: all of them if they are affordable, or else those that
        were measured and others drawn at random, the same in every run.
    """
    if sum(measured) / max(1, len(measured)) * count <= seconds:
        return list(range(count))
    pace = sum(measured) / len(measured)
    wanted = min(count, max(fewest, len(measured), int(seconds / pace)))
    others = range(len(measured), count)
    return [*range(len(measured)), *sorted(random.Random(0).sample(others, wanted - len(measured)))]
