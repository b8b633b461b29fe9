"""The tokenizer in JavaScript and Python's give the same ids and spans, for every kind of tokenizer."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from albert_export.samples.texts import corpus as sample_texts
from albert_runtime import AlbertTokenizer
from tests.runtime_js.javascript_package import PACKAGE, node
from tests.shared_data import shared_data
from tests.tokenizer_json import small_vocabulary
from tests.tokenizer_kinds import KINDS, write_kind
from tools.tokenizer_corpus import main, write_corpus

pytestmark = pytest.mark.node

#: texts of random Unicode for each kind
_MADE = 800
#: seconds after which a run of Node counts as hanging
_LIMIT = 600


def _check(folder: Path, corpus: Path) -> dict[str, Any]:
    """What tools/check-corpus.mjs says of `corpus`."""
    command = [node(), str(PACKAGE / "tools" / "check-corpus.mjs"), str(folder), str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=_LIMIT)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if found["differences"] else 0), done.stderr
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_tokens_of_every_kind_are_the_same(kind: str, tmp_path: Path) -> None:
    node()
    folder, corpus = write_kind(kind, tmp_path / "tokenizer"), tmp_path / "corpus.jsonl"
    assert main([str(folder), "--made", str(_MADE), "-o", str(corpus)]) == 0
    found = _check(folder, corpus)
    assert found["texts"] > _MADE
    assert found["differences"] == 0, found["first_differences"]


@pytest.mark.parametrize(
    "options",
    [
        {"model_type": "bpe", "user_defined_symbols": ["the ", "!!!", "1,0", "tion", "ti", "▁in"]},
        {"model_type": "bpe", "control_symbols": ["x", "[CLS]", "[SEP]", "[MASK]"]},
        {"model_type": "bpe", "treat_whitespace_as_suffix": True},
        {"user_defined_symbols": ["the ", "!!!", "1,0", "tion", "ti"], "byte_fallback": True, "vocab_size": 900},
        {"treat_whitespace_as_suffix": True, "remove_extra_whitespaces": False},
    ],
    ids=["bpe-user-defined", "bpe-control", "bpe-suffix", "user-defined-bytes", "suffix"],
)
def test_the_tokens_of_other_models_of_sentencepiece_are_the_same(options: dict[str, Any], tmp_path: Path) -> None:
    node()
    folder, corpus = tmp_path / "tokenizer", tmp_path / "corpus.jsonl"
    folder.mkdir()
    small_vocabulary(folder / "spiece.model", list(sample_texts()), **{"user_defined_symbols": [], **options})
    assert main([str(folder), "--made", str(_MADE), "-o", str(corpus)]) == 0
    found = _check(folder, corpus)
    assert found["texts"] > _MADE
    assert found["differences"] == 0, found["first_differences"]


def test_a_long_text_is_split_as_by_the_library(tmp_path: Path) -> None:
    """SentencePiece makes the sum of the scores 0 again before it has too few bits to tell two ways apart."""
    node()
    folder, corpus = write_kind("english", tmp_path / "tokenizer"), tmp_path / "corpus.jsonl"
    words = "imaginable Hush!' majornelson powers, unbelievably vexed by the 1,999 laziest kesalahan -- quenched "
    texts = [words * 3000, "imaginable " * 20000]
    write_corpus(AlbertTokenizer.from_folder(folder), [(text, None) for text in texts], corpus)
    found = _check(folder, corpus)
    assert found["texts"] == 2
    assert found["differences"] == 0


@pytest.mark.slow
def test_the_tokens_of_all_real_texts_are_the_same(tmp_path: Path) -> None:
    node()
    vocabulary = shared_data("tokenizer/spiece.model")
    data = shared_data("README.md").parent
    folder, corpus = tmp_path / "tokenizer", tmp_path / "corpus.jsonl"
    folder.mkdir()
    shutil.copy(vocabulary, folder)
    assert main([str(folder), "--data", str(data), "-o", str(corpus)]) == 0
    found = _check(folder, corpus)
    assert found["texts"] > 10_000
    assert found["differences"] == 0, found["first_differences"]


def test_a_difference_is_found(tmp_path: Path) -> None:
    node()
    folder, corpus = write_kind("wordpiece", tmp_path / "tokenizer"), tmp_path / "corpus.jsonl"
    write_corpus(AlbertTokenizer.from_folder(folder), [("one text", None), ("another text", None)], corpus)
    corpus.write_text(corpus.read_text("ascii").replace('"one text"', '"two texts"'), "ascii")
    found = _check(folder, corpus)
    assert (found["texts"], found["differences"]) == (2, 1)
    assert found["first_differences"][0]["text"] == "two texts"
