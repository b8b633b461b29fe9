"""Words are masked and lines are paired in the same way every time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from albert_export.evaluation import Dataset, read_dataset
from albert_runtime.errors import UsageError

STORY = """The cat sat on the mat, and the dog barked (loudly) at well-known 1999 cars!
Then it ran.

Another story began; nobody knew why.
It went on.
"""


def read(folder: Path, text: str, task: str) -> Dataset:
    file = folder / "book.txt"
    file.write_text(text, encoding="utf-8")
    return read_dataset(file, task)


def test_masks(tmp_path: Path) -> None:
    dataset = read(tmp_path, STORY, "mlm")
    assert dataset.kind == "masks"
    lines = [line for line in STORY.splitlines() if line]
    restored = [example.request["text"].replace("[MASK]", example.expected) for example in dataset.examples]
    # 13 words of letters between white space in the first line: 15% are two; one in the others
    assert restored == [lines[0], lines[0], *lines[1:]]
    for example in dataset.examples:
        assert example.request["text"].count("[MASK]") == 1
        assert example.expected.isalpha()
    assert dataset == read(tmp_path, STORY, "mlm")


def test_a_long_line_is_split(tmp_path: Path) -> None:
    dataset = read(tmp_path, "word  " * 150, "mlm")
    texts = {example.request["text"].replace("[MASK]", "word") for example in dataset.examples}
    assert texts == {"  ".join(["word"] * 64), "  ".join(["word"] * 22)}
    assert len(dataset.examples) == 10 + 10 + 3


def test_orders(tmp_path: Path) -> None:
    dataset = read(tmp_path, STORY + "So it ended.\n" * 40, "mlm+sop")
    assert dataset.kind == "masks and order"
    lines = STORY.splitlines() + ["So it ended."] * 40
    pairs = [(one, other) for one, other in pairwise(lines) if one and other]
    assert len(dataset.examples) == len(pairs)
    in_order = 0
    for pair, example in zip(pairs, dataset.examples, strict=True):
        expected, word = example.expected
        texts = [text.replace("[MASK]", word) for text in (example.request["first"], example.request["second"])]
        assert texts == list(pair if expected else pair[::-1])
        in_order += expected
    assert 10 < in_order < 32


def test_long_lines_of_a_pair_are_cut_off(tmp_path: Path) -> None:
    (example,) = read(tmp_path, "one " * 100 + "\n" + "two " * 10, "mlm+sop").examples
    assert sorted(len(text.split()) for text in example.request.values()) == [10, 32]


def test_a_pair_without_a_word_to_mask(tmp_path: Path) -> None:
    (example,) = read(tmp_path, "1 2 3\n4 5\n", "mlm+sop").examples
    assert example.expected[1] is None
    assert sorted(example.request.values()) == ["1 2 3", "4 5"]


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        ("mlm", "1 2 3 4\n", "no word to mask"),
        ("mlm", "Fine\nParis is the [MASK] of France.\n", "line 2: 'Paris is the [MASK] of France.'"),
        ("mlm+sop", "Paris is the [MASK] of France.\nFine\n", "line 1"),
        ("mlm+sop", "One line.\n\nAnother.\n", "no two lines without a blank line between"),
    ],
)
def test_refused(tmp_path: Path, task: str, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text, task)
    assert message in str(caught.value)
    assert "book.txt" in str(caught.value)
