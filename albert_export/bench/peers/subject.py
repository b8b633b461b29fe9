"""Subject: what is measured, a bundle or a peer; `measure` measures it, in the same way whichever it is."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .probes import difference, memory, reset_peak_memory, timed_ms

#: runs at each length before the timed ones, and texts or questions before the timed ones
_WARM_UP_RUNS = 3
_WARM_UP_TEXTS = 2
#: how often the sequence length grows and shrinks
_CHANGES = 5
#: runs after each change of the length, with which the first run is compared
_STEADY_RUNS = 3
#: choices of an example for multiple choice
CHOICES = 2


class UnsuitableError(Exception):
    """The subject does not do what was asked of it; the message becomes a note of its measurement."""


class Subject(Protocol):
    """A model that can be loaded, run and asked. The methods are called in the order in which they stand here."""

    #: whether changes of the sequence length are measured
    resizes: bool

    def import_packages(self) -> None:
        """Import all that a load needs, so that imports count neither as load time nor as memory."""

    def load_engine(self) -> None:
        """Load the model alone."""

    def load_session(self) -> None:
        """Load what else an answer to a text needs."""

    def facts(self) -> dict[str, Any]:
        """Return `task`, `precision`, `engine`, `versions`, `file_bytes` and `notes`, a new list."""

    def supported_lengths(self) -> tuple[int | None, int]:
        """Return the only length that the graph takes, or None if it takes any, and the longest length."""

    def inputs(self, batch: int, length: int) -> Any:
        """Return the inputs of a run: sequences of random words without padding."""

    def run(self, inputs: Any) -> None:
        """Run the model, until its outputs are there."""

    def answer_text(self, text: str) -> Any:
        """Return the answer to a text, without its score; None if answers are not compared."""

    def answer_texts(self, texts: Sequence[str]) -> list[Any]:
        """Return the answers to many texts in batches."""

    def answer_list(self, texts: Sequence[str]) -> list[Any] | None:
        """Return the answers to many texts as they are given without a batch size; None if there is no such way."""

    def answer_question(self, question: str, context: str) -> str:
        """Return the answer to a question as it is written in `context`, without space around it."""


def measure(subject: Subject, request: dict[str, Any]) -> dict[str, Any]:
    """Load the subject once, run it, and return the figures as JSON types.

    Args:
        subject: what to measure.
        request: `lengths`, `resize`, `batch`, `runs`, and the `texts` and `questions` to answer, which may be empty.

    Returns:
        What `Subject.facts` returns, `notes` on how the measurement differs from the request, and:

        `load_ms`: time to load all that answers a text; bundles without the check of hashes and the self-test.
        `engine_load_ms`: the part of it that loads the model.
        `first_ms`: time of the first run, at the first length.
        `memory_bytes`: resident memory after the load and the first run, less that after the imports.
        `tokenizer_bytes`: the part of it that is not the model's; nearly all of it is the tokenizer's vocabulary.
        `peak_bytes`: the largest resident memory until the runs at all lengths are done, less that after the imports.
        `process_bytes`: resident memory of the whole process after the load and the first run.
        `runs_ms`: for each length, the times of all timed runs.
        `grow_ms` and `shrink_ms`: for each change of the length, the time of the first run after it less the median
            of the runs that follow; None for a graph of one length, and for a subject that does not resize.
        `texts`: `one_at_a_time_ms`, `batched_ms` and, if there is such a way, `as_list_ms`, each the time of all
            texts, and their `answers` one at a time. None if there are no texts, or the subject takes none.
        `questions`: `each_ms`, the time of each, and the `answers`. None as for texts.

        The memory figures are None, with a note, on a system that does not report them.
    """
    subject.import_packages()
    reset_peak_memory()
    imported, _ = memory()
    engine_load_ms = timed_ms(subject.load_engine)
    with_engine, _ = memory()
    load_ms = engine_load_ms + timed_ms(subject.load_session)
    with_tokenizer, _ = memory()
    facts = subject.facts()
    notes: list[str] = facts["notes"]
    lengths, resize = _supported_lengths(subject, request, notes)
    batches = {length: subject.inputs(request["batch"], length) for length in {*lengths, *resize}}

    def run_ms(length: int) -> float:
        return timed_ms(lambda: subject.run(batches[length]))

    first_ms = run_ms(lengths[0])
    resident, _ = memory()
    runs_ms = {}
    for length in lengths:
        for _ in range(_WARM_UP_RUNS):
            run_ms(length)
        runs_ms[length] = [run_ms(length) for _ in range(request["runs"])]
    _, peak = memory()
    if imported is None:
        notes.append("memory was not measured: this system has no /proc/self/status")
    return {
        **facts,
        "load_ms": load_ms,
        "engine_load_ms": engine_load_ms,
        "first_ms": first_ms,
        "memory_bytes": difference(resident, imported),
        "tokenizer_bytes": difference(with_tokenizer, with_engine),
        "peak_bytes": difference(peak, imported),
        "process_bytes": resident,
        "runs_ms": runs_ms,
        **_resize_times(run_ms, resize),
        "texts": _if_suitable(_text_times, subject, request["texts"], notes),
        "questions": _if_suitable(_question_times, subject, request["questions"], notes),
    }


def first_answer(subject: Subject, text: str, context: str | None) -> Any:
    """Load the subject and return its answer to a text, or to a question about a context."""
    subject.load_engine()
    subject.load_session()
    return subject.answer_text(text) if context is None else subject.answer_question(text, context)


def random_arrays(shape: Sequence[int], ids: range) -> tuple[Any, Any, Any]:
    """Return ids from `ids`, a mask of ones, and two segments of equal length, int64 `shape`; the same every time."""
    import numpy as np  # not above: where a peer is absent, numpy may be, and this module says what is

    length = shape[-1]
    drawn = np.random.default_rng(length).integers(ids.start, ids.stop, shape)
    types = (np.arange(length) >= length // 2).astype(np.int64)
    return drawn, np.ones(shape, np.int64), np.broadcast_to(types, shape).copy()


def _supported_lengths(
    subject: Subject, request: dict[str, Any], notes: list[str]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the lengths to run and the two lengths to change between, or none; notes say what else was asked for."""
    static, longest = subject.supported_lengths()
    asked, changes = request["lengths"], request["resize"] if subject.resizes else ()
    if static is not None:
        others = sorted({*asked} - {static})
        if others:
            notes.append(f"has the one length {static}, so it was not run at {', '.join(map(str, others))}")
        return (static,), ()
    too_long = sorted({length for length in (*asked, *changes) if length > longest})
    if too_long:
        notes.append(f"accepts {longest} tokens; run at that instead of {', '.join(map(str, too_long))}")
    lengths = tuple(dict.fromkeys(min(length, longest) for length in asked))
    resize = tuple(dict.fromkeys(min(length, longest) for length in changes))
    return lengths, resize if len(resize) == 2 else ()


def _resize_times(run_ms: Callable[[int], float], resize: tuple[int, ...]) -> dict[str, list[float] | None]:
    if not resize:
        return {"grow_ms": None, "shrink_ms": None}
    first: dict[int, list[float]] = {length: [] for length in resize}
    steady: dict[int, list[float]] = {length: [] for length in resize}
    run_ms(max(resize))
    for _ in range(_CHANGES):
        for length in sorted(resize):
            first[length].append(run_ms(length))
            steady[length] += [run_ms(length) for _ in range(_STEADY_RUNS)]
    extra = {length: [time_ms - statistics.median(steady[length]) for time_ms in first[length]] for length in resize}
    return {"grow_ms": extra[max(resize)], "shrink_ms": extra[min(resize)]}


def _if_suitable(
    measured: Callable[[Subject, list[Any]], dict[str, Any]], subject: Subject, requests: list[Any], notes: list[str]
) -> dict[str, Any] | None:
    try:
        return measured(subject, requests) if requests else None
    except UnsuitableError as reason:
        notes.append(str(reason))
    except Exception as error:  # any of a peer's packages may refuse a text, and the other figures are there already
        notes.append(f"it did not answer all of them: {type(error).__name__}: {error}")
    return None


def _text_times(subject: Subject, texts: list[str]) -> dict[str, Any]:
    for text in texts[:_WARM_UP_TEXTS]:
        subject.answer_text(text)
    answers: list[Any] = []
    times: dict[str, Any] = {
        "one_at_a_time_ms": timed_ms(lambda: answers.extend(map(subject.answer_text, texts))),
        "batched_ms": timed_ms(lambda: subject.answer_texts(texts)),
    }
    if subject.answer_list(texts[:_WARM_UP_TEXTS]) is not None:
        times["as_list_ms"] = timed_ms(lambda: subject.answer_list(texts))
    return {**times, "answers": answers}


def _question_times(subject: Subject, questions: list[tuple[str, str]]) -> dict[str, Any]:
    for question, context in questions[:_WARM_UP_TEXTS]:
        subject.answer_question(question, context)
    answers: list[str] = []

    def answer(question: str, context: str) -> None:
        answers.append(subject.answer_question(question, context))

    return {"each_ms": [timed_ms(functools.partial(answer, *asked)) for asked in questions], "answers": answers}
