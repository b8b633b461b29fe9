"""The rows of the table in docs/clients.md: what a client makes of one exported file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from albert_export.targets import PRECISIONS
from albert_runtime.tasks import TASKS

HEADINGS = ("client", "version", "task", "bundle", "precision", "opens", "same answer", "what you see")
#: a cell that is true, false, or was not tried
_WORDS = {True: "yes", False: "no", None: "-"}
_ALL_TASKS = "all tasks"


@dataclass(frozen=True)
class Row:
    """What one client makes of one bundle.

    Raises:
        ValueError: a field can't be shown in a cell of a table, or the task or the precision is unknown.
    """

    #: what its users call it, such as "optimum-onnx"; all rows of a client and a bundle come from one test file
    client: str
    #: the version that ran
    version: str
    #: the full name of a task
    task: str
    #: what was exported: "onnx"; "onnx, layout hub"; "tflite, target mediapipe"
    bundle: str
    #: one of the precisions of `albert-export tflite`, which has all of them
    precision: str
    #: whether it opens and runs the bundle as it is
    opens: bool
    #: whether its answers are those of this project's runtime, but for near ties; None where they were not compared
    same_answer: bool | None
    #: what its user sees, and why: one sentence or two
    note: str = ""

    def __post_init__(self) -> None:
        cells = (self.client, self.version, self.bundle, self.note)
        if wrong := [cell for cell in cells if re.search(r"[|\n]", cell) or cell != cell.strip()]:
            raise ValueError(f"a cell has no |, no line break and no space around it: {wrong}")
        if self.task not in TASKS or self.precision not in PRECISIONS:
            raise ValueError(f"{self.task} and {self.precision} are not in {[*TASKS]} and {[*PRECISIONS]}")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What was tried. There is one row for it."""
        return self.client, self.task, self.bundle, self.precision


#: what the fixture `record` is
Record = Callable[[Row], None]


def table_of(rows: Iterable[Row]) -> str:
    """The table in Markdown. Rows that differ in nothing but the task and the precision are one line of it.

    Raises:
        ValueError: two rows are about the same thing.
    """
    lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS))]
    lines += [
        _line(
            (
                one.client,
                one.version,
                tasks,
                one.bundle,
                precisions,
                _WORDS[one.opens],
                _WORDS[one.same_answer],
                one.note,
            )
        )
        for one, tasks, precisions in _merged(list(rows))
    ]
    return "\n".join(lines) + "\n"


def rows_of(table: str) -> list[Row]:
    """The rows of a table that `table_of` made.

    Raises:
        ValueError: it is not such a table.
    """
    meaning = {word: value for value, word in _WORDS.items()}
    found = []
    for number, line in enumerate(table.strip().splitlines()):
        cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        if len(cells) != len(HEADINGS) or (number == 0 and tuple(cells) != HEADINGS):
            raise ValueError(f"not a line of the table: {line!r}")
        if number < 2:
            continue
        client, version, tasks, bundle, precisions, opens, same, note = cells
        try:
            found += [
                Row(client, version, task, bundle, precision, bool(meaning[opens]), meaning[same], note)
                for task in (TASKS if tasks == _ALL_TASKS else tasks.split(", "))
                for precision in precisions.split(", ")
            ]
        except KeyError as error:
            raise ValueError(f"{error} is none of {[*meaning]}: {line!r}") from error
    return found


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _merged(rows: list[Row]) -> list[tuple[Row, str, str]]:
    """One row of each line, with the tasks and the precisions that the line is about."""
    if len({row.key for row in rows}) < len(rows):
        repeated = sorted({row.key for row in rows if sum(row.key == other.key for other in rows) > 1})
        raise ValueError(f"there are several rows for {repeated}")
    tasks_of: dict[Row, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        # rows with the same result: the first task and precision stand for all of them
        same = replace(row, task=next(iter(TASKS)), precision=PRECISIONS[0])
        tasks_of[same][row.precision].add(row.task)
    lines = []
    for same, by_precision in tasks_of.items():
        precisions_of: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for precision in sorted(by_precision, key=PRECISIONS.index):
            precisions_of[tuple(task for task in TASKS if task in by_precision[precision])].append(precision)
        for tasks, precisions in precisions_of.items():
            shown = _ALL_TASKS if len(tasks) == len(TASKS) else ", ".join(tasks)
            order = (same.client.lower(), same.bundle, [*TASKS].index(tasks[0]), PRECISIONS.index(precisions[0]))
            lines.append((order, same, shown, ", ".join(precisions)))
    lines.sort(key=lambda line: (*line[0], line[1].note))
    return [(same, tasks, precisions) for _, same, tasks, precisions in lines]
