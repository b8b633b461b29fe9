"""The tokenizer of a tokenizer.json against the `tokenizers` library, which wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import ucd_3_2_0

import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_converters.tokenizer.sentencepiece_writer import sentencepiece_model
from albert_export.samples.texts import corpus, sentences
from albert_runtime import AlbertTokenizer
from albert_runtime.tokenization.fast.rules import FastRules
from tests.shared_data import all_texts
from tests.tokenizer_json import fast_tokenizer

#: what normalizers, added tokens and words treat in special ways, and what composes
PARTS = [
    "a", "B", "1,", "1,999", "9", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2028", "é", "e\u0301",
    "\u0301\u0323", "ﬁ", "İ", "ß", "Σ", "ς", "한", "\u1112\u1161\u11ab", "日本", "ー", "が", "\u0939\u093f",
    "\u0915\u094d\u200d", "👍🏽", "``", "''", "(", ")", "-", ".", "£", "½", "①", "Å", "~", "\x00", "\ufffd", "▁",
    "[MASK]", " [MASK]", "<PAD>", "<pad>", "<unk>", "[CLS]", "!!!!",
]  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "transformers 4": {"version": 4},
    "transformers 5": {"version": 5},
    "cased, with accents": {"version": 5, "do_lower_case": False, "keep_accents": True},
    "4, with accents": {"version": 4, "keep_accents": True},
}


def pair_of(content: dict[str, Any]) -> tuple[AlbertTokenizer, tokenizers.Tokenizer]:
    rules = FastRules.from_json(content, "tokenizer.json")
    ours = AlbertTokenizer(
        "spiece.model",
        added_tokens=rules.tokens,
        fast_rules=rules,
        content=sentencepiece_model(content, "tokenizer.json"),
    )
    return ours, tokenizers.Tokenizer.from_str(json.dumps(content))


@pytest.fixture(params=KINDS, scope="module")
def pair(request: pytest.FixtureRequest) -> tuple[AlbertTokenizer, tokenizers.Tokenizer]:
    return pair_of(fast_tokenizer(**KINDS[request.param]))


def equal(pair: tuple[AlbertTokenizer, tokenizers.Tokenizer], text: str) -> None:
    ours, theirs = pair
    [encoding] = ours(text).encodings
    expected = theirs.encode(text)
    assert list(encoding.ids) == expected.ids, text
    previous = 0
    for start, end in encoding.offsets[1:-1]:
        assert previous <= start <= end <= len(text), text
        previous = start


def test_bundled_texts(pair: tuple[AlbertTokenizer, tokenizers.Tokenizer]) -> None:
    for text in (*sentences(), *corpus()):
        equal(pair, text)


def test_pairs_have_the_types_of_the_template(pair: tuple[AlbertTokenizer, tokenizers.Tokenizer]) -> None:
    ours, theirs = pair
    expected = theirs.encode("a question?", "the (long) answer")
    found = ours("a question?", "the (long) answer")
    assert (found["input_ids"], found["token_type_ids"]) == (expected.ids, expected.type_ids)


def test_texts_made_of_difficult_parts(pair: tuple[AlbertTokenizer, tokenizers.Tokenizer]) -> None:
    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
    def check(text: str) -> None:
        equal(pair, text)

    check()


def test_any_text(pair: tuple[AlbertTokenizer, tokenizers.Tokenizer]) -> None:
    # The tables of Python and of `tokenizers` are of different versions of Unicode; both know the characters of 3.2.
    known = st.characters(exclude_categories=("Cs",)).filter(lambda one: ucd_3_2_0.category(one) != "Cn")

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(st.text(known, max_size=30))
    def check(text: str) -> None:
        equal(pair, text)

    check()


@pytest.mark.slow
def test_all_data(pair: tuple[AlbertTokenizer, tokenizers.Tokenizer]) -> None:
    for texts in all_texts().values():
        for text in texts[::10]:
            equal(pair, text)


WITH_TOKENS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "normalized": lambda content: content["added_tokens"].append(token("Straße é", 30000, normalized=True)),
    "single word": lambda content: content["added_tokens"].append(token("qcat", 30000, single_word=True)),
    "stripping": lambda content: content["added_tokens"].append(token("<x>", 30000, lstrip=True, rstrip=True)),
    "overlapping": lambda content: content["added_tokens"].extend([token("qx", 30000), token("qxqx c", 30001)]),
}


def token(content: str, index: int, **flags: bool) -> dict[str, Any]:
    usual = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"id": index, "content": content, **usual, **flags}


@pytest.mark.parametrize("kind", WITH_TOKENS)
def test_added_tokens(kind: str) -> None:
    content = fast_tokenizer(5)
    WITH_TOKENS[kind](content)
    pair = pair_of(content)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["qcat", "qcats", " ", "  ", "<x>", "STRASSE E", "Straße é", "straße e", "qx", "c", "."]),
            max_size=8,
        )
    )
    def check(parts: list[str]) -> None:
        equal(pair, "".join(parts))

    check()


def test_the_written_sentencepiece_model_gives_nearly_the_same(tmp_path: Path) -> None:
    """Devices have only this file: its pieces, scores and rules are those of the tokenizer.json."""
    import sentencepiece

    content = fast_tokenizer(5)
    model = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model(content, "tokenizer.json"))
    ours, _ = pair_of(content)
    plain = [text for text in corpus() if text.isascii() and not set(text) & set("()\"-.`'") and "," not in text]
    assert len(plain) > 0
    for text in plain:
        assert model.encode(text.lower()) == ours.encode(text, add_special_tokens=False), text
