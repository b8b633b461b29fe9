"""Answers several requests with one session, together where that saves time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from albert_runtime.errors import UsageError
from albert_runtime.session import AlbertSession, PreparedRequest

#: the most tokens of one batch, padding included. More gain little, since these keep all cores busy, and the logits of
#: fill-mask take 120 kB for each token.
_BATCH_TOKENS = 1024
#: the precisions whose answers don't depend on what else is in the batch. Integer activations have scales that do.
_BATCHED_PRECISIONS = ("fp32", "fp16")


def answer_requests(session: AlbertSession, requests: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The answer to each request, or the UsageError that says why it has none, in the order of the requests.

    Short requests of about the same length share a batch if the bundle is fp32 or fp16 and takes any length. The
    answers then equal those of one request at a time, up to the rounding of float32.

    Args:
        session: the session that answers.
        requests: the keyword arguments of a call of `session`, for each call.
    """
    answers: list[Any] = [None] * len(requests)
    prepared: dict[int, PreparedRequest[Any]] = {}
    for number, request in enumerate(requests):
        try:
            prepared[number] = session.prepare(**request)
        except UsageError as error:
            answers[number] = error
    together = session.manifest.precision in _BATCHED_PRECISIONS and session.manifest.sequence_length is None
    for group in _groups(prepared, _BATCH_TOKENS if together else 0):
        encodings = [encoding for number in group for encoding in prepared[number].encodings]
        outputs = iter(session.run_batch(encodings) if len(group) > 1 else session.run_each(encodings))
        for number in group:
            one = prepared.pop(number)
            try:
                answers[number] = one.finish([next(outputs) for _ in one.encodings])
            except UsageError as error:
                answers[number] = error
    return answers


def _groups(prepared: Mapping[int, PreparedRequest[Any]], most_tokens: int) -> Iterator[list[int]]:
    """The numbers of the requests that run together: neighbours in length whose padded sequences fit `most_tokens`."""
    lengths = {number: max(map(len, one.encodings)) for number, one in prepared.items()}
    group: list[int] = []
    sequences = 0
    for number in sorted(lengths, key=lengths.__getitem__):
        count = len(prepared[number].encodings)
        if group and (sequences + count) * lengths[number] > most_tokens:
            yield group
            group, sequences = [], 0
        group.append(number)
        sequences += count
    if group:
        yield group
