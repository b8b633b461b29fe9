"""The Kotlin tokenizer and Python's give the same ids and spans, for every kind of tokenizer."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tests.shared_data import all_texts, shared_data
from tests.tokenizer_json import VOCABULARY, fast_tokenizer, small_vocabulary, write_fast_tokenizer
from tests.wordpiece_vocabulary import declarations, write_vocabulary
from tools.kotlin_jvm.build import Build, build
from tools.kotlin_jvm.parts import Parts

pytestmark = pytest.mark.jvm

_CHECK = "albert.runtime.tokenization.CorpusCheckKt"
_LITERALS = (
    "[SEP]", "[MASK]", " [MASK] ", "<unk>", "<PAD>", "``", "''", "1999,", "1,000,000,", "²,", "!!!!", "\r\n", "the ",
    "ΟΔΟΣ", "İ", "e\u0301", "ﬁ", "👩\u200d👩", "👩🏽", "가", "が", "中文", "\u00a0", "\u200b", "▁", "<0x41>", "don't",
    "New York", "\ufffd",
)  # fmt: skip
_TEXTS = 1500


@pytest.fixture(scope="session")
def kotlin() -> Build:
    """The compiled library and its tests; skips where they can't be compiled."""
    parts = Parts()
    problem = parts.missing()
    if problem is not None:
        pytest.skip(f"the Kotlin library can't be built here: {problem}")
    return build(parts)


def made_texts() -> list[str]:
    """Texts of characters that every JVM knows (Unicode 3.2), and of what tokenizers treat in its own way."""
    found: list[str] = []
    # Lone surrogates are not among them: JSON can't tell a pair of them from the character that it encodes.
    old = unicodedata.ucd_3_2_0
    character = st.characters(exclude_categories=("Cs", "Cn", "Co")).filter(lambda one: old.category(one) != "Cn")
    part = st.one_of(st.sampled_from(_LITERALS), st.text(character, max_size=6), st.text("aeéi ,.19\t!", max_size=8))

    @settings(
        max_examples=_TEXTS, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(part, min_size=1, max_size=8).map("".join))
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return [text for text in dict.fromkeys(found) if text]


def _corpus(folder: Path, texts: Sequence[str]) -> Path:
    """The corpus of `folder`'s tokenizer: in each line a text, or a pair, and its ids and spans in UTF-16 units."""
    tokenizer = AlbertTokenizer.from_folder(folder)
    file = folder / "corpus.jsonl"
    with file.open("w", encoding="ascii") as stream:
        for number, text in enumerate(texts):
            pair = texts[number - 1] if number % 50 == 1 else None
            stream.write(json.dumps(_record(tokenizer, text, pair)) + "\n")
    return file


def _record(tokenizer: AlbertTokenizer, text: str, pair: str | None) -> dict[str, Any]:
    [found] = tokenizer(text, pair).encodings
    units = [_units(text), _units(pair or "")]
    spans = [
        [0, 0] if sequence is None else [units[sequence][start], units[sequence][end]]
        for (start, end), sequence in zip(found.offsets, found.sequence_ids, strict=True)
    ]
    return {"text": text, "pair": pair, "ids": list(found.ids), "spans_utf16": spans}


def _units(text: str) -> list[int]:
    """The position in UTF-16 units of each character, and of the end."""
    places = [0]
    for one in text:
        places.append(places[-1] + 1 + (one > "\uffff"))
    return places


def _train(folder: Path, **options: Any) -> None:
    lines = [line for paragraphs in declarations().values() for line in paragraphs]
    small_vocabulary(folder / "spiece.model", lines, **options)


def _settings(folder: Path, **content: Any) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "AlbertTokenizer", **content}))


def _many_added_tokens() -> dict[str, Any]:
    """More tokens than are looked for one by one, some of which overlap."""
    contents = [f"{'x' * (number % 7 + 1)}{chr(0x100 + number)}" for number in range(80)]
    tokens: list[dict[str, Any]] = [{"content": one, "special": False} for one in contents]
    tokens += [
        {"content": "New York", "special": False, "normalized": True, "lstrip": True},
        {"content": "``", "special": True},
    ]
    return {str(30000 + number): token for number, token in enumerate(tokens)}


def _make(kind: str, folder: Path) -> None:
    """Write the files of a tokenizer of the given kind to `folder`."""
    if kind.startswith("wordpiece"):
        write_vocabulary(folder / "vocab.txt")
        options: dict[str, dict[str, Any]] = {
            "wordpiece cased": {"do_lower_case": False, "tokenize_chinese_chars": False}
        }
        _settings(folder, tokenizer_class="BertTokenizer", **options.get(kind, {}))
    elif kind.startswith("fast"):
        shutil.copy(VOCABULARY, folder / "spiece.model")
        write_fast_tokenizer(folder, fast_tokenizer(int(kind[-1])), tokenizer_rules="fast")
    elif kind.startswith("trained"):
        trained: dict[str, dict[str, Any]] = {
            "trained with bytes": {"byte_fallback": True, "vocab_size": 800},
            "trained without rules": {"normalization_rule_name": "identity"},
            "trained with spaces": {"remove_extra_whitespaces": False, "add_dummy_prefix": False},
            "trained with user-defined pieces": {"user_defined_symbols": ["the ", "!!!", "1,0", "don't", "tion", "ti"]},
        }
        _train(folder, **trained[kind])
        _settings(folder, **({"tokenizer_rules": "sentencepiece"} if kind == "trained with spaces" else {}))
    else:
        shutil.copy(VOCABULARY, folder / "spiece.model")
        published: dict[str, dict[str, Any]] = {
            "published": {},
            "published, cased": {"do_lower_case": False, "keep_accents": True, "remove_space": False},
            "published, SentencePiece alone": {"tokenizer_rules": "sentencepiece"},
            "published, with added tokens": {"added_tokens_decoder": _many_added_tokens()},
        }
        _settings(folder, **published[kind])


_KINDS = (
    "published", "published, cased", "published, SentencePiece alone", "published, with added tokens", "wordpiece",
    "wordpiece cased", "fast 4", "fast 5", "trained with bytes", "trained without rules", "trained with spaces",
    "trained with user-defined pieces",
)  # fmt: skip


@pytest.mark.parametrize("kind", _KINDS)
def test_kotlin_gives_the_same_tokens_for_made_texts(kind: str, kotlin: Build, tmp_path: Path) -> None:
    _make(kind, tmp_path)
    texts = made_texts()
    assert len(texts) > _TEXTS // 2
    texts += [line for paragraphs in declarations().values() for line in paragraphs[::7] if line]
    assert kotlin.java(_CHECK, [str(tmp_path), str(_corpus(tmp_path, texts))]) == 0


@pytest.mark.slow
def test_kotlin_gives_the_same_tokens_for_all_real_texts(kotlin: Build, tmp_path: Path) -> None:
    shutil.copy(shared_data("tokenizer/spiece.model"), tmp_path)
    texts = [text for texts in all_texts().values() for text in texts if text]
    assert kotlin.java(_CHECK, [str(tmp_path), str(_corpus(tmp_path, texts))]) == 0


def test_a_difference_is_found(kotlin: Build, tmp_path: Path) -> None:
    _make("published", tmp_path)
    corpus = _corpus(tmp_path, ["one text", "another text"])
    corpus.write_text(corpus.read_text().replace('"one text"', '"two texts"'))
    assert kotlin.java(_CHECK, [str(tmp_path), str(corpus)]) == 1
