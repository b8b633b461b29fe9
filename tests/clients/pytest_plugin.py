"""The fixture `record`, and what a run does with the rows: it checks docs/clients.md, or writes it.

The rows go with the reports of the tests, which also come from the workers of pytest-xdist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.clients import environments
from tests.clients.page import COMMAND, PAGE, differences, read_rows, updated, write_rows
from tests.clients.rows import Record, Row

_OPTION = "--write-clients-table"
_PAGE = "clients_page"
#: names of properties of reports
_ROW, _TESTS, _MADE = "client row", "tests of clients in the file", "environment made"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the table."""
    parser.addoption(_OPTION, action="store_true", help="write the rows of the clients' tests into docs/clients.md")
    parser.addini(_PAGE, "the page with the table of clients", default=str(PAGE))


def pytest_configure(config: pytest.Config) -> None:
    """Gather the rows in the process that writes the summary."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Table(config), "clients' table")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell every test of a client how many there are in its file, before some of them may be left out."""
    tests = [item for item in items if item.get_closest_marker("clients")]
    number = Counter(item.path for item in tests)
    for item in tests:
        item.user_properties.append((_TESTS, number[item.path]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Give the environments that were made to the report of the test that needed them."""
    while environments.made:
        item.user_properties.append((_MADE, environments.made.popitem()))


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """A function that keeps a row for the table in docs/clients.md. Its test has the marker `clients`."""
    assert request.node.get_closest_marker("clients"), "a test that records rows of clients has the marker `clients`"

    def keep(row: Row) -> None:
        request.node.user_properties.append((_ROW, asdict(row)))

    return keep


class _Table:
    """The rows of a run, and what they make of the page."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._rows: dict[str, list[Row]] = {}  # by the file of the test
        self._passed: Counter[str] = Counter()
        self._tests: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        self._made: dict[str, float] = {}
        self._messages: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file, _, _ = report.nodeid.partition("::")
        for name, value in report.user_properties:
            if name == _MADE:
                self._made.update([value])  # type: ignore[list-item]
            if name == _TESTS:
                self._tests[file] = int(str(value))
                self._seconds[file] = self._seconds.get(file, 0) + report.duration
        if report.when == "call" and report.passed and file in self._tests:
            self._passed[file] += 1
            self._rows.setdefault(file, []).extend(_rows(report))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        rows = [row for found in self._rows.values() for row in found]
        if not rows:
            return
        page = Path(self._config.getini(_PAGE))
        try:
            shown = read_rows(page)
            wanted = updated(shown, rows, self._complete())
            changes = differences(shown, wanted)
            if changes and self._config.getoption(_OPTION):
                write_rows(wanted, page)
        except ValueError as error:
            self._messages, failed = [str(error)], True
        else:
            failed = bool(changes) and not self._config.getoption(_OPTION)
            what = f"says something else; write it with: {COMMAND}" if failed else "was written:"
            self._messages = [f"docs/{page.name} {what}", *changes] if changes else []
        if failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._seconds:
            terminalreporter.section("clients")
        for environment, seconds in sorted(self._made.items()):
            terminalreporter.line(f"{seconds:6.1f} s  to make the environment {environment}")
        for file, seconds in sorted(self._seconds.items()):
            terminalreporter.line(f"{seconds:6.1f} s  {file}")
        for line in self._messages:
            terminalreporter.line(line)

    def _complete(self) -> set[tuple[str, str]]:
        """Client and bundle of which every test ran."""
        if any("::" in argument for argument in self._config.args):
            return set()  # then a file counts only the tests that were asked for
        files = [file for file, passed in self._passed.items() if passed == self._tests[file]]
        return {(row.client, row.bundle) for file in files for row in self._rows[file]}


def _rows(report: pytest.TestReport) -> Iterator[Row]:
    for name, value in report.user_properties:
        if name == _ROW:
            yield Row(**value)  # type: ignore[arg-type]
