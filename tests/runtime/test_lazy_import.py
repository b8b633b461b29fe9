"""Objects and public names that are imported at first use."""

from __future__ import annotations

import pytest

from albert_runtime.lazy_import import lazy_names, load_object


def test_an_object_is_imported_by_its_reference():
    assert load_object("pathlib:PurePosixPath")("a/b").name == "b"


@pytest.mark.parametrize(
    ("reference", "error"),
    [("no_such_module:name", ModuleNotFoundError), ("pathlib:absent", AttributeError)],
)
def test_a_reference_to_nothing_is_an_error(reference, error):
    with pytest.raises(error):
        load_object(reference)


def test_public_names_come_from_their_modules():
    get = lazy_names("package", {"math": ("sqrt", "pi"), "json": ("dumps",)})
    assert get("sqrt")(9) == 3
    assert get("dumps")([1]) == "[1]"
    with pytest.raises(AttributeError, match="module 'package' has no attribute 'loads'"):
        get("loads")
