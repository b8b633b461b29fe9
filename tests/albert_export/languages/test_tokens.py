"""Tokenizers of other languages: ids as transformers' slow tokenizer gives them, and spans in the text."""

from __future__ import annotations

import itertools
import unicodedata
from pathlib import Path

import transformers

from albert_export.samples.languages import LANGUAGES
from albert_export.samples.sample_texts import texts_for
from albert_export.samples.texts import sentences
from albert_export.samples.vocabulary_fit import unknown_share
from albert_runtime import AlbertTokenizer
from tests.albert_export.languages.small_checkpoints import MODELS

#: characters that look alike, composed and decomposed, full and half width, and signs that scripts need
HARD = [
    "Ｆｕｌｌ　ｗｉｄｔｈ １２３，４５６。",
    "ﾊﾝｶｸ ｶﾀｶﾅ ガ ガ が か゛",
    "각 각 한국어",
    "क़ क़ ज़ ड़ ॐ।",
    "می‌خواهم كتاب کتاب ي ی",
    "Việt Việt Việt Đ đ",
    "龍 龙 竜 𠮷 〆 々",
    "1999, 9, ９，",
    "[MASK]の[SEP] <unk> [CLS]",
    "\u200bzero\u200c width\u200d \ufeff",
    "ا\u064eل\u0651",
    "",
]


def plain(text: str) -> str:
    """`text` without what a tokenizer may change: case, accents, widths, spaces and invisible signs."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).lower())
    return "".join(
        sign for sign in decomposed if not unicodedata.combining(sign) and sign.isprintable() and sign != " "
    )


def bare(token: str) -> str:
    """`token` without the mark of a word's start or continuation."""
    return token.replace("▁", "").removeprefix("##")


def test_ids_are_those_of_the_slow_tokenizer(case: tuple[str, str], checkpoint: Path) -> None:
    ours = AlbertTokenizer.from_folder(checkpoint)
    oracle = transformers.BertTokenizer if case[0] == "wordpiece" else transformers.AlbertTokenizer
    theirs = oracle.from_pretrained(checkpoint)
    lines = [*MODELS[case[1]].lines, *sentences(), *HARD, *(language.question for language in LANGUAGES)]
    assert [line for line in lines if ours.encode(line) != theirs.encode(line)] == []
    pairs = list(itertools.pairwise(lines))
    assert [pair for pair in pairs if ours.encode(*pair) != theirs.encode(*pair)] == []


def test_spans_cover_the_text(case: tuple[str, str], checkpoint: Path) -> None:
    tokenizer = AlbertTokenizer.from_folder(checkpoint)
    for line in MODELS[case[1]].lines:
        encoding = tokenizer(line).encodings[0]
        position = 0
        for token, (start, end), special in zip(
            encoding.tokens, encoding.offsets, encoding.special_tokens_mask, strict=True
        ):
            if special:
                continue
            surface = plain(line[start:end])
            if start < position:  # two tokens share a character that was decomposed
                shared = line[start:position]
                assert len(shared) < len(unicodedata.normalize("NFKD", shared)) or not surface
                assert plain(bare(token)) in surface
            else:
                assert not plain(line[position:start])
                assert plain(bare(token)) == surface
            position = end
        assert not plain(line[position:])


def test_the_vocabulary_shows_its_languages(case: tuple[str, str], checkpoint: Path) -> None:
    tokenizer = AlbertTokenizer.from_folder(checkpoint)
    samples = texts_for(tokenizer)
    assert {corpus.language.tag for corpus in samples.corpora} == set(MODELS[case[1]].tags)
    assert unknown_share(samples.sentences, tokenizer) < 0.02
