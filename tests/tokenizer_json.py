"""Small tokenizer.json files, in the forms that transformers 4.57 and 5 write for ALBERT."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import sentencepiece

from albert_converters.tokenizer.sentencepiece_proto import PieceType, SentencePieceProto

VOCABULARY = Path(__file__).parent / "fixtures" / "albert" / "spiece.model"
MARKS = ("(", ")", '"', "-", ".", "–", "£", "€")


def fast_tokenizer(version: int = 5, vocabulary: Path = VOCABULARY, **changes: Any) -> dict[str, Any]:
    """The content of the file that transformers `version` saves for the SentencePiece model `vocabulary`.

    Version 4 is AlbertConverter of convert_slow_tokenizer.py, version 5 the class AlbertTokenizer. Both write
    user-defined pieces, such as "(", as added tokens.
    """
    proto = SentencePieceProto.parse(vocabulary.read_bytes())
    lower, keep_accents = changes.get("do_lower_case", True), changes.get("keep_accents", False)
    numbers = [(entry.piece, entry.score) for entry in proto.entries]
    if version == 4:
        numbers = [(piece, score - 100 if _number_and_comma(piece) else score) for piece, score in numbers]
    added = [
        {
            "id": index,
            "content": entry.piece,
            "single_word": False,
            "lstrip": version == 4 and entry.piece == "[MASK]",
            "rstrip": False,
            "normalized": False,
            "special": entry.type is not PieceType.USER_DEFINED,
        }
        for index, entry in enumerate(proto.entries)
        if entry.type is not PieceType.NORMAL
    ]
    quotes = [{"type": "Replace", "pattern": {"String": pair}, "content": '"'} for pair in ("``", "''")]
    accents = [] if keep_accents else [{"type": "NFKD"}, {"type": "StripAccents"}]
    rules = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(proto.charsmap).decode()}
    spaces = [{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}] if version == 4 else []
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    words = (
        metaspace if version == 4 else {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]}
    )
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {
            "type": "Sequence",
            "normalizers": [*quotes, *accents, *([{"type": "Lowercase"}] if lower else []), rules, *spaces],
        },
        "pre_tokenizer": words,
        "post_processor": _post_processor(),
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 1, "vocab": [list(one) for one in numbers], "byte_fallback": False},
    }


def write_fast_tokenizer(folder: Path, content: dict[str, Any], **settings: Any) -> None:
    """Write the tokenizer.json, and the tokenizer_config.json that `save_pretrained` writes beside it."""
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "AlbertTokenizer", **settings}))


def small_vocabulary(file: Path, lines: list[str], **options: Any) -> Path:
    """Train a SentencePiece model with the special tokens of ALBERT on `lines`."""
    with file.open("wb") as stream:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=stream, minloglevel=2, hard_vocab_limit=False, num_threads=1,
            **{
                "pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
                "vocab_size": 400, "user_defined_symbols": list(MARKS), **options,
            },
        )  # fmt: skip
    return file


def _number_and_comma(piece: str) -> bool:
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()


def _post_processor() -> dict[str, Any]:
    def special(name: str, type_id: int = 0) -> dict[str, Any]:
        return {"SpecialToken": {"id": name, "type_id": type_id}}

    def text(name: str, type_id: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": type_id}}

    single = [special("[CLS]"), text("A", 0), special("[SEP]")]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, text("B", 1), special("[SEP]", 1)],
        "special_tokens": {
            name: {"id": name, "ids": [index], "tokens": [name]} for name, index in (("[CLS]", 2), ("[SEP]", 3))
        },
    }
