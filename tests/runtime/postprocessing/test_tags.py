from __future__ import annotations

import pytest

from albert_runtime.postprocessing.tags import Tag, group_tags, read_tag


@pytest.mark.parametrize(
    ("label", "tag"),
    [
        ("B-PER", ("B", "PER")),
        ("I-PER", ("I", "PER")),
        ("E-PER", ("E", "PER")),
        ("L-PER", ("E", "PER")),
        ("S-PER", ("S", "PER")),
        ("U-PER", ("S", "PER")),
        ("B-creative-work", ("B", "creative-work")),
        ("O", ("I", "O")),
        ("DATE", ("I", "DATE")),
        ("X", ("I", "X")),
        ("X-ray", ("I", "X-ray")),
        ("B-", ("I", "B-")),
        ("[PAD]", ("I", "[PAD]")),
        ("LABEL_0", ("I", "LABEL_0")),
    ],
)
def test_each_label_is_read_by_itself(label, tag):
    assert read_tag(label) == tag


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        ("B-PER I-PER O B-LOC B-LOC", [2, 1, 1, 1]),
        ("I-PER I-LOC I-LOC", [1, 2]),
        ("B-PER I-PER E-PER I-PER S-PER S-PER", [3, 1, 1, 1]),
        ("B-PER I-PER L-PER I-PER U-PER U-PER", [3, 1, 1, 1]),
        ("PER PER LOC O O", [2, 1, 2]),
        ("B-PER I-PER DATE DATE X B-PER", [2, 2, 1, 1]),
        ("B-PER PER", [2]),  # a plain label continues an entity of its kind
        ("B-PER I-LOC", [1, 1]),
        ("", []),
    ],
)
def test_neighbours_form_entities(labels, groups):
    found = group_tags([read_tag(label) for label in labels.split()])
    assert [len(group) for group in found] == groups
    assert [place for group in found for place in group] == list(range(len(labels.split())))


def test_positions():
    assert [Tag(position, "X").begins for position in "BIES"] == [True, False, False, True]
    assert [Tag(position, "X").ends for position in "BIES"] == [False, False, True, True]
