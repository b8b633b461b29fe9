"""Fields of protobuf's messages are read as they were written, and damaged messages are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_runtime.protobuf import Field, bytes_field, fields, float_field, number_field, text_field

NUMBERS = st.integers(1, 2**29 - 1)


@given(st.lists(st.tuples(NUMBERS, st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300)))))
def test_what_was_written_is_read(entries: list[tuple[int, int | bytes]]) -> None:
    message = b"".join(
        number_field(number, value) if isinstance(value, int) else bytes_field(number, value)
        for number, value in entries
    )
    found = [(one.number, message[one.start : one.end] if one.value is None else one.value) for one in fields(message)]
    assert found == entries
    assert b"".join(message[one.begin : one.end] for one in fields(message)) == message


def test_the_places_of_a_field() -> None:
    message = text_field(1, "ab") + float_field(300, 1.0) + b"\x11" + bytes(8)
    assert list(fields(message)) == [Field(1, None, 0, 2, 4), Field(300, None, 4, 6, 10), Field(2, None, 10, 11, 19)]
    assert list(fields(message, 4, 10)) == [Field(300, None, 4, 6, 10)]


@given(st.binary(max_size=100))
def test_any_bytes(message: bytes) -> None:
    try:
        found = list(fields(message))
    except (ValueError, IndexError):
        return
    assert b"".join(message[one.begin : one.end] for one in found) == message


@pytest.mark.parametrize("message", [b"\x0a\x05ab", b"\x0d\x00", b"\x0f", b"\x0b", b"\x08"])
def test_damaged_messages(message: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        list(fields(message))
