"""The Kotlin tokenizer and Python's give the same ids and spans, for every kind of tokenizer."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from albert_runtime import AlbertTokenizer
from tests.runtime_android.conftest import RunKotlin
from tests.shared_data import shared_data
from tests.tokenizer_kinds import KINDS, write_kind
from tools.tokenizer_corpus import corpus_texts, write_corpus

pytestmark = [pytest.mark.jvm, pytest.mark.slow]

_CHECK = "tokenization.CorpusCheckKt"
_MADE = 250


def _corpus(folder: Path, texts: list[tuple[str, str | None]]) -> Path:
    """The corpus of `folder`'s tokenizer, in a file of that folder."""
    write_corpus(AlbertTokenizer.from_folder(folder), texts, folder / "corpus.jsonl")
    return folder / "corpus.jsonl"


def test_every_kind_of_tokenizer_gives_the_same_tokens(run_kotlin: RunKotlin, tmp_path: Path) -> None:
    texts = list(corpus_texts(None, _MADE))
    assert len(texts) > 2 * _MADE
    arguments = []
    for kind in KINDS:
        folder = write_kind(kind, tmp_path / kind)
        arguments += [folder, _corpus(folder, texts)]
    done = run_kotlin(_CHECK, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"^(?:.*/)?(\S+): (\d+ differences in \d+ texts)", done.stdout, re.MULTILINE))
    assert counts == dict.fromkeys(KINDS, f"0 differences in {len(texts)} texts")


def test_all_real_texts_give_the_same_tokens(run_kotlin: RunKotlin, tmp_path: Path) -> None:
    shutil.copy(shared_data("tokenizer/spiece.model"), tmp_path)
    texts = list(corpus_texts(shared_data("README.md").parent, _MADE))
    # The sums of scores of a text of this length become too large for 32 bits, so that the library begins them again.
    texts.append((" ".join(text for text, _ in texts[:6000]), None))
    done = run_kotlin(_CHECK, tmp_path, _corpus(tmp_path, texts))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f": 0 differences in {len(texts)} texts" in done.stdout


def test_a_difference_is_found(run_kotlin: RunKotlin, tmp_path: Path) -> None:
    folder = write_kind("demo", tmp_path / "demo")
    corpus = _corpus(folder, [("one text", None), ("another text", None)])
    corpus.write_text(corpus.read_text().replace('"one text"', '"two texts"'))
    done = run_kotlin(_CHECK, folder, corpus)
    assert done.returncode == 1
    assert "1 differences in 2 texts" in done.stdout
