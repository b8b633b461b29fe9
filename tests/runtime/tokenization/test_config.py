from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

VOCABULARY = Path(__file__).parents[2] / "fixtures" / "albert" / "spiece.model"


def folder_with(tmp_path: Path, **settings: object) -> Path:
    shutil.copyfile(VOCABULARY, tmp_path / "spiece.model")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    return tmp_path


def test_settings_are_read(tmp_path: Path) -> None:
    settings = {"do_lower_case": False, "keep_accents": True, "remove_space": False, "model_max_length": 128}
    tokenizer = AlbertTokenizer.from_folder(folder_with(tmp_path, **settings))
    assert {name: getattr(tokenizer, name) for name in settings} == settings


def test_null_and_numbers_are_read_as_hugging_face_does(tmp_path: Path) -> None:
    settings = {"do_lower_case": None, "keep_accents": 1, "remove_space": None, "padding_side": None}
    tokenizer = AlbertTokenizer.from_folder(folder_with(tmp_path, **settings))
    assert (tokenizer.do_lower_case, tokenizer.keep_accents, tokenizer.remove_space) == (False, True, False)


def test_left_padding_is_accepted_with_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = folder_with(tmp_path, padding_side="left")
    for _ in range(2):
        AlbertTokenizer.from_folder(folder)
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "padding_side is 'left'; answers are those of texts without padding, which training on padded batches may have "
        "seen at other positions"
    ]


@pytest.mark.parametrize("length", [1000000000000000019884624838656, 1e30])
def test_no_limit(tmp_path: Path, length: float) -> None:
    assert AlbertTokenizer.from_folder(folder_with(tmp_path, model_max_length=length)).model_max_length >= 10**20


def test_defaults_without_a_file(tmp_path: Path) -> None:
    shutil.copyfile(VOCABULARY, tmp_path / "spiece.model")
    tokenizer = AlbertTokenizer.from_folder(tmp_path)
    assert (tokenizer.do_lower_case, tokenizer.keep_accents, tokenizer.model_max_length) == (True, False, 512)


def test_every_problem_is_named(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path,
        do_lower_case="yes",
        model_max_length=-3,
        cls_token={"content": 7},
        additional_special_tokens=["<image>", 7],
        truncation_side="left",
        padding_side="top",
    )
    (tmp_path / "added_tokens.json").write_text('{"<one>": 30000, "<two>": 30000, "<three>": "x"}')
    with pytest.raises(UnsupportedError) as caught:
        AlbertTokenizer.from_folder(folder)
    for part in (
        "do_lower_case is 'yes'",
        "model_max_length is -3",
        "cls_token is 7",
        "additional_special_tokens must be",
        "truncation_side",
        "padding_side is 'top'",
        "<three>",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_not_a_json_object(tmp_path: Path, content: str) -> None:
    folder = folder_with(tmp_path)
    (folder / "tokenizer_config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UnsupportedError, match=r"tokenizer_config\.json"):
        AlbertTokenizer.from_folder(folder)


SINGLE_WORD = {"content": "[E1]", "single_word": True}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"30000": SINGLE_WORD}, r"\[E1\] has single_word"),
        ({"30000": {"content": "[E1]"}, "30001": {"content": "[E1]"}}, r"\[E1\] is token 30000 and token 30001"),
        ({"30000": {"content": "a"}, "030000": {"content": "b"}}, "token 30000 is a and b"),
        ({"30000": {"content": ""}}, "an added token is ''"),
        ({"30000": {}}, "an added token is None"),
        ({"30000": 7}, "must be a table of ids and tokens"),
        ({"-1": {"content": "[E1]"}}, r"\[E1\] has the id -1"),
        ({"77": {"content": "[E1]"}}, r"\[E1\] is token 77, which is the piece"),
        ({"30000": {"content": "▁the"}}, "▁the is token 30000 .*, and 14 in the vocabulary"),
        ([], "must be a table of ids and tokens"),
    ],
)
def test_added_tokens_that_are_refused(table: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=message):
        AlbertTokenizer.from_folder(folder_with(tmp_path, added_tokens_decoder=table))


def test_added_tokens_without_ids_follow_the_others(tmp_path: Path) -> None:
    table = {"30000": {"content": "[E1]"}, "30001": {"content": "[E2]"}}
    folder = folder_with(tmp_path, added_tokens_decoder=table, additional_special_tokens=["[E3]", "[E1]"])
    tokenizer = AlbertTokenizer.from_folder(folder)
    assert tokenizer.convert_tokens_to_ids(["[E1]", "[E2]", "[E3]"]) == [30000, 30001, 30002]
    assert (len(tokenizer), tokenizer.vocab_size) == (30003, 30000)


def test_spans_of_added_tokens(tmp_path: Path) -> None:
    """Each is a word of its own, and its span is what stands in the text."""
    table = {"30000": {"content": "[e1]"}, "30001": {"content": "[L]", "lstrip": True, "special": True}}
    tokenizer = AlbertTokenizer.from_folder(folder_with(tmp_path, added_tokens_decoder=table))
    text = "Ünï[E1]  [e1]x\u0130 [L]y"
    [encoding] = tokenizer(text, add_special_tokens=False).encodings
    spans = {token: text[slice(*span)] for token, span in zip(encoding.tokens, encoding.offsets, strict=True)}
    assert spans["[e1]"] == "[e1]"
    first = encoding.tokens.index("[e1]")
    assert text[slice(*encoding.offsets[first])] == "[E1]"
    assert encoding.ids[first : first + 2] == (30000, 30000)
    words = encoding.word_ids[first - 1 : first + 3]
    assert [word - words[0] for word in words] == [0, 1, 2, 3]  # type: ignore[operator]
    assert encoding.special_tokens_mask == (0,) * len(encoding)
