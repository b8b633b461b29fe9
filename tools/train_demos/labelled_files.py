"""Writes labelled data files with new examples of the kinds that the demos were trained on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from tools.train_demos.demo import Example
from tools.train_demos.evaluation import new_examples
from tools.train_demos.registry import DEMOS


def write_demo_file(folder: Path, task: str, count: int = 40, seed: int = 7, held_out: bool = False) -> Path:
    """Writes `count` examples for `task` in a format that `read_dataset` reads; returns the file."""
    examples = list(new_examples(DEMOS[task], held_out=held_out, count=count, seed=seed))
    file = folder / f"{task}.data"
    file.write_text(DEMO_FILES[task](examples), encoding="utf-8")
    return file


def _squad(examples: Iterable[Example]) -> str:
    paragraphs = []
    for number, example in enumerate(examples):
        context, text = example.inputs["context"], example.expected
        answer = {"text": text, "answer_start": context.index(text)}
        question = {"id": f"q{number}", "question": example.inputs["question"], "answers": [answer]}
        paragraphs.append({"context": context, "qas": [question]})
    return json.dumps({"version": "1.1", "data": [{"title": "demo", "paragraphs": paragraphs}]})


def _table(examples: Iterable[Example]) -> str:
    rows = [f"{example.inputs['text']}\t{example.expected}" for example in examples]
    return "\n".join(["sentence\tlabel", *rows]) + "\n"


def _conll(examples: Iterable[Example]) -> str:
    sentences = []
    for example in examples:
        rows = []
        for word in re.finditer(r"\w+|[^\w\s]", example.inputs["text"]):
            place = next((span for span in example.target if span[0] <= word.start() < span[1]), None)
            tag = "O" if place is None else f"{'B' if word.start() == place[0] else 'I'}-{place[2]}"
            rows.append(f"{word.group()} {tag}")
        sentences.append("\n".join(rows))
    return "\n\n".join(sentences) + "\n"


def _choices(examples: Iterable[Example]) -> str:
    return "".join(json.dumps({**example.inputs, "label": example.expected}) + "\n" for example in examples)


def _sentences(examples: Iterable[Example]) -> str:
    return "".join(f"{example.target}\n" for example in examples)


def _pairs(examples: Iterable[Example]) -> str:
    pairs = []
    for example in examples:
        texts = [example.inputs["first"], example.inputs["second"]]
        pairs.append("\n".join(texts if example.expected else reversed(texts)))
    return "\n\n".join(pairs) + "\n"


#: task -> the function that makes the text of its file
DEMO_FILES: dict[str, Callable[[Iterable[Example]], str]] = {
    "question-answering": _squad,
    "text-classification": _table,
    "token-classification": _conll,
    "multiple-choice": _choices,
    "fill-mask": _sentences,
    "pretraining": _pairs,
}
