"""run_ahead: lets a reference model compute many requests in batches before they are answered one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from albert_export.reference.cached_engine import CachedEngine
from albert_runtime import AlbertSession
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.self_test import request_arrays
from albert_runtime.tasks import CHOICES

ItemT = TypeVar("ItemT")


def run_ahead(
    session: AlbertSession, items: Iterable[ItemT], request_of: Callable[[ItemT], Mapping[str, Any]]
) -> Iterator[ItemT]:
    """Yield `items` in their order; before the caller answers some of them, their sequences are computed in batches.

    Only a session on a `CachedEngine` computes ahead. Others run one sequence after the other, since in a batch the
    answer of a graph with dynamic quantization would depend on the requests around it.

    Args:
        session: the session that the caller asks.
        items: what is asked.
        request_of: the keyword arguments of the session's call, or of its `run_ids`, for an item.
    """
    engine = session.engine
    if not isinstance(engine, CachedEngine) or not engine.tokens_ahead:
        yield from items
        return
    waiting: list[ItemT] = []
    sequences: list[Arrays] = []
    tokens = 0
    for item in items:
        found = _sequences(session, request_of(item))
        size = sum(arrays["input_ids"].size for arrays in found)
        if waiting and tokens + size > engine.tokens_ahead:
            engine.run_ahead(sequences)
            yield from waiting
            waiting, sequences, tokens = [], [], 0
        waiting.append(item)
        sequences += found
        tokens += size
    engine.run_ahead(sequences)
    yield from waiting


def _sequences(session: AlbertSession, request: Mapping[str, Any]) -> Sequence[Arrays]:
    """The inputs of each run that answers `request`; none if the session can't answer it."""
    try:
        if "input_ids" in request or CHOICES in session.bundle.task.input_axes:
            return [request_arrays(session, request)]
        arrays = request_arrays(session, request)
    except UsageError:
        return []
    lengths = arrays["attention_mask"].sum(axis=-1)
    # as in a call, each sequence runs without the padding that it has among others
    static = session.manifest.sequence_length
    return [
        {name: array[row : row + 1, : static or length] for name, array in arrays.items()}
        for row, length in enumerate(lengths)
        if np.all(arrays["attention_mask"][row, :length] == 1)
    ]
