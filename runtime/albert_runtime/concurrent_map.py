"""concurrent_map: `map` that computes several results at once, in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def concurrent_map(
    function: Callable[[ItemT], ResultT], items: Iterable[ItemT], at_once: int
) -> Iterator[tuple[ItemT, ResultT]]:
    """Each item with `function(item)`, in the order of the items. What `function` raises is raised in its turn.

    At most `at_once` + 1 results are computed, or waited for, ahead of the one that is used: results may be large.

    Args:
        function: what is called in `at_once` threads; below 2, it is called in this thread, when its result is needed.
        items: what it is called with.
        at_once: the number of threads.
    """
    if at_once < 2:
        yield from ((item, function(item)) for item in items)
        return
    from concurrent.futures import ThreadPoolExecutor  # 4 ms, which a process that answers one request does not need

    waiting: deque[tuple[ItemT, Future[ResultT]]] = deque()
    pool = ThreadPoolExecutor(at_once)
    try:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) > at_once:
                first, result = waiting.popleft()
                yield first, result.result()
        for first, result in waiting:
            yield first, result.result()
    finally:
        pool.shutdown(cancel_futures=True)
