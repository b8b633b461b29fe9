"""The requests that a page offers: the user's file, the demo's, or those of the self-test."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.web.examples import page_examples
from albert_runtime.bundle import Bundle, open_bundle, sha256_of
from albert_runtime.errors import UsageError
from tests.runtime.tiny_bundle import make_bundle


def tiny(folder: Path, task: str, **fields: Any) -> Bundle:
    bundle = open_bundle(make_bundle(folder, task), check=False)
    return replace(bundle, manifest=replace(bundle.manifest, **fields))


def of_the_demo(folder: Path, task: str) -> Bundle:
    """A bundle with the vocabulary of the task's demo."""
    bundle = tiny(folder, task)
    files = {**bundle.manifest.files, "spiece.model": sha256_of(demo_checkpoint(task) / "spiece.model")}
    return replace(bundle, manifest=replace(bundle.manifest, files=files))


def written(folder: Path, content: object) -> Path:
    file = folder / "examples.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_a_demo_has_its_own_examples(tmp_path: Path) -> None:
    found = page_examples(of_the_demo(tmp_path / "bundle", "question-answering"))
    assert found == [one.inputs for one in demo_examples("question-answering")[:6]]


def test_the_demo_of_feature_extraction_compares_texts(tmp_path: Path) -> None:
    found = page_examples(of_the_demo(tmp_path / "bundle", "feature-extraction"))
    first = demo_examples("feature-extraction")[0]
    assert found[0] == {"texts": [first.inputs["text"], first.expected["closer"], first.expected["farther"]]}


def test_another_model_has_the_requests_of_its_self_test(tmp_path: Path) -> None:
    inputs = [{"text": "One."}, {"text": "Two."}]
    vectors = tuple({"inputs": one} for one in inputs)
    assert page_examples(tiny(tmp_path / "a", "fill-mask", self_test=vectors)) == inputs
    compared = page_examples(tiny(tmp_path / "b", "feature-extraction", self_test=vectors))
    assert compared == [{"texts": ["One.", "Two."]}]


@pytest.mark.parametrize(
    ("task", "request_"),
    [
        ("question-answering", {"question": "Who?", "context": "Ada."}),
        ("multiple-choice", {"prompt": "A", "choices": ["b", "c"], "context": "d"}),
        ("feature-extraction", {"texts": ["a", "b"]}),
        ("text-classification", {"text": "a", "text_pair": "b"}),
    ],
)
def test_a_file_of_examples(task: str, request_: dict[str, Any], tmp_path: Path) -> None:
    bundle = of_the_demo(tmp_path / "bundle", task)
    assert page_examples(bundle, written(tmp_path, [request_])) == [request_]


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        ("[", ["not JSON", '"question", "context"']),
        ({}, ["no list"]),
        ([], ["no list"]),
        (
            [{"question": 1, "text": "x"}, "no"],
            [
                *(
                    '1 has no "context"',
                    '"text", which the page does not know',
                    '"question" of example 1 must be a text',
                ),
                "2 is no object",
            ],
        ),
    ],
)
def test_a_wrong_file_is_refused_with_all_reasons(content: object, messages: list[str], tmp_path: Path) -> None:
    bundle = tiny(tmp_path / "bundle", "question-answering")
    with pytest.raises(UsageError) as refused:
        page_examples(bundle, written(tmp_path, content))
    assert [message for message in messages if message not in str(refused.value)] == []
    assert "give a JSON list of objects" in str(refused.value)


def test_choices_must_be_a_list(tmp_path: Path) -> None:
    bundle = tiny(tmp_path / "bundle", "multiple-choice")
    with pytest.raises(UsageError, match='"choices" of example 1 must be a list of texts'):
        page_examples(bundle, written(tmp_path, [{"prompt": "a", "choices": "b"}]))
