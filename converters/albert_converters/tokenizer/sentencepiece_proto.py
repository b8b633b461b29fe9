"""Reads the pieces and the normalizer's rules of a SentencePiece model, without the protobuf library.

The messages are those of google/sentencepiece, src/sentencepiece_model.proto. An encoded message is a sequence of
fields. Each field is a key (the field number times 8, plus the wire type) and a value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from albert_runtime import protobuf
from albert_runtime.errors import UnsupportedError

# field numbers; those of other modules are public
PIECES, TRAINER, NORMALIZER = 1, 2, 3
PIECE, SCORE, TYPE = 1, 2, 3
MODEL_TYPE = 3
CHARSMAP, ADD_DUMMY_PREFIX, REMOVE_EXTRA_WHITESPACES = 2, 3, 4


class PieceType(IntEnum):
    """The type of a piece: SentencePiece.Type in the .proto file."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class ModelType(IntEnum):
    """The kind of model: TrainerSpec.ModelType in the .proto file."""

    UNIGRAM = 1
    BPE = 2
    WORD = 3
    CHAR = 4


@dataclass(frozen=True)
class VocabularyEntry:
    """One piece; its position in the vocabulary is its id."""

    piece: str
    #: log probability
    score: float
    type: PieceType


@dataclass(frozen=True)
class SentencePieceProto:
    """The parts of a ModelProto that determine how a text is split into pieces."""

    entries: tuple[VocabularyEntry, ...]
    model_type: ModelType
    #: the compiled normalization rules; empty if there are none
    charsmap: bytes
    add_dummy_prefix: bool
    remove_extra_whitespaces: bool

    @classmethod
    def parse(cls, content: bytes) -> SentencePieceProto:
        """Parse `content`, the bytes of a spiece.model.

        Raises:
            UnsupportedError: the bytes are not a SentencePiece model.
        """
        entries = []
        trainer: dict[int, int | bytes] = {}
        normalizer: dict[int, int | bytes] = {}
        try:
            for number, value in fields(content):
                if number == PIECES:
                    entries.append(_entry(dict(fields(_bytes(value)))))
                elif number == TRAINER:
                    trainer = dict(fields(_bytes(value)))
                elif number == NORMALIZER:
                    normalizer = dict(fields(_bytes(value)))
            # an absent field has the default value of the .proto file
            return cls(
                entries=tuple(entries),
                model_type=ModelType(_number(trainer.get(MODEL_TYPE, ModelType.UNIGRAM))),
                charsmap=_bytes(normalizer.get(CHARSMAP, b"")),
                add_dummy_prefix=bool(normalizer.get(ADD_DUMMY_PREFIX, True)),
                remove_extra_whitespaces=bool(normalizer.get(REMOVE_EXTRA_WHITESPACES, True)),
            )
        except (ValueError, IndexError, struct.error) as error:
            raise UnsupportedError(f"the SentencePiece model can't be read ({error}); is the file damaged?") from None


def _entry(values: dict[int, int | bytes]) -> VocabularyEntry:
    score = values.get(SCORE)
    return VocabularyEntry(
        piece=_bytes(values.get(PIECE, b"")).decode("utf-8"),
        score=0.0 if score is None else struct.unpack("<f", _bytes(score))[0],
        type=PieceType(_number(values.get(TYPE, PieceType.NORMAL))),
    )


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where bytes should")
    return value


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes stand where a number should")
    return value


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field: an int for a varint, and the raw bytes for other wire types."""
    for field in protobuf.fields(message):
        yield field.number, message[field.start : field.end] if field.value is None else field.value
