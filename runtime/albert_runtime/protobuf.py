"""The encoding of protobuf's messages (protobuf.dev, "Encoding"), for files that are handled without the library.

A message is a sequence of fields. Each is a key, which is the number of the field and its wire type, and a value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple, Protocol

# wire types
VARINT, EIGHT_BYTES, LENGTH_DELIMITED, FOUR_BYTES = 0, 1, 2, 5


class Indexed(Protocol):
    """Bytes that are read one by one: `bytes`, or a file that is mapped into memory."""

    def __getitem__(self, place: int, /) -> int: ...

    def __len__(self) -> int: ...


class Field(NamedTuple):
    """A field of a message, by its places in the bytes that it was read from."""

    number: int
    #: the value of a varint; None for other wire types
    value: int | None
    #: where the field begins, where its content begins behind the key and the length, and where it ends
    begin: int
    start: int
    end: int


def fields(message: Indexed, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yield the fields of the message that lies between the places `start` and `end` of `message`.

    Raises:
        ValueError: the bytes are no message.
        IndexError: they end inside a field.
    """
    end = len(message) if end is None else end
    while start < end:
        begin = start
        key, start = _read_varint(message, start)
        wire_type = key & 7
        value = None
        if wire_type == VARINT:
            content = start
            value, stop = _read_varint(message, start)
        elif wire_type == LENGTH_DELIMITED:
            size, content = _read_varint(message, start)
            stop = content + size
        elif wire_type in (FOUR_BYTES, EIGHT_BYTES):
            content, stop = start, start + (4 if wire_type == FOUR_BYTES else 8)
        else:
            raise ValueError(f"there is no wire type {wire_type}")
        if stop > end:
            raise ValueError("a field ends beyond the end of the message")
        yield Field(key >> 3, value, begin, content, stop)
        start = stop


def _read_varint(message: Indexed, place: int) -> tuple[int, int]:
    """The number at `place`, and the place after it; it is stored in groups of 7 bits, the lowest first."""
    number = shift = 0
    while True:
        byte = message[place]
        number |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return number, place
        shift += 7


def varint(number: int) -> bytes:
    """`number`, which is not negative, in groups of 7 bits, the lowest first."""
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def key(field: int, wire_type: int) -> bytes:
    """What stands before the value of a field."""
    return varint(field << 3 | wire_type)


def length_prefix(field: int, length: int) -> bytes:
    """What stands before the bytes of a field that has a length: its key and the number of the bytes."""
    return key(field, LENGTH_DELIMITED) + varint(length)


def number_field(field: int, value: int) -> bytes:
    """A field with a whole number, which is not negative."""
    return key(field, VARINT) + varint(value)


def float_field(field: int, value: float) -> bytes:
    """A field with a float of 32 bits."""
    return key(field, FOUR_BYTES) + struct.pack("<f", value)


def bytes_field(field: int, value: bytes) -> bytes:
    """A field with bytes, or with a message."""
    return length_prefix(field, len(value)) + value


def text_field(field: int, value: str) -> bytes:
    """A field with a text."""
    return bytes_field(field, value.encode())
