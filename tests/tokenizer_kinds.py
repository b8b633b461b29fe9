"""A folder with a tokenizer of every kind that a bundle may hold, for the tests of other runtimes."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import sentencepiece

from albert_converters.tokenizer.files import write_tokenizer
from albert_export.demos import demo_checkpoint
from albert_export.samples.texts import corpus
from albert_runtime import AddedToken, AlbertTokenizer
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from tests.tokenizer_json import VOCABULARY, fast_tokenizer, write_fast_tokenizer
from tests.wordpiece_vocabulary import write_vocabulary

_ALBERT_PIECES = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}
_ADDED = (
    AddedToken("<brand>", special=False),
    AddedToken("New York", special=False, normalized=True),
    AddedToken("[TURN]", lstrip=True, rstrip=True),
    AddedToken("naïve", special=False),
)


def _trained(**options: object) -> Callable[[Path], object]:
    """A function that writes a small SentencePiece model, trained with `options`, into a folder."""
    settings = options.pop("settings", {})

    def make(folder: Path) -> None:
        model = io.BytesIO()
        given = {"vocab_size": 600, "minloglevel": 2, "hard_vocab_limit": False, "num_threads": 1, **options}
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus()), model_writer=model, **given)
        (folder / "spiece.model").write_bytes(model.getvalue())
        config = {"tokenizer_class": "AlbertTokenizer", **settings}  # type: ignore[dict-item]
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")

    return make


def _demo(folder: Path) -> None:
    for name in ("spiece.model", "tokenizer_config.json"):
        shutil.copy(demo_checkpoint("question-answering") / name, folder)


def _written(**options: object) -> Callable[[Path], object]:
    """A function that writes the English vocabulary with `options` of `AlbertTokenizer` into a folder."""
    return lambda folder: write_tokenizer(AlbertTokenizer(VOCABULARY, **options), folder)  # type: ignore[arg-type]


def _wordpiece(**options: bool) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        write_vocabulary(folder / "vocab.txt", more=["##s", "##."])
        config = {"tokenizer_class": "BertTokenizer", **options}
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")

    return make


def _unigram_json(version: int) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        shutil.copy(VOCABULARY, folder / "spiece.model")
        write_fast_tokenizer(folder, fast_tokenizer(version), tokenizer_rules="fast")

    return make


def _wordpiece_json(folder: Path) -> None:
    vocabulary = write_vocabulary(folder / "vocabulary")
    special = AlbertTokenizer.from_folder(_made(folder / "slow", _wordpiece())).special_tokens
    slow = AlbertTokenizer(vocabulary, wordpiece=BertNormalizer(), special_tokens=special, added_tokens=_ADDED)
    write_tokenizer(slow, folder)
    file = folder / "tokenizer_config.json"
    config = {**json.loads(file.read_text(encoding="utf-8")), "tokenizer_rules": "fast"}
    file.write_text(json.dumps(config), encoding="utf-8")


def _made(folder: Path, make: Callable[[Path], object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    make(folder)
    return folder


#: the name of each kind -> what writes its files into a folder
_KINDS: dict[str, Callable[[Path], object]] = {
    "demo": _demo,
    "english": _written(),
    "english-cased-with-accents": _written(do_lower_case=False, keep_accents=True, remove_space=False),
    "added-tokens": _written(added_tokens=_ADDED, additional_special_tokens=("[TURN]",)),
    "sentencepiece-only": _written(sentencepiece_only=True),
    "own-defaults": _trained(),
    "identity": _trained(**_ALBERT_PIECES, normalization_rule_name="identity", settings={"do_lower_case": False}),
    "nfkc-case-folding": _trained(**_ALBERT_PIECES, normalization_rule_name="nmt_nfkc_cf"),
    "no-dummy-prefix": _trained(**_ALBERT_PIECES, add_dummy_prefix=False, remove_extra_whitespaces=False),
    "user-defined-pieces": _trained(**_ALBERT_PIECES, user_defined_symbols=["(", ")", "-", "the", "."]),
    "byte-fallback": _trained(**_ALBERT_PIECES, byte_fallback=True, vocab_size=900),
    "bpe": _trained(**_ALBERT_PIECES, model_type="bpe"),
    "bpe-byte-fallback": _trained(**_ALBERT_PIECES, model_type="bpe", byte_fallback=True, vocab_size=900),
    "wordpiece": _wordpiece(),
    "wordpiece-cased": _wordpiece(do_lower_case=False, tokenize_chinese_chars=False),
    "tokenizer-json-unigram-4": _unigram_json(4),
    "tokenizer-json-unigram-5": _unigram_json(5),
    "tokenizer-json-wordpiece": _wordpiece_json,
}
KINDS = tuple(_KINDS)


def write_kind(kind: str, folder: Path) -> Path:
    """Write the files of a tokenizer of `kind`, one of `KINDS`, into the new folder `folder`, and return it."""
    return _made(folder, _KINDS[kind])
