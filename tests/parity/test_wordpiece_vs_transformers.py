"""The slow BertTokenizer of transformers is the truth for vocab.txt: pieces must be its own, in every language.

So must the ids that the fast tokenizer makes with our tokenizer.json.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_converters.tokenizer.fast_added_tokens import fast_added_tokens
from albert_converters.tokenizer.wordpiece_json import wordpiece_tokenizer_json
from albert_runtime.tokenization.added_vocabulary import AddedToken, AddedVocabulary
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from albert_runtime.tokenization.sentencepiece_model import Piece
from albert_runtime.tokenization.wordpiece_model import WordPieceModel
from tests.shared_data import all_texts
from tests.wordpiece_vocabulary import SPECIAL, declarations, write_vocabulary

OPTIONS: dict[str, dict[str, bool | None]] = {
    "chinese": {},
    "cased": {"do_lower_case": False},
    "korean": {"do_lower_case": True, "strip_accents": False},
    "japanese": {"do_lower_case": False, "tokenize_chinese_chars": False},
    "stripped": {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False},
}
#: pieces that the declarations do not need
_MORE = (
    "<ae>",
    "Σ",
    "ς",
    "##ς",
    "##Σ",
    "##が",
    "##\u1161",
    "##\u11ab",
    "\u1112",
    "##\u0307",
    "##\u0301",
    "##゙",
    "℮",
    "\u0345",
)


@cache
def both(options: str) -> tuple[WordPieceModel, BertNormalizer, Any]:
    """Our model and normalizer, and their tokenizer."""
    from transformers import BertTokenizer

    with TemporaryDirectory() as folder:
        file = write_vocabulary(Path(folder) / "vocab.txt", _MORE)
        model = WordPieceModel(file, "[UNK]")
        theirs = BertTokenizer(str(file), additional_special_tokens=["<ae>"], **OPTIONS[options])
    return model, BertNormalizer(**OPTIONS[options], never_split=frozenset([*SPECIAL, "<ae>"])), theirs


@cache
def fast(options: str) -> Any:
    """The fast tokenizer of our tokenizer.json."""
    from tokenizers import Tokenizer

    model, normalizer, _ = both(options)
    tokens = [AddedToken(token, id=model.id_of(token)) for token in [*SPECIAL, "<ae>"]]
    # the part of a tokenizer that says which tokens are found in texts
    tokenizer: Any = SimpleNamespace(
        vocabulary=SimpleNamespace(added=AddedVocabulary(tokens, [*SPECIAL, "<ae>"])),
        special_tokens=SimpleNamespace(contents=SPECIAL),
        vocab_size=len(model),
        do_lower_case=normalizer.do_lower_case,
        remove_space=False,
    )
    sequences = [{"Sequence": {"id": name, "type_id": 0}} for name in "AB"]
    template = {"type": "TemplateProcessing", "single": sequences[:1], "pair": sequences, "special_tokens": {}}
    added = fast_added_tokens(tokenizer, trims_parts=False)
    assert bool(added.normalizers) == normalizer.do_lower_case  # for "<AE>"
    content = wordpiece_tokenizer_json(model, normalizer, added=added, post_processor=template)
    return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def assert_fast_is_equal(options: str, text: str) -> None:
    _, _, theirs = both(options)
    assert fast(options).encode(text).ids == theirs.encode(text, add_special_tokens=False), text


def assert_equal(options: str, text: str) -> list[Piece]:
    """The pieces of `text` are theirs, and each stands for a stretch of the text that has its letters."""
    model, normalizer, theirs = both(options)
    pieces = model.split(normalizer.normalize(AlignedText.of(text)))
    assert [piece.piece for piece in pieces] == theirs._tokenize(text), text
    before = (0, 0)
    for _, start, end in pieces:
        assert before[0] <= start < end <= len(text)
        assert before[1] <= end
        before = (start, end)
    return pieces


#: a vowel sign that the Unicode of the library `tokenizers` does not know yet, so it can't be decomposed there
_NEWER = "\U00011938"

# Characters that some step treats in its own way, beside any other.
_PECULIAR = (
    *"\t\n\x0b\x1c\x1f \x85\xa0\u1680\u2028\u3000\u200b\u200d\ufe0f\ufeff\x00\xad\ufffd\ue000",
    *"İıſΣσςẞßǅKÅΩ①½\ufb01éеかがハバ漢字々一。、「」豈\U0002f800\U0001f600\U0001f1ef\U0001f3fd#",
    *"\u1112\u1161\u11ab\u11a7\u1175한글\u0301\u0344\u0345\u3099\u309a\u0323\u0307\u0f71\u0f72\u0f73\u0f81\u0334\u093c",
    *"\u09c7\u09be\u302e\U0001d157\U0001d165\U0001d16e\U0001bc9e=\u0338\u1fef\u037e`",
    *(
        "ΟΔΟΣ",
        "e\u0301",
        "\U0001f468\u200d\U0001f469",
        *SPECIAL,
        "[MA\x00SK]",
        "[mask]",
        "<AE>",
        "<ae>",
        "<ǽ>",
        " <á\u200be> ",
    ),
)
_ALPHABETS = (
    st.sampled_from(_PECULIAR),
    st.text(st.characters(codec="utf-8"), max_size=6),
    st.text(st.characters(min_codepoint=0x3000, max_codepoint=0x9FFF), max_size=6),
    st.text(
        st.characters(min_codepoint=0x1100, max_codepoint=0x11FF)
        | st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
    ),
    st.text(st.characters(categories=["Mn", "Mc", "Me", "Lm"]), max_size=6),
    st.text(st.characters(categories=["Cc", "Cf", "Co", "Cn", "Zs", "Zl", "Zp"]), max_size=6),
    st.text(st.characters(max_codepoint=0x24F), max_size=6),
)
TEXTS = st.lists(st.one_of(_ALPHABETS), max_size=12).map("".join)


@pytest.mark.parametrize("options", OPTIONS)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(text=TEXTS)
def test_any_text(options: str, text: str) -> None:
    assert_equal(options, text)
    if not _hides_a_token(text):
        assert_fast_is_equal(options, text)


def _hides_a_token(text: str) -> bool:
    """Whether a control character or an accent hides a special token, which only the slow tokenizer finds."""
    bare = (
        "".join(
            one
            for one in unicodedata.normalize("NFKD", text)
            if unicodedata.category(one) not in {"Cc", "Cf", "Cn", "Co", "Mn"}
        )
        .replace("\ufffd", "")
        .lower()
    )
    return any(bare.count(token.lower()) > text.lower().count(token.lower()) for token in [*SPECIAL, "<ae>"])


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC"])
def test_declarations(options: str, form: str) -> None:
    """The vocabulary knows nearly all of their words, so the pieces say more than that both are unknown."""
    for language, paragraphs in declarations().items():
        pieces = [
            piece.piece
            for paragraph in paragraphs
            for text in (paragraph, paragraph.upper())
            for piece in assert_equal(options, unicodedata.normalize(form, text))
        ]
        for paragraph in paragraphs:
            assert_fast_is_equal(options, unicodedata.normalize(form, paragraph))
        assert pieces.count("[UNK]") < len(pieces) * 0.2, language
        assert len(set(pieces)) > 50, language


@pytest.mark.parametrize("options", OPTIONS)
def test_a_span_has_the_letters_of_its_piece(options: str) -> None:
    """Normalized alone, the stretch of a piece spells it."""
    model, normalizer, _ = both(options)
    for paragraphs in declarations().values():
        for paragraph in paragraphs:
            for text in (paragraph, unicodedata.normalize("NFD", paragraph)):
                for piece, start, end in model.split(normalizer.normalize(AlignedText.of(text))):
                    alone = normalizer.normalize(AlignedText.of(text[start:end])).text.strip()
                    letters = piece.removeprefix("##")
                    # A syllable may become the jamo of two pieces; and sigma is final in a piece, but not in its word.
                    assert piece == "[UNK]" or letters.replace("σ", "ς") in alone.replace("σ", "ς"), (text, piece)


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS)
def test_every_character(options: str) -> None:
    """Each code point, between letters, after a space, and beside the one before it."""
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    for start in range(0, len(characters), 64):
        some = characters[start : start + 64]
        assert_equal(options, " ".join(f"a{character}b {character}" for character in some))
        assert_equal(options, "".join(some))
        if _NEWER not in some:
            assert_fast_is_equal(options, " ".join(f"a{character}b {character}" for character in some))
            assert_fast_is_equal(options, "".join(some))


@pytest.mark.slow
@pytest.mark.parametrize("options", ["chinese", "cased"])
def test_all_data(options: str) -> None:
    texts = [text for contents in all_texts().values() for text in contents]
    assert len(texts) > 50_000
    for number, text in enumerate(texts):
        assert_equal(options, text)
        if number % 10 == 0:  # the fast tokenizer is made of many steps, and needs most of the time
            assert_fast_is_equal(options, text)
