"""The corpus of a tokenizer: its lines say what the tokenizer gives, and every run makes the same ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albert_export.vectors.texts import TEXTS
from albert_runtime import AlbertTokenizer
from tests.tokenizer_kinds import write_kind
from tools.tokenizer_corpus import hypothesis_texts, made_texts, main


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_kind("wordpiece", tmp_path_factory.mktemp("kinds") / "wordpiece")


def code_units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def test_lines_say_what_the_tokenizer_gives(tokenizer_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    assert main([str(tokenizer_folder), "-o", str(file), "--made", "40"]) == 0
    tokenizer = AlbertTokenizer.from_folder(tokenizer_folder)
    records = [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]
    texts = {one["text"] for one in records}
    assert {TEXTS["emoji"], TEXTS["lone surrogates"], *made_texts(40), *hypothesis_texts(40)} <= texts
    assert any(one["pair"] for one in records)
    for record in records:
        encoding = tokenizer(record["text"], record["pair"]).encodings[0]
        assert record["ids"] == list(encoding.ids)
        for span, utf16, which in zip(encoding.offsets, record["spans_utf16"], encoding.sequence_ids, strict=True):
            text = record["pair" if which else "text"]
            found = code_units(text)[2 * utf16[0] : 2 * utf16[1]]
            assert found == (code_units(text[span[0] : span[1]]) if which is not None else b"")


def test_two_runs_give_the_same_bytes(tokenizer_folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / "first", tmp_path / "second"]
    for file in files:
        assert main([str(tokenizer_folder), "-o", str(file), "--made", "30"]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_limit_and_data(tokenizer_folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "lines.txt").write_text("A line of its own.\n", encoding="utf-8")
    squad = {"data": [{"paragraphs": [{"context": "The only context.", "qas": [{"question": "Which one?"}]}]}]}
    (data / "squad.json").write_text(json.dumps(squad), encoding="utf-8")
    (data / "tags.conll").write_text("Clara\tB-PER\nsleeps\tO\n\t\nOtto\tB-PER\n\nHe\tO\n", encoding="utf-8")
    file = tmp_path / "corpus.jsonl"
    assert main([str(tokenizer_folder), "-o", str(file), "--made", "0", "--data", str(data)]) == 0
    texts = [json.loads(line)["text"] for line in file.read_text(encoding="ascii").splitlines()]
    assert texts[-6:] == ["A line of its own.", "The only context.", "Which one?", "Clara sleeps", "Otto", "He"]
    assert main([str(tokenizer_folder), "-o", str(file), "--made", "0", "--limit", "7"]) == 0
    assert len(file.read_text(encoding="ascii").splitlines()) == 7


def test_made_texts_survive_json() -> None:
    texts = [*made_texts(300), *hypothesis_texts(300)]
    assert json.loads(json.dumps(texts)) == texts
    assert any("\ud800" <= character <= "\udfff" for text in texts for character in text)


def test_refuses(tokenizer_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "corpus.jsonl"
    assert main([str(tmp_path / "nowhere"), "-o", str(file), "--made", "0"]) != 0
    assert "nowhere" in capsys.readouterr().err
    assert main([str(tokenizer_folder), "-o", str(file), "--made", "0", "--data", str(tmp_path / "none")]) == 2
    assert "none is not a folder; give a folder of plain text" in capsys.readouterr().err
    (tmp_path / "blocked").write_text("a file", encoding="utf-8")
    assert main([str(tokenizer_folder), "-o", str(tmp_path / "blocked" / "x"), "--made", "0"]) == 2
    assert "can't write" in capsys.readouterr().err
    assert not file.exists()
