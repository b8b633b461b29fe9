"""A run of clients' tests checks the page, writes it when asked to, and leaves alone what it did not try."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.page import read_rows, write_rows
from tests.clients.rows import Row
from tests.virtual_environment import ROOT

pytestmark = pytest.mark.slow

_TESTS = """
import pytest
from tests.clients.rows import Row

@pytest.mark.clients
@pytest.mark.parametrize("task", ["fill-mask", "question-answering"])
def test_client(task, record):
    if task in {skipped}:
        pytest.skip("no network")
    record(Row("a", "2", task, "onnx", "fp32", True, True))
"""
_OLD = [
    Row("a", "1", "fill-mask", "onnx", "fp32", opens=True, same_answer=True),
    Row("a", "1", "pretraining", "onnx", "fp32", opens=True, same_answer=True),
    Row("other", "1", "fill-mask", "onnx", "fp32", opens=True, same_answer=True),
]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    page = tmp_path / "page.md"
    page.write_text("<!-- The tests write the table: make clients -->\n<!-- The end of the table -->\n")
    write_rows(_OLD, page)
    return page


def run(page: Path, *options: str, skipped: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the tests above with two workers."""
    folder = page.parent
    (folder / "test_it.py").write_text(_TESTS.replace("{skipped}", repr(skipped)))
    (folder / "pytest.ini").write_text(f"[pytest]\nmarkers = clients\nclients_page = {page}\npythonpath = {ROOT}\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.clients.pytest_plugin", "-p", "no:cacheprovider"]
    command += ["-n", "2", "-c", str(folder / "pytest.ini"), *options, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def versions(page: Path) -> dict[tuple[str, str], str]:
    return {(row.client, row.task): row.version for row in read_rows(page)}


def test_other_rows_fail_until_they_are_written(page: Path) -> None:
    failed = run(page)
    assert failed.returncode == 1
    assert "2 passed" in failed.stdout
    assert "page.md says something else; write it with: make clients" in failed.stdout
    assert "+ | a | 2 | fill-mask, question-answering | onnx | fp32 | yes | yes |  |" in failed.stdout
    assert set(read_rows(page)) == set(_OLD)

    assert run(page, "--write-clients-table").returncode == 0
    assert versions(page) == {("a", "fill-mask"): "2", ("a", "question-answering"): "2", ("other", "fill-mask"): "1"}
    assert run(page).returncode == 0


def test_rows_that_were_not_tried_stay(page: Path) -> None:
    done = run(page, "--write-clients-table", skipped=("question-answering",))
    assert done.returncode == 0
    assert "1 passed, 1 skipped" in done.stdout
    assert versions(page) == {("a", "fill-mask"): "2", ("a", "pretraining"): "1", ("other", "fill-mask"): "1"}


def test_a_page_without_a_table_fails_the_run(page: Path) -> None:
    page.write_text("# Clients\n")
    done = run(page)
    assert done.returncode == 1
    assert "page.md has no table between the lines" in done.stdout
