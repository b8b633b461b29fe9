"""The time that a step has left, estimated from the time that it has taken so far in this run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from albert_export.utils.terminal import Progress

ItemT = TypeVar("ItemT")

#: the seconds between two lines
_INTERVAL = 1.0


class TimeLeft:
    """Says about every second how much of a step is done, and how long the rest will take.

    Args:
        line: what is being done; said at once.
        progress: called with each line.
        now: the clock, in seconds.
        words: called instead with `line`, the share that is done and the seconds that the step still takes, to say more
            than these.
    """

    def __init__(
        self,
        line: str,
        progress: Progress,
        *,
        now: Callable[[], float] = time.monotonic,
        words: Callable[[str, float, float], None] | None = None,
    ) -> None:
        self._line, self._progress, self._now, self._words = line, progress, now, words
        self._started = self._said = now()
        progress(line)

    def update(self, share: float) -> None:
        """Tell which share of the step is done, from 0 to 1."""
        moment = self._now()
        if share > 0 and moment - self._said >= _INTERVAL:
            self._said = moment
            left = (moment - self._started) * (1 - share) / share
            if self._words is not None:
                self._words(self._line, share, left)
            else:
                self._progress(f"{self._line}: {share:.0%} done, about {in_words(left)} left")

    def over(self, items: Sequence[ItemT]) -> Iterator[ItemT]:
        """Yield `items`, of which each takes about as long as another."""
        for done, item in enumerate(items):
            self.update(done / len(items))
            yield item


def in_words(seconds: float) -> str:
    """A number of seconds as a person says it: "9 s", "2 min 10 s", "1 h 5 min"."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(round(whole, -1), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
