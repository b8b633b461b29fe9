from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from albert_export.cli.main import main
from albert_export.cli.run import FileProgressBar
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_of_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())
    requests = tmp_path / "in.jsonl"
    requests.write_text("".join(json.dumps(["where?", f"in Paris {number}"]) + "\n" for number in range(300)))
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    output = tmp_path / "out.jsonl"
    assert main(["run", str(bundle), "--input", str(requests), "--output", str(output)]) == 0
    assert [json.loads(line)["line"] for line in output.read_text().splitlines()] == list(range(1, 301))
    shown = terminal.getvalue()
    assert "300 lines" in shown
    assert "100%" in shown
    assert "300 answers to " in shown
    assert main(["run", str(bundle), "--input", str(requests), "--output", str(output)]) == 2
    assert "--force replaces it" in terminal.getvalue()


def test_the_bar_without_a_known_size(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = FileProgressBar(0, 0, None)
    bar.update(10, 1000)
    bar.close()
    assert "10 lines" in terminal.getvalue()
