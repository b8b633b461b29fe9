"""run_ahead: lets a reference model compute many requests in batches before they are answered one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from albert_export.reference.cached_engine import CachedEngine
from albert_export.utils.time_left import TimeLeft
from albert_runtime import AlbertSession
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.self_test import request_arrays
from albert_runtime.tasks import CHOICES

ItemT = TypeVar("ItemT")


def run_ahead(
    session: AlbertSession,
    items: Sequence[ItemT],
    request_of: Callable[[ItemT], Mapping[str, Any]],
    left: TimeLeft,
) -> Iterator[ItemT]:
    """Yield `items` in their order; before the caller answers some of them, their sequences are computed in batches.

    Only a session on a `CachedEngine` with a task computes ahead. Others run one sequence after the other, since in a
    batch the answer of a graph with dynamic quantization would depend on the requests around it.

    Args:
        session: the session that the caller asks.
        items: what is asked.
        request_of: the keyword arguments of the session's call, or of its `run_ids`, for an item.
        left: is told how much is done.
    """
    engine = session.engine
    if not isinstance(engine, CachedEngine) or not engine.tokens_ahead:
        yield from left.over(items)
        return
    start, stop, tokens = 0, 0, 0
    sequences: list[Arrays] = []
    for item in items:
        found = _sequences(session, request_of(item))
        size = sum(arrays["input_ids"].size for arrays in found)
        if start < stop and tokens + size > engine.tokens_ahead:
            engine.run_ahead(sequences, _shares(left, start, stop, len(items)))
            yield from items[start:stop]
            start, tokens, sequences = stop, 0, []
        stop, tokens = stop + 1, tokens + size
        sequences += found
    engine.run_ahead(sequences, _shares(left, start, stop, len(items)))
    yield from items[start:]


def token_count(session: AlbertSession, request: Mapping[str, Any]) -> int:
    """The number of tokens that `session` runs to answer a request; 0 if it can't answer it."""
    return sum(arrays["input_ids"].size for arrays in _sequences(session, request))


def _shares(left: TimeLeft, start: int, stop: int, count: int) -> Callable[[float], None]:
    """Tells `left` the share of all items, for the share that is done of those from `start` to `stop`."""
    return lambda share: left.update((start + share * (stop - start)) / count)


def _sequences(session: AlbertSession, request: Mapping[str, Any]) -> Sequence[Arrays]:
    """The inputs of each run that answers `request`; none if the session can't answer it."""
    try:
        arrays = request_arrays(session, request)
    except UsageError:
        return []
    if "input_ids" in request or CHOICES in session.bundle.task.input_axes:
        return [arrays]
    static, lengths = session.manifest.sequence_length, arrays["attention_mask"].sum(axis=-1)
    # as in a call, each sequence runs without the padding that it has among others
    return [
        {name: array[row : row + 1, : static or length] for name, array in arrays.items()}
        for row, length in enumerate(lengths)
    ]
