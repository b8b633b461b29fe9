"""A folder with a tokenizer of every kind that a bundle may hold, for the tests of other runtimes."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sentencepiece

from albert_converters.tokenizer.files import write_tokenizer
from albert_export.demos import demo_checkpoint
from albert_export.samples.texts import corpus
from albert_runtime import AddedToken, AlbertTokenizer
from tests.tokenizer_json import VOCABULARY, fast_tokenizer, write_fast_tokenizer
from tests.wordpiece_vocabulary import SPECIAL, write_vocabulary

_ALBERT_PIECES: dict[str, Any] = {
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": -1,
    "eos_id": -1,
    "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
}
_NO_FLAGS = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
_ADDED = (
    AddedToken("<brand>", special=False),
    AddedToken("New York", special=False, normalized=True),
    AddedToken("[TURN]", lstrip=True, rstrip=True),
    AddedToken("naïve", special=False),
)


def _trained(settings: Mapping[str, object] | None = None, **options: object) -> Callable[[Path], object]:
    """A function that writes a small SentencePiece model, trained with `options`, into a folder."""

    def make(folder: Path) -> None:
        model = io.BytesIO()
        given = {"vocab_size": 600, "minloglevel": 2, "hard_vocab_limit": False, "num_threads": 1, **options}
        train: Callable[..., None] = sentencepiece.SentencePieceTrainer.train
        train(sentence_iterator=iter(corpus()), model_writer=model, **given)
        (folder / "spiece.model").write_bytes(model.getvalue())
        config = {"tokenizer_class": "AlbertTokenizer", **(settings or {})}
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
    pieces = write_vocabulary(folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    special = [{"id": pieces.index(piece), "content": piece, "special": True, **_NO_FLAGS} for piece in SPECIAL]
    added = {"id": len(pieces), "content": "new york", "special": False, **_NO_FLAGS, "normalized": True}
    content = {
        "added_tokens": [*special, added],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {piece: index for index, piece in enumerate(pieces)},
        },
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    config = {"tokenizer_class": "BertTokenizer", "tokenizer_rules": "fast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


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
    "identity": _trained({"do_lower_case": False}, **_ALBERT_PIECES, normalization_rule_name="identity"),
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
