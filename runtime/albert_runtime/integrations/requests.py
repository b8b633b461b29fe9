"""Answers several requests with one session, together where that does not change their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from albert_runtime.errors import RequestError, UsageError
from albert_runtime.session import AlbertSession

#: The precisions whose answers don't depend on what else is in the batch. Integer activations have scales that do, and
#: what else is in a batch is an accident here: it depends on other clients, or on how a cluster divides the rows.
_BATCHED_PRECISIONS = ("fp32", "fp16")


def answer_requests(session: AlbertSession, requests: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The answer to each request, or the UsageError that says why it has none, in the order of the requests.

    Requests share batches if the bundle is fp32 or fp16. The answers then equal those of one request at a time, up to
    the rounding of float32.

    Args:
        session: the session that answers.
        requests: the keyword arguments of a call of `session`, for each call.
    """
    alone = session.manifest.precision not in _BATCHED_PRECISIONS
    answers = session.map(requests, errors="return", batch_invariant=alone)
    return [UsageError(answer.reason) if isinstance(answer, RequestError) else answer for answer in answers]
