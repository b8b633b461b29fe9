"""JSONL files for multiple choice; errors name the lines that can't be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albert_export.evaluation import read_dataset
from albert_runtime.errors import UsageError


def write(folder: Path, *lines: str) -> Path:
    file = folder / "dev.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "It rained.", "choices": ["She sang.", "She got wet."], "label": 1},
        {"ind": 4, "ctx": "It rained.", "endings": ["She sang.", "She got wet."], "label": "1", "ctx_a": "It"},
    ],
)
def test_names(tmp_path: Path, record: dict[str, object]) -> None:
    dataset = read_dataset(write(tmp_path, json.dumps(record), "", json.dumps(record)), "mc")
    assert dataset.kind == "choices"
    assert len(dataset.examples) == 2
    assert dataset.examples[1].request == {"prompt": "It rained.", "choices": ["She sang.", "She got wet."]}
    assert dataset.examples[1].expected == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"prompt": "It rained.", "choices": ["a", ', "it ends in the middle"),
        ("[1]", "a JSON list, not an object"),
        ("null", "a JSON null, not an object"),
        ("{}", 'no text "prompt", no list "choices" of two texts or more, no whole number "label"'),
        ('{"prompt": " ", "choices": ["a", "b"], "label": 0}', 'no text "prompt"'),
        ('{"prompt": "p", "choices": ["a"], "label": 0}', "of two texts or more"),
        ('{"prompt": "p", "choices": ["a", ""], "label": 0}', "of two texts or more"),
        ('{"prompt": "p", "choices": ["a", "b"], "label": 2}', '"label" is 2, and there are 2 choices'),
        ('{"prompt": "p", "choices": ["a", "b"], "label": -1}', '"label" is -1'),
        ('{"prompt": "p", "choices": ["a", "b"], "label": true}', "whole number"),
        ('{"prompt": "p", "choices": ["a", "b"], "label": 0.0}', "whole number"),
        ('{"prompt": "p", "choices": ["a", "b"], "label": "b"}', "whole number"),
    ],
)
def test_refused(tmp_path: Path, line: str, message: str) -> None:
    good = '{"prompt": "p", "choices": ["a", "b"], "label": 0}'
    with pytest.raises(UsageError) as caught:
        read_dataset(write(tmp_path, good, line, good), "mc")
    assert f"  - line 2: {message}" in str(caught.value) or message in str(caught.value)
    assert "line 2" in str(caught.value)
    assert "line 1" not in str(caught.value)
