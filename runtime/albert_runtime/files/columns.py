"""Columns: which column of a file, or which key of its JSON objects, holds which argument of the session's call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from albert_runtime.errors import UsageError, listed
from albert_runtime.files.lines import LineError
from albert_runtime.tasks import Argument, Task


class Columns:
    """Makes requests, the keyword arguments of the session's call, from the records of a file."""

    def __init__(self, task: Task, given: Collection[str] = (), mapping: Sequence[str] = ()) -> None:
        """Plan which arguments come from the file.

        Args:
            task: the task whose arguments the file holds.
            given: the arguments that are the same for every record, because the command line gives them.
            mapping: "argument=column" for each argument whose column is not called like it. An argument that is a list
                of texts can be spread over several columns: "choices=first,second".

        Raises:
            UsageError: the mapping names no argument of the task, or all required arguments are given.
        """
        self._task = task
        self.arguments = tuple(one for one in task.arguments if one.name not in given)
        names = [one.name for one in self.arguments]
        self._columns: dict[str, tuple[str, ...]] = {one.name: (one.name,) for one in self.arguments}
        problems = []
        for entry in mapping:
            name, equals, column = entry.partition("=")
            argument = next((one for one in self.arguments if one.name == name), None)
            if not equals or not column:
                problems.append(f"--column {entry} is not of the form ARGUMENT=COLUMN, such as text=review")
            elif argument is None:
                problems.append(f"--column {entry}: {name} is not read from the file; it gives {', '.join(names)}")
            else:
                self._columns[name] = tuple(column.split(",")) if argument.repeated else (column,)
        if not any(one.required for one in self.arguments):
            problems.append(f"{' and '.join(given)}: leave it to the file, or leave out --input")
        if problems:
            raise UsageError(listed(f"the bundle is for {task.name}:", problems))

    @property
    def mapping(self) -> dict[str, list[str]]:
        """The columns of each argument."""
        return {name: list(columns) for name, columns in self._columns.items()}

    def check_header(self, header: Sequence[str], file: str) -> None:
        """Check that a table with this header has the columns.

        Raises:
            UsageError: it lacks a column that is required or mapped, or has one twice.
        """
        problems = []
        for argument in self.arguments:
            columns = self._columns[argument.name]
            if argument.required or columns != (argument.name,):
                problems += [f"there is no column {one}" for one in columns if one not in header]
            problems += [f"there are {header.count(one)} columns {one}" for one in columns if header.count(one) > 1]
        if problems:
            problems[-1] += self._advice(header)
            raise UsageError(listed(f"{file} has the columns {', '.join(header)}:", problems))

    def from_row(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The request of a row of a table. Empty cells of optional arguments and of lists count as absent."""
        request: dict[str, Any] = {}
        for argument in self.arguments:
            cells = [row[one] for one in self._columns[argument.name] if one in row]
            texts = [cell for cell in cells if cell]
            if argument.repeated:
                if texts or argument.required:
                    request[argument.name] = texts
            elif cells and (cells[0] or argument.required):
                request[argument.name] = cells[0]
        return request

    def from_json(self, value: Any) -> dict[str, Any]:
        """The request of a JSON value: an object, a string, or an array of the arguments in their order.

        Raises:
            LineError: a required argument is missing, or it is another JSON value.
        """
        if isinstance(value, str):
            return self.from_values([value])
        if isinstance(value, list):
            return self.from_values(value)
        if not isinstance(value, dict):
            raise LineError(f"it is a JSON {type(value).__name__}; give an object, a string or an array")
        request = {}
        for argument in self.arguments:
            columns = self._columns[argument.name]
            found = [value[one] for one in columns if value.get(one) is not None]
            if len(columns) > 1 and (found or argument.required):
                request[argument.name] = found
            elif found:
                request[argument.name] = found[0]
            elif argument.required:
                raise LineError(f"there is no {columns[0]!r}; it has {', '.join(value)}{self._advice(list(value))}")
        return request

    def from_values(self, values: Sequence[Any]) -> dict[str, Any]:
        """The request of values in the order of the arguments.

        Raises:
            LineError: there are too few or too many.
        """
        least = sum(one.required for one in self.arguments)
        if not least <= len(values) <= len(self.arguments):
            raise LineError(f"it holds {len(values)} values; expected are {', '.join(self._columns)}")
        return dict(zip(self._columns, values, strict=False))

    def check_single(self, file: str) -> None:
        """Check that one text makes a request.

        Raises:
            UsageError: it does not.
        """
        required = [one for one in self.arguments if one.required]
        if len(required) != 1 or required[0].repeated:
            options = " or ".join(_example(one) for one in required)
            raise UsageError(
                f"a line of {file} is one text, and {self._task.name} needs {', '.join(one.name for one in required)}; "
                f"give a .jsonl, .csv or .tsv file, or give what is the same for every line as an option: {options}"
            )

    def _advice(self, header: Sequence[str]) -> str:
        missing = [one.name for one in self.arguments if one.required and self._columns[one.name][0] not in header]
        return f"; say which it is with --column {missing[0]}=NAME" if missing else ""


def _example(argument: Argument) -> str:
    return f'{argument.option} "..."'
