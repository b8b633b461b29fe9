"""Finds real test data, which the repository does not contain, and reads all of its texts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_FOLDER = Path(os.environ.get("ALBERT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def shared_data(name: str) -> Path:
    """The file or folder `name` of the test data; skips the test if it is absent."""
    path = _FOLDER / name
    if not path.exists():
        pytest.skip(f"test data {name} is absent (looked in {_FOLDER}; set ALBERT_TEST_DATA to its folder)")
    return path


def all_texts() -> dict[str, list[str]]:
    """File name -> its texts without repetitions: lines, paragraphs of books, questions and contexts of SQuAD files.

    Skips the test if the data is absent.
    """
    root = shared_data("README.md").parent
    texts = {
        str(file.relative_to(root)): list(dict.fromkeys(_texts(file)))
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.suffix != ".model"
    }
    assert texts, f"no texts in {root}"
    return texts


def _texts(file: Path) -> Iterator[str]:
    content = file.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if file.suffix == ".json":
        for article in json.loads(text)["data"]:
            for paragraph in article["paragraphs"]:
                yield paragraph["context"]
                yield from (question["question"] for question in paragraph["qas"])
        return
    yield from text.split("\n")
    if file.suffix == ".md":
        yield from text.split("\n\n")
    if file.suffix in {".conll", ".annotated"}:
        # Each line has one word, and a blank line ends a sentence.
        for sentence in text.split("\n\n"):
            yield " ".join(line.split("\t")[0] for line in sentence.split("\n"))
