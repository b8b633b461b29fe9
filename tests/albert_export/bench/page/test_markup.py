"""Elements of HTML: every text and attribute is escaped, whatever a file is called."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from albert_export.bench.page.markup import REPLACEMENT, clean, element, written


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader


def test_children_keep_their_order() -> None:
    made = element("p", "a ", element("b", "bold"), " c", None, element("i", "d"), "e")
    assert written(made) == "<!DOCTYPE html>\n<p>a <b>bold</b> c<i>d</i>e</p>\n"


def test_attributes() -> None:
    made = element("a", class_="x", aria_label='1 < 2 & "3"', href=None, tabindex=0)
    [(tag, attributes)] = read(written(made)).tags
    assert tag == "a"
    assert attributes == {"class": "x", "aria-label": '1 < 2 & "3"', "tabindex": "0"}


@given(st.text())
def test_any_text_is_read_back_and_adds_no_element(text: str) -> None:
    reader = read(written(element("p", text, title=text)))
    assert [tag for tag, _ in reader.tags] == ["p"]
    assert reader.tags[0][1] == {"title": clean(text)}
    assert "".join(reader.texts).strip("\n") == clean(text).strip("\n")
    written(element("p", text)).encode("utf-8")


def test_characters_that_html_has_no_place_for() -> None:
    assert clean("a\x00b\x1b[31m\udcff") == f"a{REPLACEMENT}b{REPLACEMENT}[31m{REPLACEMENT}"
    assert clean("tab\tline\nä ≥ 🙂") == "tab\tline\nä ≥ 🙂"
