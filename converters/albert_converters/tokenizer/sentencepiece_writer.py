"""Writes the SentencePiece model of a Unigram vocabulary that only a tokenizer.json holds.

The messages and their fields are those of google/sentencepiece, src/sentencepiece_model.proto.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from albert_converters.tokenizer.sentencepiece_proto import (
    ADD_DUMMY_PREFIX,
    CHARSMAP,
    MODEL_TYPE,
    NORMALIZER,
    PIECE,
    PIECES,
    REMOVE_EXTRA_WHITESPACES,
    SCORE,
    TRAINER,
    TYPE,
    ModelType,
    PieceType,
)
from albert_runtime.errors import UnsupportedError, listed
from albert_runtime.protobuf import bytes_field, float_field, number_field, text_field
from albert_runtime.tokenization.fast.unigram_model import vocabulary_problems
from albert_runtime.tokenization.piece_model import WORD_START

# fields of NormalizerSpec and TrainerSpec
_NAME = 1
_VOCAB_SIZE, _BYTE_FALLBACK, _UNK_ID, _UNK_PIECE = 4, 35, 40, 45
_BYTE = re.compile("<0x[0-9A-F]{2}>")


def sentencepiece_model(content: Mapping[str, Any], source: str) -> bytes:
    """The bytes of a spiece.model with the pieces, the scores and the rules of normalization of a tokenizer.json.

    Every piece is an ordinary one, as it is for `tokenizers`, also where it looks like a special token. Where words are
    split before the model sees them, a piece with a space inside is never used, and is marked so.

    Args:
        content: the object in the tokenizer.json.
        source: what error messages call the file.

    Raises:
        UnsupportedError: the model is not Unigram, or its vocabulary is damaged; the message lists every problem.
    """
    model = content.get("model")
    kind = model.get("type") if isinstance(model, Mapping) else None
    if kind != "Unigram":
        raise UnsupportedError(
            f"the vocabulary of {source} is {kind or 'missing'}; supported are Unigram and WordPiece"
        )
    assert isinstance(model, Mapping)
    problems = vocabulary_problems(model)
    if problems:
        raise UnsupportedError(listed(f"the vocabulary of {source} is damaged:", problems))
    vocabulary, unknown = model["vocab"], model["unk_id"]
    parts = list(_parts(content.get("pre_tokenizer"), "pretokenizers"))
    metaspace = next((part for part in parts if part.get("type") == "Metaspace"), {})
    kinds = {part.get("type") for part in parts}
    splits = "WhitespaceSplit" in kinds or metaspace.get("split", True)
    pieces, taken = [], set[str]()
    for index, (piece, score) in enumerate(vocabulary):
        use = PieceType.UNKNOWN if index == unknown else PieceType.NORMAL
        if model.get("byte_fallback") and _BYTE.fullmatch(piece):
            use = PieceType.BYTE
        elif splits and WORD_START in piece[1:]:
            use = PieceType.UNUSED
        if not piece or piece in taken:  # SentencePiece holds each piece once
            piece, use = f"<unused {index}>", PieceType.UNUSED
        taken.add(piece)
        pieces.append(text_field(PIECE, piece) + float_field(SCORE, score) + number_field(TYPE, use))
    trainer = (
        number_field(MODEL_TYPE, ModelType.UNIGRAM)
        + number_field(_VOCAB_SIZE, len(pieces))
        + number_field(_BYTE_FALLBACK, bool(model.get("byte_fallback")))
        + number_field(_UNK_ID, unknown)
        + text_field(_UNK_PIECE, vocabulary[unknown][0])
    )
    begins = (metaspace.get("prepend_scheme") or "always") != "never" and metaspace.get("add_prefix_space", True)
    normalizer = (
        text_field(_NAME, "tokenizer.json")
        + bytes_field(CHARSMAP, _charsmap(content.get("normalizer"), source))
        + number_field(ADD_DUMMY_PREFIX, bool(begins))
        + number_field(REMOVE_EXTRA_WHITESPACES, "WhitespaceSplit" in kinds)
    )
    return (
        b"".join(bytes_field(PIECES, piece) for piece in pieces)
        + bytes_field(TRAINER, trainer)
        + bytes_field(NORMALIZER, normalizer)
    )


def _charsmap(normalizer: Any, source: str) -> bytes:
    """The compiled rules among the steps of a normalizer; empty if there are none."""
    for step in _parts(normalizer, "normalizers"):
        if step.get("type") == "Precompiled" and step.get("precompiled_charsmap"):
            try:
                return base64.b64decode(step["precompiled_charsmap"], validate=True)
            except (binascii.Error, ValueError, TypeError) as error:
                raise UnsupportedError(f"the precompiled_charsmap of {source} is damaged ({error})") from None
    return b""


def _parts(record: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """`record`; or its parts, if it is a sequence of them."""
    if isinstance(record, Mapping):
        yield record
        for part in record.get(name) or ():
            yield from _parts(part, name)
