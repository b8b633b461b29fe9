"""vocab.txt is read as transformers reads it, and words are split into the longest pieces."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.wordpiece_model import WordPieceModel, clean_up_spaces

PIECES = ("[UNK]", "un", "##aff", "##able", "##a", "a", "aff", "##ff", "人", "##e\u0301", "e", "play", "##ing", "##in")


def model_of(folder: Path, content: str | bytes) -> WordPieceModel:
    file = folder / "vocab.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return WordPieceModel(file, "[UNK]")


@pytest.fixture
def model(tmp_path: Path) -> WordPieceModel:
    return model_of(tmp_path, "\n".join(PIECES))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unaffable", [("un", "un"), ("##aff", "aff"), ("##able", "able")]),
        ("  aff\u2028a ", [("aff", "aff"), ("a", "a")]),
        ("playin playing", [("play", "play"), ("##in", "in"), ("play", "play"), ("##ing", "ing")]),
        ("unb aff", [("[UNK]", "unb"), ("aff", "aff")]),
        ("a" * 100, [("a", "a")] + [("##a", "a")] * 99),
        ("a" * 101, [("[UNK]", "a" * 101)]),
        ("人人 人", [("[UNK]", "人人"), ("人", "人")]),
        ("ee\u0301", [("e", "e"), ("##e\u0301", "e\u0301")]),
        ("[UNK]", [("[UNK]", "[UNK]")]),
        ("", []),
        (" \t", []),
    ],
)
def test_pieces_and_spans(model: WordPieceModel, text: str, expected: list[tuple[str, str]]) -> None:
    assert [(piece, text[start:end]) for piece, start, end in model.split(AlignedText.of(text))] == expected


def test_ids(model: WordPieceModel) -> None:
    assert len(model) == len(PIECES)
    assert [model.id_of(piece) for piece in PIECES] == list(range(len(PIECES)))
    assert [model.piece_of(index) for index in range(len(PIECES))] == list(PIECES)
    assert model.id_of("absent") == model.id_of("[UNK]") == 0
    assert model.holds("##aff")
    assert not model.holds("absent")
    assert not model.repeated


def test_words_are_joined(model: WordPieceModel) -> None:
    assert model.join(["un", "##aff", "##able", "a", "人"]) == "unaffable a 人"
    assert model.join(["##aff", "a"]) == "##aff a"
    assert model.join([]) == ""
    assert [not model.starts_word(piece) for piece in ("##a", "a", "#", "##")] == [True, False, False, True]


def test_spaces_are_cleaned_up() -> None:
    from transformers import BertTokenizer

    text = "do n't , I 'm here , he 's not . ' so ' we 've ! ' they 're ?"
    assert clean_up_spaces(text) == BertTokenizer.clean_up_tokenization(text)


@pytest.mark.parametrize(
    "content",
    [
        "[UNK]\r\na\r\nb\r\n",
        "[UNK]\ra\rb",
        "[UNK]\na\n\nb\n\n",  # an empty line is a piece, and the last of them counts
        "[UNK]\na\nb\na\nc\n",  # so does the last of equal lines
        "\ufeff[PAD]\n[UNK]\na",  # the mark belongs to the piece
        "[UNK]\n a \n\u3000\n\x0b\n\x85\u2028\nx\x1cy\n\0",
    ],
)
def test_the_file_is_read_as_transformers_reads_it(content: str, tmp_path: Path) -> None:
    from transformers import BertTokenizer
    from transformers.models.bert.tokenization_bert import load_vocab

    model = model_of(tmp_path, content)
    expected = load_vocab(str(tmp_path / "vocab.txt"))
    assert {piece: model.id_of(piece) for piece in expected} == expected
    assert len(model) == max(expected.values()) + 1
    theirs = BertTokenizer(str(tmp_path / "vocab.txt"))
    assert [model.piece_of(index) for index in range(len(model))] == [
        theirs._convert_id_to_token(index) for index in range(len(model))
    ]


def test_repeated_pieces_are_named(tmp_path: Path) -> None:
    model = model_of(tmp_path, "[UNK]\na\nb\na\n\n\n")
    assert model.repeated == ("a", "")
    assert [model.piece_of(index) for index in range(len(model))] == ["[UNK]", "[UNK]", "b", "a", "[UNK]", ""]


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        (b"", ["is empty"]),
        (b"\n\n", ["is empty"]),
        ("[UNK]\na".encode("utf-16"), ["not a text in UTF-8", "byte 0 is 0xff", "save it as UTF-8"]),
        ("[UNK]\na".encode("utf-16-le"), ["the piece [UNK] is missing", "zero bytes"]),
        ("[UNK]\né".encode("latin-1"), ["byte 6 is 0xe9"]),
        ("\ufeff[UNK]\na".encode(), ["the piece [UNK] is missing among its 2 lines", "byte order mark"]),
        (b"<unk>\na\n", ["the piece [UNK] is missing", "the first of which is '<unk>'", "use the vocab.txt"]),
        (b"a\n [UNK] \n", ["line 2 has white space around [UNK]"]),
        (b"x" * 100, ["'" + "x" * 40 + "...'"]),
    ],
)
def test_other_files_are_refused(content: bytes, messages: list[str], tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as error:
        model_of(tmp_path, content)
    assert [message for message in messages if message not in str(error.value)] == []


def test_a_missing_folder_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="can't be read"):
        WordPieceModel(tmp_path / "vocab.txt", "[UNK]")
    with pytest.raises(UnsupportedError, match="can't be read"):
        WordPieceModel(tmp_path, "[UNK]")
    with (tmp_path / "vocab.txt").open("wb") as file:
        file.truncate(1 << 30)  # no file system stores these zeros
    with pytest.raises(UnsupportedError, match="has 1073741824 bytes, and the limit is 67108864"):
        WordPieceModel(tmp_path / "vocab.txt", "[UNK]")
