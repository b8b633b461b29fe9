"""Records: the requests in a file of JSON lines, a table or plain text, each with its line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_runtime.errors import UsageError
from albert_runtime.files.columns import Columns
from albert_runtime.files.lines import MAX_LINE, Line, LineError, LineSource

JSONL, CSV, TSV, TXT = FORMATS = ("jsonl", "csv", "tsv", "txt")
#: bytes of each record that are kept, to be shown if it is wrong
_KEPT_BYTES = 10_000
_ENDINGS = {f".{name}": name for name in FORMATS} | {".ndjson": JSONL, ".text": TXT}


@dataclass(frozen=True)
class Record:
    """One record of a file: a request, or what is wrong with it."""

    #: the line that it begins at, counted from 1
    line: int
    #: the beginning of what was read
    content: bytes
    #: the keyword arguments of the session's call
    request: dict[str, Any] | None = None
    problem: str = ""


def format_of(file: str, chosen: str | None) -> str:
    """The format of an input: the `chosen` one, or what the ending of the file says. Standard input is JSON lines.

    Raises:
        UsageError: the ending is unknown.
    """
    if chosen is not None:
        return chosen
    if file == "-":
        return JSONL
    ending = Path(file).suffix.lower()
    if ending not in _ENDINGS:
        raise UsageError(
            f"{file} ends with none of {', '.join(_ENDINGS)}; say what it is: --format {'|'.join(FORMATS)}"
        )
    return _ENDINGS[ending]


class RecordReader:
    """Reads the records of an input one after the other. Blank lines are skipped.

    - jsonl: a JSON object, string or array on each line.
    - csv: commas, double quotes around a field that holds commas, quotes or line breaks, and a header.
    - tsv: tabs, no quoting, and a header.
    - txt: a text on each line.
    """

    def __init__(self, source: LineSource, file_format: str, columns: Columns) -> None:
        """Read the header, if the format has one.

        Raises:
            UsageError: the header lacks a column, or the input is empty, or the format can't hold the task's requests.
        """
        self.source = source
        self.format = file_format
        self._columns = columns
        self._header: list[str] = []
        if file_format == TXT:
            columns.check_single(source.name)
        if file_format in (CSV, TSV):
            csv.field_size_limit(MAX_LINE)
            self._read_header()

    def __iter__(self) -> Iterator[Record]:
        """The records; all lines up to a record are accepted by the source before the record is given."""
        while True:
            lines: list[Line] = []
            request, problem = None, ""
            try:
                request = self._next_request(lines)
            except LineError as error:
                problem = str(error)
                # A quotation mark that is not closed takes in all lines up to the end of the input. Only the line that
                # it is in is wrong.
                self.source.put_back(lines[1:])
                del lines[1:]
            if not lines:
                return
            self.source.accept(lines)
            if request is not None or problem:
                content = b"".join(line.content for line in lines) if lines[1:] else lines[0].content
                yield Record(lines[0].number, content[:_KEPT_BYTES], request, problem)

    def _next_request(self, lines: list[Line]) -> dict[str, Any] | None:
        """The next request; None for a blank line and at the end. The lines that are read are added to `lines`.

        Raises:
            LineError: the record is wrong.
        """
        if self.format in (CSV, TSV):
            row = self._next_row(lines)
            if not row:
                return None
            if len(row) != len(self._header):
                raise LineError(f"it has {len(row)} fields, and the header has {len(self._header)}")
            return self._columns.from_row(dict(zip(self._header, row, strict=True)))
        text = self._next_text(lines)
        if not text.strip():
            return None
        if self.format == TXT:
            return self._columns.from_values([text])
        return self._columns.from_json(_parsed(text, lines[0]))

    def _next_text(self, lines: list[Line]) -> str:
        """The next line without its line break; an empty text at the end."""
        line = self.source.read()
        if line is None:
            return ""
        lines.append(line)
        return line.text().removesuffix("\n").removesuffix("\r")

    def _next_row(self, lines: list[Line]) -> list[str]:
        """The next row of a table; no fields for a blank line and at the end."""
        if self.format == TSV:
            text = self._next_text(lines)
            return text.split("\t") if text.strip() else []
        try:
            return next(csv.reader(self._texts(lines), strict=True), [])
        except csv.Error as error:
            reason = "a quotation mark is not closed" if "unexpected end" in str(error) else str(error)
            raise LineError(f"it is not CSV: {reason}") from error

    def _texts(self, lines: list[Line]) -> Iterator[str]:
        size = 0
        while (line := self.source.read()) is not None:
            lines.append(line)
            size += line.size
            if size > MAX_LINE:
                raise LineError(f"the record has more than {MAX_LINE:,} bytes; perhaps a quotation mark is not closed")
            yield line.text()

    def _read_header(self) -> None:
        lines: list[Line] = []
        try:
            while not self._header:
                read = len(lines)
                self._header = self._next_row(lines)
                if len(lines) == read:
                    raise LineError("it is empty")
        except LineError as error:
            raise UsageError(f"can't read the header of {self.source.name}: {error}") from error
        self.source.accept(lines)
        self._columns.check_header(self._header, self.source.name)


def _parsed(text: str, line: Line) -> Any:
    try:
        return json.loads(text)
    # The parser raises a RecursionError for brackets that are nested thousands of levels deep.
    except (ValueError, RecursionError) as error:
        end = "" if line.is_complete else "; the input ends in the middle of this line"
        raise LineError(f"it is not JSON: {error}{end}") from error
