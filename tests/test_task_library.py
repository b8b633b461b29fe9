"""TFLite Task Library 0.4.4, in an environment of its own, opens the files made for it and answers right."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece

from albert_converters.tflite.model import dumps
from albert_converters.tflite.task_library_metadata import add_task_library_metadata
from albert_converters.tflite.task_library_tokenizer import (
    TaskLibraryTokenizer,
    sentencepiece_tokenizer,
    wordpiece_tokenizer,
)
from albert_export.demos import demo_checkpoint, demo_examples
from albert_runtime.bundle import open_bundle
from albert_runtime.tasks import TASKS
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from albert_runtime.tokenization.wordpiece_model import WordPieceModel
from tests.clients.rows import Record, Row
from tests.conftest import VOCABULARY
from tests.tiny_tflite import scores_of_tokens, sums_of_inputs
from tests.virtual_environment import new_environment, run_in
from tests.wordpiece_vocabulary import declarations, write_vocabulary

pytestmark = pytest.mark.slow

#: names a Python that already has tflite-support 0.4.4
_PYTHON_VARIABLE = "ALBERT_TASK_LIBRARY_PYTHON"
_ASK = """
import json, sys
from tflite_support.task import text
file, requests = json.load(sys.stdin)
found = []
for request in requests:
    if "question" in request:
        task = text.BertQuestionAnswerer.create_from_file(file)
        found.append([answer.text for answer in task.answer(**request).answers])
    else:
        task = text.BertNLClassifier.create_from_file(file)
        [head] = task.classify(**request).classifications
        found.append({category.category_name: category.score for category in head.categories})
print(json.dumps(found))
"""


@pytest.fixture(scope="session")
def task_library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a Python with TFLite Task Library."""
    python = os.environ.get(_PYTHON_VARIABLE)
    if python is None:
        if sys.version_info >= (3, 12):
            pytest.skip(
                f"tflite-support 0.4.4 has wheels up to Python 3.11; name one that has it in {_PYTHON_VARIABLE}"
            )
        folder = tmp_path_factory.mktemp("task-library")
        python = new_environment(folder, ["tflite-support==0.4.4", "numpy<2"], may_lack="tflite-support")
    tried = run_in(python, "-c", "from tflite_support.task import text")
    if "libusb" in tried.stderr:
        pytest.skip("tflite-support needs libusb-1.0-0, a package of the system")
    assert tried.returncode == 0, tried.stderr
    return python


def ask(python: str, file: Path, requests: list[dict[str, str]]) -> list[Any]:
    """The answers of Task Library: for a question its texts, best first; for a text a dict of label and score."""
    asked = run_in(python, "-c", _ASK, stdin=json.dumps([str(file), requests]))
    assert asked.returncode == 0, asked.stderr
    return list(json.loads(asked.stdout))


def save(
    file: Path,
    model: Any,
    task: str,
    labels: tuple[str, ...] = (),
    tokenizer: TaskLibraryTokenizer | None = None,
) -> Path:
    content = add_task_library_metadata(
        dumps(model),
        task=TASKS[task],
        tokenizer=tokenizer or sentencepiece_tokenizer(VOCABULARY.read_bytes()),
        labels=labels,
        name="By hand",
        description="",
        version="1",
    )
    file.write_bytes(content)
    return file


# --- handmade graphs with known numbers -----------------------------------------------------------------------


def test_the_answer_has_the_highest_scores(task_library: str, tmp_path: Path) -> None:
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(VOCABULARY))
    start, end = np.zeros((2, pieces.get_piece_size()), np.float32)
    start[pieces.encode("paris")] = end[pieces.encode("london")] = 10
    file = save(tmp_path / "model.tflite", scores_of_tokens(start, end), "question-answering")
    request = {"context": "We went from Paris to lovely London, by train.", "question": "Where is London to Paris?"}
    [answers] = ask(task_library, file, [request])
    # Task Library returns whole words of the original text, with the punctuation that touches them.
    assert answers[0] == "Paris to lovely London,"


def test_the_classifier_fills_every_input(task_library: str, tmp_path: Path) -> None:
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(VOCABULARY))
    model = sums_of_inputs(length=16)
    file = save(tmp_path / "model.tflite", model, "text-classification", ("ids", "größer", "segments"))
    short, long = ask(task_library, file, [{"text": "Hello there"}, {"text": "hello there " * 20}])
    ids = pieces.encode("hello there")
    assert short == {"ids": sum(ids) + 2 + 3, "größer": len(ids) + 2, "segments": 0}
    # Task Library reads the length from the model and cuts longer texts.
    assert long["größer"] == 16
    unlabelled = save(tmp_path / "numbers.tflite", model, "text-classification")
    assert set(ask(task_library, unlabelled, [{"text": "hello"}])[0]) == {"0", "1", "2"}


def test_a_vocabulary_of_words_gives_the_same_ids(task_library: str, tmp_path: Path) -> None:
    """WordPiece: the sum and the number of the ids are those of this project, in texts without accents."""
    # An empty line and two equal ones must not move the ids of the pieces below them.
    vocabulary = write_vocabulary(tmp_path / "vocab.txt", ["", "of", "的"])
    vocabulary.write_bytes(vocabulary.read_bytes() + b"of\r\n")
    model, normalizer = WordPieceModel(vocabulary, "[UNK]"), BertNormalizer()
    assert model.repeated == ("of",)
    labels = ("ids", "mask", "segments")
    file = save(
        tmp_path / "model.tflite",
        sums_of_inputs(length=512),
        "text-classification",
        labels,
        wordpiece_tokenizer(model, normalizer),
    )
    texts = [text for name in ("chinese", "chinese_traditional", "english") for text in declarations()[name]]
    expected = [
        [model.id_of(piece.piece) for piece in model.split(normalizer.normalize(AlignedText.of(text)))]
        for text in texts
    ]
    found = ask(task_library, file, [{"text": text} for text in texts])
    added = model.id_of("[CLS]") + model.id_of("[SEP]")
    assert found == [{"ids": sum(ids) + added, "mask": len(ids) + 2, "segments": 0} for ids in expected]
    assert sum(map(len, expected)) > 1000


# --- the demos --------------------------------------------------------------------------------------------------------


@pytest.mark.clients
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("task", ["question-answering", "text-classification"])
def test_the_demo_answers_right(task: str, precision: str, task_library: str, tmp_path: Path, record: Record) -> None:
    from albert_export.export import export_tflite

    export_tflite(demo_checkpoint(task), tmp_path / "bundle", task=task, target="task-library", precision=precision)
    examples = demo_examples(task)
    found = ask(task_library, open_bundle(tmp_path / "bundle").model_file, [example.inputs for example in examples])
    if task == "question-answering":
        answers = [texts[0].strip(".,?!") for texts in found]
    else:
        assert all(sum(scores.values()) == pytest.approx(1, abs=1e-3) for scores in found)
        answers = [max(scores, key=scores.__getitem__) for scores in found]
    right = sum(answer == example.expected for answer, example in zip(answers, examples, strict=True))
    # For this engine int8 means int8-static, which moves the start or end of some answers by a word.
    assert right >= len(examples) * (0.6 if precision == "int8" else 1), answers
    same = right == len(examples)
    note = "" if same else "Some answers begin or end a word earlier or later."
    shown = "int8-static" if precision == "int8" else precision
    record(Row("TFLite Task Library", "0.4.4", task, "tflite, target task-library", shown, True, same, note))
