"""Answers a file of requests: from the records of the input to the lines of the output."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from albert_runtime.batching import BatchSettings
from albert_runtime.errors import RequestError, UsageError
from albert_runtime.files.output import Output
from albert_runtime.files.progress import FileProgress
from albert_runtime.files.records import RecordReader
from albert_runtime.printing import to_plain
from albert_runtime.session import AlbertSession


@dataclass
class FileCounts:
    """What a run has done; a run that resumes counts the lines before the interruption too."""

    answers: int = 0
    errors: int = 0
    #: the seconds and answers of this run alone
    seconds: float = 0.0
    own_answers: int = 0
    #: what was wrong with the first wrong line
    first_error: str = ""


@dataclass
class FileRunner:
    """Answers the records of a reader, one look-ahead window after the other.

    The lines of the output are JSON objects: {"line": the number of the line, counted from 1, "answer": the answer's
    `to_dict()`, or a list of them}. Wrong lines are {"line", "reason", "content"}.
    """

    session: AlbertSession
    reader: RecordReader
    output: Output
    progress: FileProgress
    settings: BatchSettings
    #: keyword arguments of every request
    options: dict[str, Any]
    #: stop at the first wrong line
    strict: bool = False
    counts: FileCounts = field(default_factory=FileCounts)

    def run(self) -> FileCounts:
        """Answer all records. The output of a window is written as a whole.

        Raises:
            UsageError: the input can't be read, the output can't be written, or, if `strict` is set, a line is wrong.
                The windows before that are written.
        """
        started = time.monotonic()
        # The line and the content of each record of the window; the request itself may be large and is not kept.
        read: list[tuple[int, bytes]] = []
        for answers in self.session.map_windows(self._requests(read), self.settings, **self.options):
            self._write(read, answers)
            read.clear()
            self.counts.seconds = time.monotonic() - started
        return self.counts

    def _requests(self, read: list[tuple[int, bytes]]) -> Iterator[dict[str, Any] | UsageError]:
        for record in self.reader:
            read.append((record.line, record.content))
            if record.request is None:
                self._stop_if_strict(record.line, record.problem)
                yield UsageError(record.problem)
            else:
                yield record.request

    def _write(self, read: list[tuple[int, bytes]], answers: list[Any]) -> None:
        lines, errors = [], []
        for (line, content), answer in zip(read, answers, strict=True):
            if isinstance(answer, RequestError):
                self._stop_if_strict(line, answer.reason)
                self.counts.first_error = self.counts.first_error or f"line {line}: {answer.reason}"
                text = content.decode("utf-8", "backslashreplace").rstrip("\r\n")
                errors.append(json.dumps({"line": line, "reason": answer.reason, "content": text}))
            else:
                lines.append(json.dumps({"line": line, "answer": to_plain(answer)}))
        counts, source = self.counts, self.reader.source
        state = {
            "input_bytes": source.position,
            "input_checksum": source.checksum,
            "answers": counts.answers + len(lines),
            "errors": counts.errors + len(errors),
        }
        self.output.write(_joined(lines), _joined(errors), state)
        counts.answers, counts.errors = state["answers"], state["errors"]
        counts.own_answers += len(lines)
        self.progress.update(source.count, source.position)

    def _stop_if_strict(self, line: int, reason: str) -> None:
        if self.strict:
            raise UsageError(f"{self.reader.source.name}, line {line}: {reason}")


def _joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")
