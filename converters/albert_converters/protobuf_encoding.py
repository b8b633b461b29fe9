"""The encoding of protobuf's messages (protobuf.dev, "Encoding"), for files that are written without the library.

A message is a sequence of fields. Each is a key, which is the number of the field and its wire type, and a value.
"""

from __future__ import annotations

import struct

# wire types
VARINT, EIGHT_BYTES, LENGTH_DELIMITED, FOUR_BYTES = 0, 1, 2, 5


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
