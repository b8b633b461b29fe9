"""concurrent_map: `map` that computes several results at once, in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def concurrent_map(
    function: Callable[[ItemT], ResultT], items: Iterable[ItemT], at_once: Callable[[ItemT], int]
) -> Iterator[tuple[ItemT, ResultT]]:
    """Each item with `function(item)`, in the order of the items. What `function` raises is raised in its turn.

    Results may be large, so no more of them are computed, or waited for, than are computed at once, and one.

    Args:
        function: what is called, in other threads if several results are computed at once.
        items: what it is called with.
        at_once: how many results are computed at the time when an item's is; below 2, it is computed by itself.
    """
    for number, neighbours in groupby(items, at_once):
        yield from _neighbours(function, neighbours, number)


def _neighbours(
    function: Callable[[ItemT], ResultT], items: Iterator[ItemT], threads: int
) -> Iterator[tuple[ItemT, ResultT]]:
    first_two = list(islice(items, 2))
    items = chain(first_two, items)
    if threads < 2 or len(first_two) < 2:
        yield from ((item, function(item)) for item in items)
    else:
        yield from _in_threads(function, items, threads)


def _in_threads(
    function: Callable[[ItemT], ResultT], items: Iterable[ItemT], threads: int
) -> Iterator[tuple[ItemT, ResultT]]:
    from concurrent.futures import ThreadPoolExecutor  # 4 ms, which a process that answers one request does not need

    waiting: deque[tuple[ItemT, Future[ResultT]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) > threads:
                first, result = waiting.popleft()
                yield first, result.result()
        for first, result in waiting:
            yield first, result.result()
    finally:
        pool.shutdown(cancel_futures=True)
