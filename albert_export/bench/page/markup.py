"""Elements of HTML and SVG, whose texts and attributes are escaped when they are written."""

from __future__ import annotations

import re
from xml.etree import ElementTree

Element = ElementTree.Element

#: characters that HTML has no place for: names of files may hold them
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
REPLACEMENT = "�"


def element(tag: str, /, *children: Element | str | None, **attributes: object) -> Element:
    """Return an element with its children in order; None among them is left out.

    Attributes are named as in Python: `class_` is class, and `aria_label` is aria-label. Those of None are left out.
    """
    made = Element(
        tag,
        {
            key.rstrip("_").replace("_", "-"): clean(str(value))
            for key, value in attributes.items()
            if value is not None
        },
    )
    for child in children:
        if isinstance(child, str):
            _append_text(made, clean(child))
        elif child is not None:
            made.append(child)
    return made


def _append_text(made: Element, text: str) -> None:
    if len(made):
        made[-1].tail = (made[-1].tail or "") + text
    else:
        made.text = (made.text or "") + text


def clean(text: str) -> str:
    """Return `text` with the replacement character for what HTML has no place for."""
    return _CONTROL.sub(REPLACEMENT, text)


def written(root: Element) -> str:
    """Return the element and all that is in it as HTML, with a document type before <html>."""
    return f"<!DOCTYPE html>\n{ElementTree.tostring(root, encoding='unicode', method='html')}\n"
