"""Calibration data: the texts of a file, or a clear refusal, and the inputs that are made from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_export.quantization.calibration import (
    calibration_samples,
    read_calibration_texts,
)
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import UsageError
from albert_runtime.tasks import INPUT_NAMES, TASKS
from tests.conftest import VOCABULARY

ADVICE = "give a UTF-8 text file with a typical input on each line"


@pytest.fixture(scope="module")
def tokenizer() -> AlbertTokenizer:
    return AlbertTokenizer(VOCABULARY)


def write(folder: Path, content: bytes) -> Path:
    file = folder / "texts.txt"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"The first one.\nThe second.\n", [("The first one.", None), ("The second.", None)]),
        (b"No end of the line at all", [("No end of the line at all", None)]),
        (b"Windows.\r\n\r\nBlank lines too.\r\n", [("Windows.", None), ("Blank lines too.", None)]),
        (b"A question?\tA context.\n", [("A question?", "A context.")]),
        (b"First\tsecond\tmore of it\n", [("First", "second\tmore of it")]),
        (b"First of them, alone\t \n\tonly a second\n", [("First of them, alone", None)]),
        (b"\xef\xbb\xbfA mark before all of it.\n", [("A mark before all of it.", None)]),
        ("Grüße aus Köln, 東京, 🙂\n".encode(), [("Grüße aus Köln, 東京, 🙂", None)]),
    ],
)
def test_texts_of_a_file(content: bytes, texts: list[Any], tmp_path: Path) -> None:
    assert read_calibration_texts(write(tmp_path, content)) == texts
    assert read_calibration_texts(str(tmp_path / "texts.txt")) == texts


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b" \n\t\n\r\n  \t  ", "is empty"),
        ("\u3000\n\u00a0".encode(), "is empty"),
        (b"\tonly seconds\n", "is empty"),
        ("Gr\u00fc\u00dfe".encode("latin-1"), "is not UTF-8 text, see byte 2"),
        (b"a" * 5000 + b"\xff", "is not UTF-8 text, see byte 5,000"),
        ("UTF-16".encode("utf-16"), "is not UTF-8 text, see byte 0"),
        ("UTF-16".encode("utf-16-le"), "it has a zero byte"),
        (b"TFL3\0\0\0\0", "it has a zero byte"),
        (bytes(range(256)), "is not UTF-8 text"),
        (b"Hello.\tYou?\n", "holds 10 characters, less than a sentence"),
        (b"word\n" * 4, "holds 16 characters"),
    ],
)
def test_files_that_are_no_texts(content: bytes, problem: str, tmp_path: Path) -> None:
    file = write(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        read_calibration_texts(file)
    message = str(caught.value)
    assert str(file) in message
    assert problem in message
    assert ADVICE in message


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't read the calibration data .*nowhere.txt: No such file.*" + ADVICE):
        read_calibration_texts(tmp_path / "nowhere.txt")
    with pytest.raises(UsageError, match=f"is a folder; {ADVICE}"):
        read_calibration_texts(tmp_path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8"))))
def test_any_bytes_are_texts_or_refused(content: bytes, tmp_path: Path) -> None:
    try:
        texts = read_calibration_texts(write(tmp_path, content))
    except UsageError:
        return
    assert texts
    assert all(first.strip() and (second is None or second.strip()) for first, second in texts)


@settings(max_examples=50, deadline=None)
@given(first=st.text(max_size=300), second=st.none() | st.text(max_size=300))
def test_any_text_becomes_an_input(first: str, second: str | None, tokenizer: AlbertTokenizer) -> None:
    task = TASKS["question-answering"]
    [sample] = calibration_samples([(first, second)], tokenizer, task, longest=48, sequence_length=16)
    assert {name: (array.shape, array.dtype) for name, array in sample.items()} == dict.fromkeys(
        INPUT_NAMES, ((1, 16), np.dtype(np.int64))
    )


@pytest.mark.parametrize("task", TASKS)
def test_inputs_of_each_task(task: str, tokenizer: AlbertTokenizer) -> None:
    texts = [("A text.", None), ("A question?", "A context of a few words."), ("word " * 300, "more " * 300)]
    samples = calibration_samples(texts, tokenizer, TASKS[task], longest=512)
    choices = (1,) if task == "multiple-choice" else ()
    lengths = [sample["input_ids"].shape[-1] for sample in samples]
    assert all(
        sample["input_ids"].shape == (1, *choices, length) for sample, length in zip(samples, lengths, strict=True)
    )
    assert lengths[0] == len(tokenizer("A text.").encodings[0])
    assert lengths[2] == 128  # longer inputs take long to run, and hardly change the ranges
    assert all(sample["attention_mask"].all() for sample in samples)
    assert samples[1]["token_type_ids"].max() == 1

    static = calibration_samples(texts, tokenizer, TASKS[task], longest=512, sequence_length=24)
    assert {sample["input_ids"].shape for sample in static} == {(1, *choices, 24)}
    assert not static[0]["attention_mask"].all()

    short = calibration_samples(texts, tokenizer, TASKS[task], longest=48)
    assert short[2]["input_ids"].shape[-1] == 48  # as many as the model has positions


@pytest.mark.parametrize("count", [1, 63, 64, 65, 100, 127, 128, 129, 5000])
def test_of_many_texts_some_are_taken_from_everywhere(count: int, tmp_path: Path, tokenizer: AlbertTokenizer) -> None:
    file = write(tmp_path, "".join(f"{number}\tthe words of a pair\n" for number in range(count)).encode())
    texts = read_calibration_texts(file)
    assert len(texts) == count
    task = TASKS["text-classification"]
    samples = calibration_samples(texts, tokenizer, task, longest=48)
    taken = [int(tokenizer.decode(sample["input_ids"][0], skip_special_tokens=True).split()[0]) for sample in samples]
    assert len(taken) == min(count, 64)
    steps = np.diff([*taken, count])
    assert taken[0] == 0
    assert steps.min() >= count // 64 or count < 64
    assert steps.max() <= -(-count // 64)
