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
        cls_token={"content": "<s>"},
        additional_special_tokens=["<extra>"],
        truncation_side="left",
    )
    (tmp_path / "added_tokens.json").write_text('{"<more>": 30000}')
    with pytest.raises(UnsupportedError) as caught:
        AlbertTokenizer.from_folder(folder)
    for part in ("do_lower_case is 'yes'", "model_max_length is -3", "'<s>'", "<extra>, <more>", "truncation_side"):
        assert part in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_not_a_json_object(tmp_path: Path, content: str) -> None:
    folder = folder_with(tmp_path)
    (folder / "tokenizer_config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UnsupportedError, match=r"tokenizer_config\.json"):
        AlbertTokenizer.from_folder(folder)
