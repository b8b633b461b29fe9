"""Batches: many requests in, answers in their order out.

Requests are read in windows of a limited size, whose sequences are sorted by length and run in padded batches. So
little is padded, memory stays constant on endless input, and nothing is read before it is needed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar, Literal, Protocol, cast

from albert_runtime.concurrent_map import concurrent_map
from albert_runtime.engines import Arrays
from albert_runtime.errors import RequestError, UsageError
from albert_runtime.manifest import Manifest
from albert_runtime.tokenization.encoding import Encoding

#: tokens of a padded batch. More gain nothing on a processor (`python -m tools.batch_benchmark`), and each token of
#: fill-mask has 30,000 logits.
MAX_BATCH_TOKENS = 256
#: requests that are read before the first of them is answered
LOOK_AHEAD = 256
#: A window also ends when its requests have this many tokens, because the answers of a window are kept until all of
#: them are there, and an embedding has a vector for each token.
_WINDOW_TOKENS = 32_768


@dataclass(frozen=True)
class BatchSettings:
    """How requests are gathered into batches.

    Raises:
        UsageError: a number is not a whole number from 1.
    """

    #: the most tokens of a padded batch: its sequences times the length of the longest; a longer sequence runs alone
    max_batch_tokens: int = MAX_BATCH_TOKENS
    #: the most requests that are read ahead and sorted by length
    look_ahead: int = LOOK_AHEAD
    #: run each request by itself, so that its answer does not depend on the requests around it
    batch_invariant: bool = False

    def __post_init__(self) -> None:
        for name in ("max_batch_tokens", "look_ahead"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise UsageError(f"{name} must be a whole number, 1 or more, not {number!r}")


class Prepared(Protocol):
    """What a batch needs of a prepared request; see `albert_runtime.session.PreparedRequest`."""

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """The sequences to run."""

    @property
    def finish(self) -> Callable[[Sequence[Arrays]], Any]:
        """The postprocessing: the outputs of each sequence -> the answer."""


class BatchMixin:
    """The part of `AlbertSession`, and of `ZeroShotClassifier`, that answers many requests at once.

    A session's call, too, takes a list or an iterator of requests in place of its first argument.
    """

    manifest: Manifest
    #: the arguments of the call behind the first one, if many requests may share them
    _shared_arguments: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        call = cls.__dict__.get("__call__")
        if call is not None and not getattr(call, "__isabstractmethod__", False):
            setattr(cls, "__call__", _single_or_batch(call))  # noqa: B010 - mypy refuses to assign a method

    def map(
        self,
        requests: Iterable[Any],
        *,
        max_batch_tokens: int = MAX_BATCH_TOKENS,
        look_ahead: int = LOOK_AHEAD,
        batch_invariant: bool = False,
        errors: Literal["raise", "return"] = "raise",
        **options: Any,
    ) -> Iterator[Any]:
        """The answers to many requests, in their order. No more than `look_ahead` requests are read ahead.

        In fp32, an answer differs by less than 1e-5 from the answer to the same request alone. The dynamic int8 graphs
        of ONNX use one scale for a whole batch, so that their answers depend on the other requests of the batch;
        `batch_invariant` prevents that. A graph with a static length runs each request by itself in any case.

        Args:
            requests: the requests, all of one kind: the first argument of the call (a text), a tuple of its positional
                arguments (a pair of texts), or a mapping of its keyword arguments.
            max_batch_tokens: the most tokens of a padded batch, that is its sequences times the length of the longest.
            look_ahead: the most requests that are read ahead and sorted by length.
            batch_invariant: run each request by itself; the answers are exactly those of single calls.
            errors: "raise" raises the `RequestError` of a wrong request after the answers before it; "return" gives the
                `RequestError` in the place of the answer and goes on.
            options: keyword arguments of the call for every request, such as `top_k`.

        Raises:
            RequestError: a request is wrong; `index` is its number, counted from 0.
            UsageError: `requests` is a single request, or another argument is wrong.
        """
        if errors not in ("raise", "return"):
            raise UsageError(f"errors={errors!r} is unknown; choose 'raise' or 'return'")
        settings = BatchSettings(max_batch_tokens, look_ahead, batch_invariant)
        windows = self.map_windows(requests, settings, stop_at_error=errors == "raise", **options)
        return _flat(windows, raises=errors == "raise")

    def map_windows(
        self, requests: Iterable[Any], settings: BatchSettings, *, stop_at_error: bool = False, **options: Any
    ) -> Iterator[list[Any]]:
        """Like `map`, but gives the answers of each look-ahead window as one list.

        When a list is given, exactly the requests that it answers have been read. The windows, and so the batches,
        depend only on the requests from the first request of the window on: an interrupted run that starts again at the
        beginning of a window gives the same answers to the bit.

        Args:
            requests: see `map`. A `UsageError` in place of a request, which a reader could not make, becomes a
                `RequestError` among the answers.
            settings: how requests are gathered into batches.
            stop_at_error: end with the first wrong request. Its `RequestError` is the last element of the last window.
            options: see `map`.
        """
        if not is_batch(requests):
            raise UsageError(
                f"requests must be a list, a generator or another iterable of requests, not {type(requests).__name__}"
            )
        return self._windows(requests, settings, stop_at_error, options)

    def runs_at_once(self, tokens: int) -> int:
        """How many runs of `tokens` tokens are computed at once, where there are several to do.

        The threads of a short run often wait for each other, and a second run fills the gaps. Two long runs would take
        as long as one after the other, and more memory.
        """
        threads: int = getattr(self.engine, "threads", 1)  # type: ignore[attr-defined]
        return 2 if threads > 1 and (self.manifest.sequence_length or tokens) <= MAX_BATCH_TOKENS else 1

    def _windows(
        self, requests: Iterable[Any], settings: BatchSettings, stop_at_error: bool, options: Mapping[str, Any]
    ) -> Iterator[list[Any]]:
        numbers = count()
        kind: str | None = None
        source = iter(requests)
        while True:
            window: list[Prepared | RequestError] = []
            tokens = 0
            failed = False
            while len(window) < settings.look_ahead and tokens < _WINDOW_TOKENS and not failed:
                try:
                    request = next(source)
                except StopIteration:
                    break
                index = next(numbers)
                try:
                    if isinstance(request, UsageError):
                        raise request
                    kind = kind or _kind(request)
                    prepared = self._prepared(request, kind, options)
                    window.append(prepared)
                    tokens += sum(map(len, prepared.encodings))
                except UsageError as error:
                    window.append(RequestError(index, str(error)))
                    failed = stop_at_error
            if not window:
                return
            first = index - len(window) + 1
            yield self._answers(window, first, settings)
            if failed:
                return

    def _prepared(self, request: Any, kind: str, options: Mapping[str, Any]) -> Prepared:
        if _kind(request) != kind:
            raise UsageError(
                f"it is a {_kind(request)}, and the first request of the batch is a {kind}; "
                "all requests of a batch must be of one kind"
            )
        args: tuple[Any, ...] = (request,)
        named: Mapping[str, Any] = options
        if isinstance(request, Mapping):
            args, named = (), {**options, **request}
        elif isinstance(request, tuple):
            args = request
        try:
            prepared: Prepared = self.prepare(*args, **named)  # type: ignore[attr-defined]
        except TypeError as error:
            try:
                inspect.signature(cast(Callable[..., Any], self)).bind(*args, **named)
            except TypeError as mismatch:
                raise UsageError(f"it does not fit the arguments of the call: {mismatch}") from error
            raise
        return prepared

    def _answers(self, window: Sequence[Prepared | RequestError], first: int, settings: BatchSettings) -> list[Any]:
        """The answers to a window of requests; `first` is the number of its first request."""
        answers: list[Any] = list(window)
        waiting = [(place, one) for place, one in enumerate(window) if not isinstance(one, RequestError)]
        if settings.batch_invariant or self.manifest.sequence_length is not None:
            for place, answer in self._answers_alone(waiting, first):
                answers[place] = answer
            return answers
        outputs: dict[int, dict[int, Arrays]] = {place: {} for place, _ in waiting}
        sequences = [
            (place, number, encoding)
            for place, prepared in waiting
            for number, encoding in enumerate(prepared.encodings)
        ]

        def run(batch: Sequence[tuple[int, int, Encoding]]) -> list[Arrays]:
            rows: list[Arrays] = self.run_batch([encoding for _, _, encoding in batch])  # type: ignore[attr-defined]
            return rows

        def runs_at_once(batch: Sequence[tuple[int, int, Encoding]]) -> int:
            return self.runs_at_once(len(batch) * len(batch[0][2]))  # the first sequence of a batch is its longest

        for batch, rows in concurrent_map(run, _batches(sequences, settings.max_batch_tokens), runs_at_once):
            for (place, number, _), row in zip(batch, rows, strict=True):
                prepared = answers[place]
                own = outputs[place]
                if len(own) + 1 < len(prepared.encodings):
                    # A row is a view of the outputs of its whole batch, which would stay in memory with it.
                    own[number] = {name: array.copy() for name, array in row.items()}
                    continue
                own[number] = row
                in_order = [own[one] for one in range(len(prepared.encodings))]
                answers[place] = _answer_or_error(functools.partial(prepared.finish, in_order), first + place)
                del outputs[place]
        return answers

    def _answers_alone(self, waiting: Sequence[tuple[int, Prepared]], first: int) -> Iterator[tuple[int, Any]]:
        """The places of requests in their window, with the answers that single calls give."""

        def answer(one: tuple[int, Prepared]) -> Any:
            place, prepared = one
            alone = functools.partial(self._answer, prepared)  # type: ignore[attr-defined]
            return _answer_or_error(alone, first + place)

        def at_once(one: tuple[int, Prepared]) -> int:
            encodings = one[1].encodings
            # the sequences of one request are computed at once already
            return 1 if len(encodings) > 1 else self.runs_at_once(len(encodings[0]))

        for (place, _), found in concurrent_map(answer, waiting, at_once):
            yield place, found


def is_batch(value: object) -> bool:
    """Whether `value` holds several requests: a list, an iterator, an array or another iterable, but no single request.

    A str or a mapping is one request, and so is a tuple, which holds the arguments of one call.
    """
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray, tuple, Mapping))


def _single_or_batch(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call of a session, which also takes many requests: a list gives a list, an iterator gives an iterator."""

    @functools.wraps(call)
    def call_or_map(self: BatchMixin, *args: Any, **kwargs: Any) -> Any:
        if args and is_batch(args[0]) and len(args) - 1 <= len(self._shared_arguments):
            answers = self.map(args[0], **dict(zip(self._shared_arguments, args[1:], strict=False)), **kwargs)
            return list(answers) if isinstance(args[0], Sized) else answers
        return call(self, *args, **kwargs)

    return call_or_map


def _flat(windows: Iterator[list[Any]], raises: bool) -> Iterator[Any]:
    for answers in windows:
        for answer in answers:
            if raises and isinstance(answer, RequestError):
                raise answer
            yield answer


def _kind(request: object) -> str:
    """The kind of a request: all mappings are "dict", and all strings "str"."""
    for name, base in (("dict", Mapping), ("str", str)):
        if isinstance(request, base):
            return name
    return type(request).__name__


def _batches(
    sequences: Sequence[tuple[int, int, Encoding]], max_tokens: int
) -> Iterator[list[tuple[int, int, Encoding]]]:
    """The sequences in batches, longest first; equally long ones stay in their order."""
    batch: list[tuple[int, int, Encoding]] = []
    longest = 0
    for sequence in sorted(sequences, key=lambda one: -len(one[2])):
        if batch and (len(batch) + 1) * longest > max_tokens:
            yield batch
            batch = []
        if not batch:
            longest = len(sequence[2])
        batch.append(sequence)
    if batch:
        yield batch


def _answer_or_error(answer: Callable[[], Any], index: int) -> Any:
    try:
        return answer()
    except UsageError as error:
        return RequestError(index, str(error))
