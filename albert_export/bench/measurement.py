"""Measurement: the figures of one subject, a bundle or a peer, over all rounds; Failure: why it has none."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

#: a bundle of this project, or the same checkpoint run by another tool
Kind = Literal["bundle", "peer"]
#: what a process measured, as JSON types; `albert_export.bench.peers.subject.measure` explains each entry
Record = dict[str, Any]

_MS = 1e3


@dataclass(frozen=True)
class Statistics:
    """The median, minimum and maximum of a quantity that was measured several times."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistics:
        """Return the statistics of `values`, of which there must be at least one."""
        return cls(statistics.median(values), min(values), max(values))

    @property
    def with_spread(self) -> str:
        """The median, and half of the range."""
        return f"{self.median:.1f} ±{(self.most - self.least) / 2:.1f}"


def percentile_95(values: Sequence[float]) -> float:
    """Return the least of `values` that at least 95 of 100 do not exceed; there must be at least one."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


@dataclass(frozen=True)
class TextFigures:
    """How many lines of a text file a subject answers in a second, tokenization included."""

    #: lines, over all rounds
    texts: int
    one_at_a_time_per_s: Statistics
    #: through `session.map`, or through a pipeline with padded batches
    batched_per_s: Statistics
    #: a pipeline that is given the whole list, with its own default batch size of 1; None for bundles
    as_list_per_s: Statistics | None
    #: the share of the compared texts that the report's reference answers in the same way; None if none is compared
    equal_answers: float | None


@dataclass(frozen=True)
class QuestionFigures:
    """How long the questions of a SQuAD file take, from the texts to the answer, one question at a time."""

    #: questions, over all rounds
    questions: int
    #: the mean over the questions of each round
    question_ms: Statistics
    #: the share of the compared questions to which the reference of the report gives the same answer
    equal_answers: float | None


@dataclass(frozen=True)
class Answers:
    """The answers to a workload, in its order; None for those that are not compared, and nothing if there are none."""

    texts: tuple[Any, ...] = ()
    questions: tuple[Any, ...] = ()

    @classmethod
    def of(cls, rounds: Sequence[Record]) -> Answers:
        """Put the answers of all rounds in order: each round has those that `Workload.share` gave it."""

        def ordered(part: str) -> tuple[Any, ...]:
            shares = [record[part]["answers"] if record.get(part) else [] for record in rounds]
            answers: list[Any] = [None] * sum(map(len, shares))
            for number, share in enumerate(shares):
                answers[number :: len(shares)] = share
            return tuple(answers)

        return cls(ordered("texts"), ordered("questions"))

    def __bool__(self) -> bool:
        return bool(self.texts or self.questions)


@dataclass(frozen=True)
class Equality:
    """The shares of answers that a subject has in common with the reference; None where nothing was compared."""

    texts: float | None = None
    questions: float | None = None

    @classmethod
    def between(cls, own: Answers, reference: Answers) -> Equality:
        """Compare the answers that both have."""

        def share(left: Sequence[Any], right: Sequence[Any]) -> float | None:
            pairs = [pair for pair in zip(left, right, strict=False) if None not in pair]
            return statistics.mean(one == other for one, other in pairs) if pairs else None

        return cls(share(own.texts, reference.texts), share(own.questions, reference.questions))


@dataclass(frozen=True)
class Measurement:
    """What was measured of one subject in all rounds. `Record` says where each quantity is explained."""

    kind: Kind
    #: the folder of a bundle, or the name of a peer
    name: str
    task: str
    precision: str
    engine: str
    #: package -> version, of all packages that take part
    versions: dict[str, str]
    notes: tuple[str, ...]
    file_bytes: int
    #: what a peer's own conversion of the checkpoint took, once before the rounds; None for a bundle
    conversion_ms: float | None
    load_ms: Statistics
    engine_load_ms: Statistics
    first_ms: Statistics
    #: from the start of Python to the first answer, all imports and checks included
    first_answer_ms: Statistics | None
    memory_bytes: Statistics | None
    tokenizer_bytes: Statistics | None
    peak_bytes: Statistics | None
    #: of the whole process, imports included
    process_bytes: Statistics | None
    #: sequence length in tokens -> statistics of the medians of all rounds
    latency_ms: dict[int, Statistics]
    #: sequence length in tokens -> statistics of what 95 of 100 runs of a round did not exceed
    latency_p95_ms: dict[int, Statistics]
    #: sequence length in tokens -> the operations of the matrix products of a run; empty for peers
    operations: dict[int, int]
    #: over all changes of the sequence length; None for a graph of one length, and for peers
    grow_ms: Statistics | None
    shrink_ms: Statistics | None
    texts: TextFigures | None
    questions: QuestionFigures | None
    #: the record of each process, without the answers
    rounds: tuple[Record, ...]

    @classmethod
    def of(
        cls,
        name: str,
        rounds: Sequence[Record],
        *,
        kind: Kind = "bundle",
        conversion_ms: float | None = None,
        equal_answers: Equality | None = None,
    ) -> Measurement:
        """Return the statistics of `rounds`, the records of the processes that measured the subject."""
        last = rounds[-1]
        equal = equal_answers or Equality()

        def each(field: str) -> Statistics:
            return Statistics.of([record[field] for record in rounds])

        def if_known(field: str) -> Statistics | None:
            return None if last.get(field) is None else each(field)

        def changes(field: str) -> Statistics | None:
            values = [value for record in rounds for value in record[field] or ()]
            return Statistics.of(values) if values else None

        return cls(
            kind=kind,
            name=name,
            task=last["task"],
            precision=last["precision"],
            engine=last["engine"],
            versions=last.get("versions", {}),
            notes=tuple(dict.fromkeys(note for record in rounds for note in record["notes"])),
            file_bytes=last["file_bytes"],
            conversion_ms=conversion_ms,
            load_ms=each("load_ms"),
            engine_load_ms=each("engine_load_ms"),
            first_ms=each("first_ms"),
            first_answer_ms=if_known("first_answer_ms"),
            memory_bytes=if_known("memory_bytes"),
            tokenizer_bytes=if_known("tokenizer_bytes"),
            peak_bytes=if_known("peak_bytes"),
            process_bytes=if_known("process_bytes"),
            latency_ms={
                int(length): Statistics.of([statistics.median(record["runs_ms"][length]) for record in rounds])
                for length in last["runs_ms"]
            },
            latency_p95_ms={
                int(length): Statistics.of([percentile_95(record["runs_ms"][length]) for record in rounds])
                for length in last["runs_ms"]
            },
            operations={int(length): count for length, count in last.get("operations", {}).items()},
            grow_ms=changes("grow_ms"),
            shrink_ms=changes("shrink_ms"),
            texts=_text_figures(rounds, equal.texts),
            questions=_question_figures(rounds, equal.questions),
            rounds=tuple(_without_answers(record) for record in rounds),
        )

    def ratios(self, first: Measurement) -> dict[str, Any]:
        """Return how many times smaller and faster this subject is than `first`; None where one was not measured."""

        def ratio(theirs: Statistics | None, own: Statistics | None) -> float | None:
            return theirs.median / own.median if theirs and own and own.median > 0 else None

        question, first_question = (one.questions.question_ms if one.questions else None for one in (self, first))
        return {
            "file": first.file_bytes / self.file_bytes,
            "load": ratio(first.load_ms, self.load_ms),
            "first_answer": ratio(first.first_answer_ms, self.first_answer_ms),
            "memory": ratio(first.memory_bytes, self.memory_bytes),
            "latency": {length: ratio(first.latency_ms.get(length), own) for length, own in self.latency_ms.items()},
            "question": ratio(first_question, question),
        }


@dataclass(frozen=True)
class Failure:
    """A subject that could not be measured, with the error and the exit code for it."""

    kind: Kind
    name: str
    error: str
    exit_code: int


def _text_figures(rounds: Sequence[Record], equal: float | None) -> TextFigures | None:
    records = [record["texts"] for record in rounds if record.get("texts")]
    if not records:
        return None

    def rate(field: str) -> Statistics:
        return Statistics.of([len(one["answers"]) / one[field] * _MS for one in records])

    as_list = rate("as_list_ms") if records[0].get("as_list_ms") else None
    count = sum(len(one["answers"]) for one in records)
    return TextFigures(count, rate("one_at_a_time_ms"), rate("batched_ms"), as_list, equal)


def _question_figures(rounds: Sequence[Record], equal: float | None) -> QuestionFigures | None:
    records = [record["questions"] for record in rounds if record.get("questions")]
    if not records:
        return None
    question_ms = Statistics.of([statistics.mean(one["each_ms"]) for one in records])
    return QuestionFigures(sum(len(one["each_ms"]) for one in records), question_ms, equal)


def _without_answers(record: Record) -> Record:
    """Return the record without the answers, of which there may be tens of thousands."""
    kept = dict(record)
    for part in ("texts", "questions"):
        if kept.get(part):
            kept[part] = {name: value for name, value in kept[part].items() if name != "answers"}
    return kept
