"""Reads what a SentencePiece model holds, without protobuf: its pieces, and the rules of its normalizer.

The messages are those of google/sentencepiece, src/sentencepiece_model.proto. A message on the wire is a row of fields,
each a key (field number times 8 plus the kind of value) and a value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from albert_runtime.errors import UnsupportedError

_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5

# field numbers
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_PIECE, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE = 3
_CHARSMAP, _ADD_DUMMY_PREFIX, _REMOVE_EXTRA_WHITESPACES = 2, 3, 4


class PieceType(IntEnum):
    """SentencePiece.Type."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class ModelType(IntEnum):
    """TrainerSpec.ModelType."""

    UNIGRAM = 1
    BPE = 2
    WORD = 3
    CHAR = 4


@dataclass(frozen=True)
class VocabularyEntry:
    """One piece; its place in the vocabulary is its id."""

    piece: str
    #: log probability
    score: float
    type: PieceType


@dataclass(frozen=True)
class SentencePieceProto:
    """The parts of a ModelProto that decide how a text is split."""

    entries: tuple[VocabularyEntry, ...]
    model_type: ModelType
    #: compiled rules of normalization; empty for none
    charsmap: bytes
    add_dummy_prefix: bool
    remove_extra_whitespaces: bool

    @classmethod
    def parse(cls, content: bytes) -> SentencePieceProto:
        """The model in `content`, the bytes of a spiece.model.

        Raises:
            UnsupportedError: these are no such bytes.
        """
        entries = []
        trainer: dict[int, int | bytes] = {}
        normalizer: dict[int, int | bytes] = {}
        try:
            for number, value in _fields(content):
                if number == _PIECES:
                    entries.append(_entry(dict(_fields(_bytes(value)))))
                elif number == _TRAINER:
                    trainer = dict(_fields(_bytes(value)))
                elif number == _NORMALIZER:
                    normalizer = dict(_fields(_bytes(value)))
            # an absent field has the default that the .proto file names
            return cls(
                entries=tuple(entries),
                model_type=ModelType(_number(trainer.get(_MODEL_TYPE, ModelType.UNIGRAM))),
                charsmap=_bytes(normalizer.get(_CHARSMAP, b"")),
                add_dummy_prefix=bool(normalizer.get(_ADD_DUMMY_PREFIX, True)),
                remove_extra_whitespaces=bool(normalizer.get(_REMOVE_EXTRA_WHITESPACES, True)),
            )
        except (ValueError, IndexError, struct.error) as error:
            raise UnsupportedError(f"the SentencePiece model can't be read ({error}); is the file damaged?") from None


def _entry(fields: dict[int, int | bytes]) -> VocabularyEntry:
    score = fields.get(_SCORE)
    return VocabularyEntry(
        piece=_bytes(fields.get(_PIECE, b"")).decode("utf-8"),
        score=0.0 if score is None else struct.unpack("<f", _bytes(score))[0],
        type=PieceType(_number(fields.get(_TYPE, PieceType.NORMAL))),
    )


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where bytes should")
    return value


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes stand where a number should")
    return value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field: an int for a varint, the raw bytes for every other kind."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if kind == _COUNTED:
            size, position = _varint(message, position)
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            size = 4 if kind == _FOUR_BYTES else 8
        else:
            raise ValueError(f"no field can be of kind {kind}")
        if position + size > len(message):
            raise ValueError("a field ends after the message")
        yield key >> 3, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """The number at `position`, written in groups of 7 bits, lowest first; and the position after it."""
    number = shift = 0
    while True:
        byte = message[position]
        number |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return number, position
        shift += 7
