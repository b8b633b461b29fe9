"""The SentencePiece model of a text graph gives the ids of the runtime's tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest
from sentencepiece import SentencePieceProcessor

from albert_converters.onnx.text_graph.vocabulary import InGraphVocabulary, problems
from albert_export.vectors.texts import TEXTS
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.added_vocabulary import AddedToken
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from tests.conftest import VOCABULARY
from tests.shared_data import all_texts, shared_data

sentencepiece = pytest.importorskip("sentencepiece", "0.2.3", reason="pip install 'sentencepiece>=0.2.3'")

#: what SentencePiece's library can't be given as it is
UNREADABLE = ("control characters", "lone surrogates")


class InGraphIds:
    """The ids that a text graph gives, without the graph."""

    def __init__(self, tokenizer: AlbertTokenizer, *, lower_case: bool = False) -> None:
        self._vocabulary = InGraphVocabulary.of(tokenizer, lower_case=lower_case)
        self._processor = SentencePieceProcessor(model_proto=self._vocabulary.content)

    def __call__(self, text: str) -> list[int]:
        ids = self._processor.encode(text)
        return [one for index in ids for one in self._vocabulary.replaced.get(index, [index])]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"do_lower_case": False},
        {"keep_accents": True},
        {"sentencepiece_only": True},
        {"added_tokens": [AddedToken("[USER]", lstrip=True), AddedToken("wow!", special=False), AddedToken("hello")]},
    ],
    ids=str,
)
def test_ids_of_difficult_texts(options: dict[str, object]) -> None:
    tokenizer = AlbertTokenizer(VOCABULARY, **options)  # type: ignore[arg-type]
    ids = InGraphIds(tokenizer)
    texts = [text for name, text in TEXTS.items() if name not in UNREADABLE]
    texts += ["Say hello [USER]x [user] WOW! wow!", "a\U000f0000b", "''' ```", "$1,999, and 7,"]
    different = [
        text for text in texts if text.strip() and ids(text) != tokenizer.encode(text, add_special_tokens=False)
    ]
    assert different == []


def test_texts_in_lower_case_hold_no_special_tokens() -> None:
    tokenizer = AlbertTokenizer(VOCABULARY, do_lower_case=False)
    ids = InGraphIds(tokenizer, lower_case=True)
    assert ids("The [MASK] <PAD>") == tokenizer.encode("the [mask] <pad>", add_special_tokens=False)


@pytest.mark.slow
def test_ids_of_real_texts() -> None:
    tokenizer = AlbertTokenizer(shared_data("tokenizer/spiece.model"))
    ids = InGraphIds(tokenizer)
    texts = [text for group in all_texts().values() for text in group if text.strip()]
    different = [text for text in texts if ids(text) != tokenizer.encode(text, add_special_tokens=False)]
    shown = [text[:60] for text in different]
    print(f"ids equal on {len(texts) - len(different):,} of {len(texts):,} texts; the rest:", *shown, sep="\n- ")
    assert len(different) <= 0.001 * len(texts)


def test_tokenizers_that_are_refused(tmp_path: Path) -> None:
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("<unk>\n[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    wordpiece = AlbertTokenizer(vocabulary, wordpiece=BertNormalizer(True, None, True))
    assert "WordPiece" in problems(wordpiece)[0]
    with pytest.raises(UnsupportedError, match="Leave --with-tokenizer out"):
        InGraphVocabulary.of(wordpiece)
