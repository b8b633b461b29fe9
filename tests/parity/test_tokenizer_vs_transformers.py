"""The slow tokenizer of transformers is the truth: ids, layout and decoded text must be its own, always."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_converters.tokenizer.files import write_tokenizer
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tests.shared_data import all_texts

VOCABULARY = Path(__file__).parents[1] / "fixtures" / "albert" / "spiece.model"
OPTIONS = {
    "as published": {},
    "cased": {"do_lower_case": False},
    "accents": {"keep_accents": True},
    "as written": {"do_lower_case": False, "keep_accents": True, "remove_space": False},
}


@cache
def both(options: str) -> tuple[AlbertTokenizer, Any]:
    """Ours and theirs."""
    from transformers import AlbertTokenizer as SlowTokenizer
    from transformers import logging

    logging.set_verbosity_error()  # it warns of every pair that it cuts
    return AlbertTokenizer(VOCABULARY, **OPTIONS[options]), SlowTokenizer(str(VOCABULARY), **OPTIONS[options])


# Characters that some step treats in its own way, beside any other (lone surrogates are ours alone: theirs fails).
_PECULIAR = (
    *"\t\n\x0b\x1c\x1f \x85\xa0\u1680\u2028\u3000\u200b\u200d\ufeff\x00\xad▁",
    *"İıſΣσςẞßǅK①½\ufb01ﷺ㍿한\u1112\u1161\u11abéе\u0301\u0344\u3099\U0001d6ba\U0001f600",
    *"``''\"().,-–£€0129٣²",
    *("1,", "1999,", " 1,000,", "``", "''", "e\u0301", "[CLS]", "[SEP]", "[MASK]", " [MASK]", "<pad>", "<UNK>", "<pa"),
)
TEXTS = st.lists(st.sampled_from(_PECULIAR) | st.text(st.characters(codec="utf-8"), max_size=8), max_size=12).map(
    "".join
)


@pytest.mark.parametrize("options", OPTIONS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(text=TEXTS)
def test_any_text(options: str, text: str) -> None:
    ours, theirs = both(options)
    assert ours.tokenize(text) == theirs.tokenize(text)
    ids = ours.encode(text)
    assert ids == theirs.encode(text)
    assert ours.decode(ids) == theirs.decode(ids)
    assert ours.decode(ids, skip_special_tokens=True) == theirs.decode(ids, skip_special_tokens=True)


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3),
    has_pair=st.booleans(),
    options=st.fixed_dictionaries(
        {
            "truncation": st.sampled_from([False, "longest_first"]),
            "max_length": st.integers(4, 24),
            "padding": st.sampled_from([False, "longest", "max_length"]),
            "add_special_tokens": st.booleans(),
        }
    ),
)
def test_layout_truncation_and_padding(texts: list[tuple[str, str]], has_pair: bool, options: dict[str, Any]) -> None:
    ours, theirs = both("as published")
    first, second = map(list, zip(*texts, strict=True))
    arguments = (first, second) if has_pair else (first,)
    expected = theirs(*arguments, return_special_tokens_mask=True, **options)
    batch = ours(*arguments, **options)
    for key in ("input_ids", "token_type_ids", "attention_mask", "special_tokens_mask"):
        assert batch[key] == expected[key], key


@pytest.mark.parametrize("strategy", ["only_first", "only_second"])
@given(first=TEXTS, second=TEXTS, data=st.data())
@settings(max_examples=100, deadline=None)
def test_cutting_one_of_a_pair(strategy: str, first: str, second: str, data: st.DataObject) -> None:
    ours, theirs = both("as published")
    cut, kept = (first, second) if strategy == "only_first" else (second, first)
    longest, shortest = (len(ours.encode(text, add_special_tokens=False)) for text in (cut, kept))
    max_length = shortest + 3 + data.draw(st.integers(1, max(longest, 1)))
    options = {"truncation": strategy, "max_length": max_length, "padding": "max_length"}
    assert dict(ours(first, second, **options)) == dict(theirs(first, second, **options))


def test_padding_to_a_multiple() -> None:
    ours, theirs = both("as published")
    for options in ({"padding": True}, {"padding": "max_length", "max_length": 13}):
        texts = ["one", "two three four five six seven eight nine ten"]
        assert (
            ours(texts, pad_to_multiple_of=8, **options)["input_ids"]
            == theirs(texts, pad_to_multiple_of=8, **options)["input_ids"]
        )


def test_windows_of_long_contexts(fast: Any) -> None:
    """Against the fast one: the slow one makes no windows."""
    ours, _ = both("as published")
    context = " ".join(f"Sentence number {number} is here, in 19{number:02}." for number in range(100))
    options = {"max_length": 50, "return_overflowing_tokens": True, "padding": "max_length"}
    for arguments, stride, strategy in (
        ((["Which number?"], [context]), 16, "only_second"),
        ((["Which number?"], [context]), 0, "only_second"),
        (([context], ["Which number?"]), 7, "only_first"),
        (([context, "short"],), 24, "longest_first"),
    ):
        expected = fast(*arguments, stride=stride, truncation=strategy, **options)
        batch = ours(*arguments, stride=stride, truncation=strategy, **options)
        for key in ("input_ids", "token_type_ids", "attention_mask", "overflow_to_sample_mapping"):
            assert batch[key] == expected[key], key


def test_id_helpers() -> None:
    ours, theirs = both("as published")
    for arguments in (([5, 6, 7],), ([5, 6, 7], [8, 9]), ([], [])):
        for name in (
            "build_inputs_with_special_tokens",
            "get_special_tokens_mask",
            "create_token_type_ids_from_sequences",
        ):
            assert getattr(ours, name)(*arguments) == getattr(theirs, name)(*arguments), name
    everything = list(range(ours.vocab_size))
    assert ours.convert_ids_to_tokens(everything) == theirs.convert_ids_to_tokens(everything)
    tokens = [*ours.convert_ids_to_tokens(everything), "no such piece", ""]
    assert ours.convert_tokens_to_ids(tokens) == theirs.convert_tokens_to_ids(tokens)


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AlbertTokenizerFast

    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(both("as published")[0], folder)
    return AlbertTokenizerFast.from_pretrained(folder)


@pytest.mark.slow
@pytest.mark.parametrize("options", ["as published", "as written"])
def test_all_data(options: str, fast: Any, record_property: Callable[[str, object], None]) -> None:
    """No difference in ids; and each span, normalized alone by them, gives the letters of its token.

    The fast tokenizer of our tokenizer.json is compared here too, so that a corpus is tokenized once.
    """
    ours, theirs = both(options)
    texts: list[str] = []
    ids: list[list[int]] = []
    unequal = []
    out_of_order = []
    stretches: dict[tuple[str, str], str] = {}  # the letters of a token and its stretch of text -> a file with them
    for file, contents in all_texts().items():
        for text in contents:
            texts.append(text)
            [encoding] = ours(text, add_special_tokens=False).encodings
            ids.append(list(encoding.ids))
            if ids[-1] != theirs.encode(text, add_special_tokens=False):
                unequal.append((file, text[:80]))
            before = (0, 0)
            for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
                if not (before[0] <= start <= end <= len(text) and before[1] <= end):
                    out_of_order.append((file, token, text[start:end]))
                before = (start, end)
                stretches[token.strip("▁"), text[start:end]] = file
    wrong_spans = [
        (file, letters, stretch)
        for (letters, stretch), file in stretches.items()
        if not _stands_for(letters, "".join(theirs.tokenize(stretch)).replace("▁", ""), stretch)
    ]
    record_property("texts", len(texts))
    print(
        f"{len(texts)} texts, {len(unequal)} with other ids, {len(wrong_spans)} wrong spans of {len(stretches)} kinds"
    )
    assert len(texts) > 50_000
    assert not unequal, unequal[:10]
    assert not out_of_order, out_of_order[:10]
    assert not wrong_spans, wrong_spans[:10]
    if options == "as published":  # the options that `fast` was written with
        _assert_fast_agrees(texts, ids, fast, record_property)


def _stands_for(letters: str, normalized: str, stretch: str) -> bool:
    """Whether a token has the letters of its stretch; or a part, where one character became several ("6½": "61")."""
    became_several = any(len(unicodedata.normalize("NFKC", character)) > 1 for character in stretch)
    return letters == normalized or (became_several and letters in normalized)


def _assert_fast_agrees(
    texts: list[str], ids: list[list[int]], fast: Any, record: Callable[[str, object], None]
) -> None:
    """The few others are ties: SentencePiece adds scores in float32, the fast tokenizer in float64."""
    theirs = fast(texts, add_special_tokens=False, verbose=False)["input_ids"]
    equal = sum(mine == others for mine, others in zip(ids, theirs, strict=True))
    record("fast_share", equal / len(texts))
    print(
        f"tokenizer.json gives the ids of the slow tokenizer on {equal} of {len(texts)} texts: {equal / len(texts):.4%}"
    )
    assert equal / len(texts) >= 0.999


@pytest.mark.slow
def test_every_character(record_property: Callable[[str, object], None]) -> None:
    """Each code point, between letters and after a space."""
    ours, theirs = both("as published")
    unequal = []
    for start in range(0, 0x110000, 64):
        characters = [chr(code) for code in range(start, start + 64) if not 0xD800 <= code < 0xE000]
        # as many as fit in one text, a word for each: then only texts that differ are looked at closely
        text = " ".join(f"a{character}b {character}" for character in characters)
        if ours.encode(text) != theirs.encode(text):
            unequal.append(json.dumps(text))
    record_property("blocks_that_differ", len(unequal))
    assert not unequal, unequal[:5]
