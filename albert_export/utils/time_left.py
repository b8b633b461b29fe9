"""The time that a loop has left, estimated from the time that it has taken so far in this run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from albert_export.utils.terminal import Progress

ItemT = TypeVar("ItemT")

#: the seconds between two lines
_INTERVAL = 1.0


def with_time_left(
    items: Sequence[ItemT],
    line: str,
    progress: Progress,
    *,
    wrap: Callable[[Iterable[ItemT]], Iterable[ItemT]] = iter,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[ItemT]:
    """Yield `items`, and say about every second how many are done and how long the others will take.

    Args:
        items: what the loop is over.
        line: what is being done; said at once, and with the time once some items are done.
        progress: called with each line.
        wrap: what the items go through on their way, for example to do work for several of them together.
        now: the clock, in seconds.
    """
    progress(line)
    started = said = now()
    for done, item in enumerate(wrap(items)):
        moment = now()
        if done and moment - said >= _INTERVAL:
            said = moment
            left = (moment - started) / done * (len(items) - done)
            progress(f"{line}: {done} done, about {in_words(left)} left")
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
