"""write_predictions: the answers of an evaluation as a file."""

from __future__ import annotations

import json
from pathlib import Path

from albert_export.evaluation.datasets.example import Dataset
from albert_export.evaluation.evaluator import Evaluation
from albert_export.utils.atomic_file import replacing


def write_predictions(file: Path, dataset: Dataset, evaluation: Evaluation) -> None:
    """Write the answers of `evaluation` to `file`.

    For SQuAD data the file is JSON, {id: answer}, as the official SQuAD scripts read it. For other data it is JSONL:
    each line has the example's index from 0, its request, the expected answer, and the model's answer.

    Raises:
        UsageError: the file can't be written.
    """
    answered = list(zip(dataset.examples, evaluation.answers, strict=False))  # `limit` may have left examples out
    if dataset.task == "question-answering":
        text = json.dumps({example.name: answer for example, answer in answered}, indent=1) + "\n"
    else:
        lines = (
            {"index": index, "request": example.request, "expected": example.expected, "answer": answer}
            for index, (example, answer) in enumerate(answered)
        )
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")
