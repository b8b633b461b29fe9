"""Answers the rows of a table: what the integrations of Ray and of Spark share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from albert_runtime.errors import UsageError
from albert_runtime.integrations.requests import answer_requests
from albert_runtime.printing import to_json
from albert_runtime.session import AlbertSession

#: the columns that are added to a table
ANSWER_COLUMN = "answer"
ERROR_COLUMN = "error"


def answer_table(
    session: AlbertSession,
    table: Mapping[str, Any],
    names: Sequence[str],
    *,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
    options: Mapping[str, Any] | None = None,
) -> tuple[list[str | None], list[str | None]]:
    """The answer to each row as JSON, and the reason why a row has none; one of the two is None.

    Args:
        session: the session that answers.
        table: column name -> the values of its rows.
        names: the names of the columns of `table`.
        columns: argument of the session's call -> the column that holds it. An argument that is not in it is in the
            column of its own name, if there is one.
        strict: raise the reason instead of returning it.
        options: further keyword arguments of each call, such as `top_k`.

    Raises:
        UsageError: a column is missing; or a row can't be answered, and `strict` is set.
    """
    arguments = _columns_of(session, names, columns or {})
    cells = [list(table[column]) for column in arguments.values()]
    optional = {one.name for one in session.bundle.task.arguments if not one.required}
    requests = []
    for row in zip(*cells, strict=True):
        values = {name: _plain(cell) for name, cell in zip(arguments, row, strict=True)}
        given = {name: value for name, value in values.items() if value is not None or name not in optional}
        requests.append({**given, **(options or {})})
    answers: list[str | None] = []
    errors: list[str | None] = []
    for answer in answer_requests(session, requests):
        failed = isinstance(answer, UsageError)
        if failed and strict:
            raise answer
        answers.append(None if failed else to_json(answer))
        errors.append(str(answer) if failed else None)
    return answers, errors


def _columns_of(session: AlbertSession, names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Argument of the session's call -> the column that holds it.

    Raises:
        UsageError: a column is missing.
    """
    wanted = {one.name: one.name for one in session.bundle.task.arguments if one.required or one.name in names}
    wanted.update(columns)
    missing = [f"{argument} (column {column!r})" for argument, column in wanted.items() if column not in names]
    if missing:
        raise UsageError(
            f"the table has no column for {', '.join(missing)}; its columns are: {', '.join(names)}. Say which column "
            f"holds what: columns={{{next(iter(wanted))!r}: 'NAME OF A COLUMN'}}"
        )
    return wanted


def _plain(cell: Any) -> Any:
    """The value of a cell as a session takes it: None for a missing value, and lists for arrays of texts."""
    if hasattr(cell, "as_py"):  # a cell of an Arrow table
        cell = cell.as_py()
    if cell is None or type(cell).__name__ == "NAType" or (isinstance(cell, float) and cell != cell):
        return None
    return cell.tolist() if hasattr(cell, "tolist") else cell
