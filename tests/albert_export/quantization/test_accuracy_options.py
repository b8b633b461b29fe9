"""AccuracyOptions: the budget, and the data that answers are measured on."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from albert_export.checkpoints import read_checkpoint
from albert_export.demos import demo_checkpoint
from albert_export.evaluation import read_dataset
from albert_export.quantization.accuracy_options import EXAMPLES, AccuracyBudget, AccuracyOptions
from albert_export.samples.texts import evaluation_corpus
from albert_runtime.errors import UnsupportedError, UsageError
from albert_runtime.tasks import TASKS

CLS = TASKS["text-classification"]


def test_budgets() -> None:
    assert AccuracyBudget.from_max_drop(None) == AccuracyBudget(1.0, 0.5)
    assert AccuracyBudget.from_max_drop(2) == AccuracyBudget(2, 2)
    assert str(AccuracyBudget.from_max_drop(0)) == "0 of 100 answers may differ, and a metric may fall by 0 points"
    for wrong in (-1, 101, math.nan, math.inf):
        with pytest.raises(UsageError, match="is not a number of points from 0 to 100"):
            AccuracyBudget.from_max_drop(wrong)


def test_bad_evaluation_data_is_refused_before_the_model_is_built(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(demo_checkpoint(CLS.name))
    unknown = tmp_path / "dev.tsv"
    unknown.write_text("sentence\tlabel\nA film.\tsplendid\n")
    with pytest.raises(UsageError, match="splendid"):
        AccuracyOptions(eval_data=unknown).dataset(checkpoint, CLS)
    squad = tmp_path / "dev.json"
    squad.write_text('{"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "A')
    with pytest.raises(UsageError):
        AccuracyOptions(eval_data=squad).dataset(checkpoint, TASKS["question-answering"])
    embedder = read_checkpoint(demo_checkpoint("feature-extraction"))
    with pytest.raises(UnsupportedError, match="verify"):
        AccuracyOptions(eval_data=unknown).dataset(embedder, TASKS["feature-extraction"])


def test_labels_are_in_the_order_of_the_outputs(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(demo_checkpoint(CLS.name))
    config = checkpoint.config
    backwards = dict(reversed(config.id2label.items()))
    mixed = dataclasses.replace(checkpoint, config=dataclasses.replace(config, id2label=backwards))
    numbered = tmp_path / "numbers.tsv"
    numbered.write_text("sentence\tlabel\nA film.\t0\nA film.\t1\n")
    dataset = AccuracyOptions(eval_data=numbered).dataset(mixed, CLS)
    assert dataset is not None
    assert [example.expected for example in dataset.examples] == [config.id2label[0], config.id2label[1]]
    assert read_dataset(numbered, CLS, labels=[config.id2label[0], config.id2label[1]]).examples == dataset.examples


def test_the_users_own_texts_are_asked_too() -> None:
    own = [(f"A text of my own, number {number}.", None) for number in range(250)]
    requests = AccuracyOptions(texts=own).requests(CLS)
    assert len(requests) == len(evaluation_corpus()) + 100
    assert requests[-1]["text"].startswith("A text of my own")


def test_a_sorted_file_is_asked_from_all_over(tmp_path: Path) -> None:
    file = tmp_path / "sorted.tsv"
    labels = read_checkpoint(demo_checkpoint(CLS.name)).config.id2label
    rows = [f"A film, number {number}.\t{labels[int(number >= 400)]}" for number in range(800)]
    file.write_text("sentence\tlabel\n" + "\n".join(rows) + "\n")
    dataset = AccuracyOptions(eval_data=file).dataset(read_checkpoint(demo_checkpoint(CLS.name)), CLS)
    assert dataset is not None
    assert len(dataset.examples) == EXAMPLES
    for asked in (dataset, dataset.spread(200)):
        share = sum(example.expected == labels[0] for example in asked.examples) / len(asked.examples)
        assert 0.4 < share < 0.6
    assert dataset.spread(200) == dataset.spread(200)
    assert dataset.spread(EXAMPLES) is dataset
