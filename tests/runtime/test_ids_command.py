"""`--ids` and `--ids-file` of the command line."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import albert_runtime
from albert_runtime.cli import main
from albert_runtime.printing import format_outputs
from tests.runtime.test_token_ids import CONFIG, without_tokenizer
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph


@pytest.fixture(params=[True, False], ids=["tokenizer", "no-tokenizer"])
def bundle(tmp_path, request):
    if request.param:
        return make_bundle(tmp_path / "b", "question-answering", model=question_answering_graph(), config=CONFIG)
    return without_tokenizer(tmp_path / "b")


def outputs_of(bundle, ids):
    return {name: array[0] for name, array in albert_runtime.load(bundle).run_ids(ids).items()}


def test_one_sequence(bundle, capsys):
    assert main([str(bundle), "--ids", "2 14, 3"]) == 0
    expected = outputs_of(bundle, [2, 14, 3])["start_logits"]
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "start_logits, 3: " + " ".join(f"{number:.4f}" for number in expected)


def test_json_has_a_line_for_each_sequence(bundle, capsys):
    assert main([str(bundle), "--ids", "2 14 3", "--ids", "9", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for line, ids in zip(lines, ([2, 14, 3], [9]), strict=True):
        for name, array in outputs_of(bundle, ids).items():
            np.testing.assert_allclose(json.loads(line)[name], array, rtol=1e-6)


@pytest.mark.parametrize("arguments", [["--ids", "2 14\t3"], ["--ids", "2 14 3", "--type-ids", "0 0 1"]])
def test_pairs(bundle, arguments, capsys, monkeypatch):
    seen = []
    real = albert_runtime.AlbertSession.run
    monkeypatch.setattr(
        albert_runtime.AlbertSession, "run", lambda self, arrays: seen.append(arrays) or real(self, arrays)
    )
    assert main([str(bundle), *arguments]) == 0
    assert seen[-1]["input_ids"].tolist() == [[2, 14, 3]]
    assert seen[-1]["token_type_ids"].tolist() == [[0, 0, 1]]


def test_a_file_with_a_sequence_on_each_line(bundle, tmp_path, capsys, monkeypatch):
    (tmp_path / "ids.txt").write_text("2 14 3\n\n9\t8\n")
    assert main([str(bundle), "--ids-file", str(tmp_path / "ids.txt")]) == 0
    from_file = capsys.readouterr().out
    assert [line for line in from_file.splitlines() if line.startswith("line")] == ["line 1:", "line 3:"]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"2 14 3\n\n9\t8\n")))
    assert main([str(bundle), "--ids-file", "-"]) == 0
    assert capsys.readouterr().out == from_file


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (
            ["--ids", "2 x 300", "--ids", "-5"],
            ["--ids 1: ids 'x': not a whole", "--ids 1: ids 300: the", "--ids 2: ids -5"],
        ),
        (["--ids", ""], ["--ids: there are no ids"]),
        (["--ids", "1\t2\t3"], ["--ids: token_type_ids: 2: its values go from 0 to 1"]),
        (["--ids", "1", "--type-ids", "0 1"], ["different lengths: 2 and 1"]),
        (["--ids", " ".join(["5"] * 65)], ["there are 65 ids, and the model takes 64"]),
        (["--ids", "1", "--ids-file", "x"], ["--ids and --ids-file are both there"]),
        (["--type-ids", "0"], ["--type-ids needs --ids"]),
        (["--ids-file", "x", "--type-ids", "0"], ["--type-ids goes with --ids"]),
        (["--ids", "1", "--ids", "2", "--type-ids", "0"], ["--ids is there 2 times, and --type-ids 1 times"]),
        (["--ids", "1\t2", "--type-ids", "0 1"], ["--ids has a tab"]),
        (["--ids", "1", "a text", "--top-k", "2"], ["a text does not go with token ids", "--top-k does not go"]),
        (["--ids", "1", "--input", "x.csv", "--output", "y.jsonl"], ["--input does not go", "--output does not go"]),
        (["--ids-file", "no-such-file"], ["can't read no-such-file: No such file or directory"]),
    ],
)
def test_what_is_wrong_is_named_at_once(bundle, arguments, problems, capsys):
    assert main([str(bundle), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for problem in problems:
        assert problem in captured.err


def test_a_file_without_sequences_and_one_that_is_no_text(bundle, tmp_path, capsys):
    (tmp_path / "empty").write_text("\n \n")
    assert main([str(bundle), "--ids-file", str(tmp_path / "empty")]) == 2
    assert "holds no sequence" in capsys.readouterr().err
    (tmp_path / "binary").write_bytes(b"\xff\xfe1")
    assert main([str(bundle), "--ids-file", str(tmp_path / "binary")]) == 2
    assert "is not UTF-8 text" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["where?", "there"], ["--input", "x.jsonl", "--output", "y.jsonl"]])
def test_texts_are_refused_without_a_tokenizer(tmp_path, arguments, capsys):
    assert main([str(without_tokenizer(tmp_path)), *arguments]) == 2
    assert f'python -m albert_runtime {tmp_path} --ids "2 14 3"' in capsys.readouterr().err


def test_labels_are_named_beside_their_numbers():
    two = format_outputs({"logits": np.array([0.5, -1.25])}, ["bad", "good"])
    assert two.splitlines() == ["logits:", "bad   0.5000", "good  -1.2500"]
    tags = format_outputs({"logits": np.array([[0, 1.0], [2, 1], [0, 3]])}, ["O", "B-PER"])
    assert tags == "logits, 3 x 2, best labels: B-PER O B-PER"
    assert format_outputs({"logits": np.float32(2)}, []) == "logits: 2.0000"
    assert format_outputs({"h": np.zeros((2, 8))}, []).endswith("0.0000 ... (--json gives all numbers)")


def test_help_needs_no_numpy():
    block = "import sys; sys.modules['numpy'] = None; from albert_runtime.cli import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
    assert "--ids-file FILE" in done.stdout, done.stderr
