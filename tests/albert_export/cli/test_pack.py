"""`albert-export pack` and `unpack`, and commands that are given a packed bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albert_export.cli.main import main
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())


def test_packs_and_unpacks(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = tmp_path / "my.albert"
    assert main(["pack", str(folder), "-o", str(packed)]) == 0
    assert capsys.readouterr().out == f"{packed} ({packed.stat().st_size:,} bytes)\n"
    assert main(["pack", str(folder), "-o", str(packed)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert main(["pack", str(folder), "-o", str(packed), "--force"]) == 0
    assert main(["unpack", str(packed), "-o", str(tmp_path / "copy")]) == 0
    assert (tmp_path / "copy" / "model.onnx").read_bytes() == question_answering_graph()


def test_commands_take_a_packed_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = folder.with_suffix(".albert")
    assert main(["pack", str(folder)]) == 0
    answers = []
    for bundle in (folder, packed):
        capsys.readouterr()
        assert main(["run", str(bundle), "--question", "where?", "--context", "in paris", "--json"]) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]
    assert main(["inspect", str(packed), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert main(["inspect", str(folder), "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)
    assert facts.pop("folder") == str(packed)
    assert expected.pop("folder") == str(folder)
    assert facts["graph"].pop("file") == f"{packed}/model.onnx"
    assert expected["graph"].pop("file") == str(folder / "model.onnx")
    assert facts == expected
    requests = folder.with_name("in.jsonl")
    requests.write_text('["where?", "in paris"]\n')
    assert main(["run", str(packed), "--input", str(requests), "--output", str(folder.with_name("out.jsonl"))]) == 0


def test_a_damaged_file_is_no_traceback(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = folder.with_suffix(".albert")
    assert main(["pack", str(folder)]) == 0
    packed.write_bytes(packed.read_bytes()[:-100])
    for command in (["run", "--question", "a", "--context", "b"], ["inspect"], ["unpack", "-o", "x"], ["evaluate"]):
        capsys.readouterr()
        assert main([command[0], str(packed), *command[1:]]) in (2, 3)
        assert "Traceback" not in capsys.readouterr().err
