"""The SentencePiece model of a text graph, without the graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from sentencepiece import SentencePieceNormalizer, SentencePieceProcessor

from albert_converters.onnx.text_graph.vocabulary import InGraphVocabulary, problems
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.added_vocabulary import AddedToken
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from tests.conftest import VOCABULARY

if not hasattr(SentencePieceNormalizer, "decompile"):
    pytest.skip("pip install 'sentencepiece>=0.2.3'", allow_module_level=True)


def ids_of(vocabulary: InGraphVocabulary, text: str) -> list[int]:
    ids = SentencePieceProcessor(model_proto=vocabulary.content).encode(text)
    return [one for index in ids for one in vocabulary.replaced.get(index, [index])]


def test_added_tokens_in_any_case() -> None:
    added = [AddedToken("[USER]", lstrip=True), AddedToken("wow!", special=False), AddedToken("hello")]
    tokenizer = AlbertTokenizer(VOCABULARY, added_tokens=added)
    vocabulary = InGraphVocabulary.of(tokenizer)
    for text in ("Say hello [USER]x [user] WOW! wow!", "HELLO there", "$1,999, and 7,"):
        assert ids_of(vocabulary, text) == tokenizer.encode(text, add_special_tokens=False), text


def test_texts_in_lower_case_hold_no_special_tokens() -> None:
    tokenizer = AlbertTokenizer(VOCABULARY, do_lower_case=False)
    vocabulary = InGraphVocabulary.of(tokenizer, lower_case=True)
    assert ids_of(vocabulary, "The [MASK] <PAD>") == tokenizer.encode("the [mask] <pad>", add_special_tokens=False)


def test_wordpiece_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "vocab.txt"
    file.write_text("<unk>\n[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    tokenizer = AlbertTokenizer(file, wordpiece=BertNormalizer(True, None, True))
    assert "BertTokenizer finds no [MASK]" in problems(tokenizer)[0]
    with pytest.raises(UnsupportedError, match="Leave --with-tokenizer out"):
        InGraphVocabulary.of(tokenizer)
