"""Which tokenizers Task Library can use, and the files that it reads; tests/test_task_library.py runs the library."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_converters.tflite.task_library_tokenizer import sentencepiece_tokenizer, wordpiece_tokenizer
from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from albert_runtime.tokenization.wordpiece_model import WordPieceModel
from tests.conftest import VOCABULARY

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "人", "of", "##f"]


def model_of(folder: Path, pieces: list[str], unknown_piece: str = "[UNK]") -> WordPieceModel:
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8", newline="\n")
    return WordPieceModel(folder / "vocab.txt", unknown_piece)


def test_sentencepiece() -> None:
    tokenizer = sentencepiece_tokenizer(VOCABULARY.read_bytes())
    assert tokenizer.options == 5
    assert list(tokenizer.files) == ["spiece.model", "vocab.txt"]
    assert not tokenizer.problems
    assert sentencepiece_tokenizer(b"").problems == tuple(
        f"the tokenizer has no piece {piece}, which the Task Library adds to texts" for piece in ("[CLS]", "[SEP]")
    )
    with pytest.raises(UnsupportedError, match="can't be read"):
        sentencepiece_tokenizer(b"\xff")


def test_wordpiece(tmp_path: Path) -> None:
    tokenizer = wordpiece_tokenizer(model_of(tmp_path, PIECES), BertNormalizer())
    assert tokenizer.options == 4
    assert {name: content.decode().split("\n") for name, content in tokenizer.files.items()} == {"vocab.txt": PIECES}
    assert not tokenizer.problems
    assert ["accents" in note for note in tokenizer.notes] == [False, False, True]
    kept = wordpiece_tokenizer(model_of(tmp_path, PIECES), BertNormalizer(strip_accents=False))
    assert kept.notes == tokenizer.notes[:2]


def test_lines_that_are_no_pieces_keep_their_place(tmp_path: Path) -> None:
    """Task Library would skip an empty line; the first of two equal ones must not hide the unknown piece."""
    tokenizer = wordpiece_tokenizer(model_of(tmp_path, [*PIECES, "", "of", "a", "", "##b"]), BertNormalizer())
    expected = [*PIECES[:6], " ", "##f", " ", "of", "a", " ", "##b"]
    assert tokenizer.files["vocab.txt"].decode().split("\n") == expected


def test_what_it_cannot_follow_is_named(tmp_path: Path) -> None:
    model = model_of(tmp_path, ["<unk>", "a"], "<unk>")
    tokenizer = wordpiece_tokenizer(model, BertNormalizer(do_lower_case=False, tokenize_chinese_chars=False))
    named = ("no piece [CLS]", "no piece [SEP]", "unknown piece is <unk>", "do_lower_case", "tokenize_chinese_chars")
    assert len(tokenizer.problems) == len(named)
    assert all(name in problem for name, problem in zip(named, tokenizer.problems, strict=True))

    jamo = [*PIECES, "\u1112\u1161\u11ab", "##\u1100\u1173\u11af"]
    [problem] = wordpiece_tokenizer(model_of(tmp_path, jamo), BertNormalizer()).problems
    assert "takes Hangul apart (2 of its 10 pieces are of jamo)" in problem
    assert not wordpiece_tokenizer(model_of(tmp_path, jamo), BertNormalizer(strip_accents=False)).problems
    few = [*jamo, *(f"piece{number}" for number in range(100))]  # as vocabularies of Chinese have them
    assert not wordpiece_tokenizer(model_of(tmp_path, few), BertNormalizer()).problems
