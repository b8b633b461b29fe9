"""Positions in UTF-16 code units are those that Java and JavaScript count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from albert_export.vectors.text_positions import utf16_positions


def test_characters_beyond_the_basic_plane_count_twice() -> None:
    assert utf16_positions("a👍b") == [0, 1, 3, 4]
    assert utf16_positions("") == [0]
    assert utf16_positions("a\ud83d") == [0, 1, 2]


@given(st.text(), st.data())
def test_a_part_of_the_text_is_the_same_part_of_its_code_units(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    positions = utf16_positions(text)
    units = text.encode("utf-16-le", "surrogatepass")
    part = units[2 * positions[start] : 2 * positions[end]].decode("utf-16-le", "surrogatepass")
    assert part == text[start:end]
