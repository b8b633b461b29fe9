"""The Unicode properties of the npm package are those of Python."""

from __future__ import annotations

import unicodedata

import pytest

from tools import unicode_ranges_js


def test_the_file_is_current() -> None:
    content = unicode_ranges_js.TARGET.read_text(encoding="utf-8")
    if f"Unicode {unicodedata.unidata_version};" not in content:
        pytest.skip(f"the file is made from another version of Unicode than {unicodedata.unidata_version}")
    assert content == unicode_ranges_js.source()
