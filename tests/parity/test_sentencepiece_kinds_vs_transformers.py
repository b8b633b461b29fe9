"""Vocabularies of SentencePiece that differ from Google's, against Hugging Face's slow tokenizer."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import sentencepiece
import tokenizers
import transformers

from albert_converters.tokenizer.files import write_tokenizer
from albert_export.samples.texts import corpus, sentences
from albert_runtime import AlbertTokenizer

TEXTS = (*sentences(), *corpus()[:40], "1,999, and 9,9; 你好, ☃ \u0915\u094d\u0937 e\u0301 [MASK] [SEP]x", "<s> a</s>")

ALBERT_PIECES = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}
OWN_DEFAULTS = {"bos_token": "<s>", "eos_token": "</s>"}

#: name -> the options of SentencePiece's trainer, and the settings in tokenizer_config.json
KINDS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "own defaults": ({}, {}),
    "own defaults, <s> as bos_token": ({}, OWN_DEFAULTS),
    "own defaults, <s> as cls_token": ({}, {**OWN_DEFAULTS, "cls_token": "<s>", "sep_token": "</s>"}),
    "another mask and padding": ({}, {"mask_token": "<mask>", "pad_token": "<blank>"}),
    "bpe": ({**ALBERT_PIECES, "model_type": "bpe"}, {}),
    "byte_fallback": ({**ALBERT_PIECES, "byte_fallback": True, "vocab_size": 900}, {}),
    "bpe with byte_fallback": ({**ALBERT_PIECES, "model_type": "bpe", "byte_fallback": True, "vocab_size": 900}, {}),
    "identity, cased": ({**ALBERT_PIECES, "normalization_rule_name": "identity"}, {"do_lower_case": False}),
    "no dummy prefix": ({**ALBERT_PIECES, "add_dummy_prefix": False, "remove_extra_whitespaces": False}, {}),
}


def write_vocabulary(file: Path, **options: object) -> None:
    model = io.BytesIO()
    given = {"vocab_size": 600, "minloglevel": 2, "hard_vocab_limit": False, "num_threads": 1, **options}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus()), model_writer=model, **given)
    file.write_bytes(model.getvalue())


@pytest.fixture(params=KINDS, scope="module")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kind")
    options, settings = KINDS[request.param]
    (folder / "kind").write_text(request.param)
    write_vocabulary(folder / "spiece.model", **options)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "AlbertTokenizer", **settings}))
    return folder


def test_ids(folder: Path) -> None:
    ours, theirs = AlbertTokenizer.from_folder(folder), transformers.AlbertTokenizer.from_pretrained(folder)
    assert len(ours) == len(theirs)
    roles = ("pad", "unk", "cls", "sep", "mask")
    assert [getattr(ours, f"{role}_token_id") for role in roles] == [
        getattr(theirs, f"{role}_token_id") for role in roles
    ]
    for text in TEXTS:
        assert ours.encode(text) == theirs.encode(text), text
        assert ours.encode(text, "another text") == theirs.encode(text, "another text"), text


def test_spans_cover_what_the_tokens_stand_for(folder: Path) -> None:
    tokenizer = AlbertTokenizer.from_folder(folder)
    for text in TEXTS:
        [encoding] = tokenizer(text, add_special_tokens=False).encodings
        covered = {place for start, end in encoding.offsets for place in range(start, end)}
        left_out = {character for place, character in enumerate(text) if place not in covered}
        assert all(character.isspace() for character in left_out), (text, left_out)
        assert list(encoding.offsets) == sorted(encoding.offsets), text


def test_a_bundle_has_the_same_tokenizer(folder: Path, tmp_path: Path) -> None:
    """Also for Hugging Face's fast tokenizer; a BPE model has none that gives these ids."""
    tokenizer = AlbertTokenizer.from_folder(folder)
    written = write_tokenizer(tokenizer, tmp_path)
    again = AlbertTokenizer.from_folder(tmp_path)
    is_bpe = "bpe" in (folder / "kind").read_text()
    assert ("tokenizer.json" in written) is not is_bpe
    fast = None if is_bpe else tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in TEXTS:
        ids = tokenizer.encode(text)
        assert again.encode(text) == ids, text
        assert fast is None or fast.encode(text).ids == ids, text
