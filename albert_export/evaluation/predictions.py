"""What a model answered, as a file."""

from __future__ import annotations

import json
from pathlib import Path

from albert_export.evaluation.datasets.example import Dataset
from albert_export.evaluation.evaluator import Evaluation
from albert_export.utils.atomic_file import replacing


def write_predictions(file: Path, dataset: Dataset, evaluation: Evaluation) -> None:
    """Writes the answers: of SQuAD files {id: answer}, as the official scripts read it; else an object on each line.

    A line has the example's number from 0, its request, the expected answer, and the answer.

    Raises:
        UsageError: the file can't be written.
    """
    asked = list(zip(dataset.examples, evaluation.answers, strict=False))  # there may have been a limit
    if dataset.task == "question-answering":
        text = json.dumps({example.name: answer for example, answer in asked}, indent=1) + "\n"
    else:
        lines = (
            {"index": index, "request": example.request, "expected": example.expected, "answer": answer}
            for index, (example, answer) in enumerate(asked)
        )
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")
