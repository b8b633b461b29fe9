"""Any file is either read or refused with an AlbertError; a file in the format of another task is recognized."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from albert_export.evaluation import read_dataset
from albert_export.evaluation.datasets.formats import file_format
from albert_export.evaluation.metrics import registry as measures
from albert_runtime.errors import AlbertError, DependencyError, UnsupportedError, UsageError
from albert_runtime.tasks import TASKS

LABELS = ("O", "B-PER", "I-PER")
TEXTS = {
    "question-answering": json.dumps(
        {"data": [{"paragraphs": [{"context": "Ada sang.", "qas": [
            {"id": "1", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}]}]}]}
    ),
    "text-classification": "sentence\tlabel\nAda sang well.\tB-PER\nNobody sang at all.\t0\n".replace("\t0", "\tO"),
    "token-classification": "Ada B-PER\nsang O\n\nBob B-PER\nsang O\n",
    "multiple-choice": '{"prompt": "Ada sang.", "choices": ["She was heard.", "She slept."], "label": 0}\n',
    "fill-mask": "Ada sang a song in the house.\nEverybody heard what she sang there.\n",
    "pretraining": "Ada sang a song in the house.\nEverybody heard what she sang there.\n",
}  # fmt: skip
PROBLEMS = (None, "regression", "multi_label_classification", "single_label_classification")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data") / "examples.data"


def check(file: Path, content: bytes, task: str, problem_type: str | None = None) -> bool:
    """Return whether `content` is a dataset; raise an error if it is neither read nor refused properly."""
    file.write_bytes(content)
    try:
        dataset = read_dataset(file, task, labels=LABELS, problem_type=problem_type)
    except AlbertError as error:
        return not str(error)
    assert dataset.examples
    assert dataset.task == task
    return True


@pytest.mark.parametrize("task", TEXTS)
def test_each_task_reads_its_own_format_and_recognizes_the_others(file: Path, task: str) -> None:
    assert check(file, TEXTS[task].encode(), task)
    for other in TEXTS:
        if file_format(other) == file_format(task):
            continue
        with pytest.raises(UsageError) as caught:
            read_dataset(file, other, labels=LABELS)
        message = str(caught.value)
        assert f"looks like {file_format(task)}, which is for " in message
        assert task in message
        assert f"the model is for {other}: give {file_format(other)}" in message


def test_a_cut_off_file_is_still_recognized(file: Path) -> None:
    file.write_text(TEXTS["question-answering"][:60])
    with pytest.raises(UsageError, match="looks like a SQuAD JSON file"):
        read_dataset(file, "cls", labels=LABELS)


def test_words_without_tags_are_no_other_format(file: Path) -> None:
    """A table of columns without a tag at the end is not mistaken for prose."""
    file.write_text("1 Ada ada NOUN NNP root\n2 sang sing VERB VBD root\n\n")
    assert len(read_dataset(file, "ner", labels=("root",)).examples) == 1


tasks = st.sampled_from(sorted(TEXTS))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60), tasks, st.sampled_from(PROBLEMS))
@example(b"\xff\xfea\x00", "fill-mask", None)
@example(b"a\x00b", "fill-mask", None)
@example(b"\r\n\t\n", "text-classification", None)
def test_any_bytes(file: Path, content: bytes, task: str, problem_type: str | None) -> None:
    check(file, content, task, problem_type)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "paragraphs", "qas", "context", "id", "question", "answers", "text",
                             "answer_start", "is_impossible", "version", "prompt", "choices", "label", "ctx"]),
            inner, max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(json_values, st.sampled_from(["question-answering", "multiple-choice"]))
def test_any_json(file: Path, value: object, task: str) -> None:
    check(file, json.dumps(value).encode(), task)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.sampled_from(["Ada", " ", "\t", "\n", "\r", "O", "B-PER", "label", "sentence", "text_pair", "1", ",",
                              "[MASK]", "\u2028", "\x1c", "²", "-DOCSTART-", "nan", "{", '"data": [']), max_size=30),
    tasks,
    st.sampled_from(PROBLEMS),
)  # fmt: skip
def test_any_cells(file: Path, parts: list[str], task: str, problem_type: str | None) -> None:
    check(file, "".join(parts).encode(), task, problem_type)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data(), tasks)
def test_any_damage(file: Path, data: st.DataObject, task: str) -> None:
    """A valid file that is cut off anywhere or has changed bytes."""
    content = bytearray(TEXTS[task].encode())
    del content[data.draw(st.integers(0, len(content))) :]
    for place in data.draw(st.lists(st.integers(0, max(len(content) - 1, 0)), max_size=3)):
        if content:
            content[place] = data.draw(st.integers(0, 255))
    check(file, bytes(content), task)


@pytest.mark.parametrize("task", TEXTS)
@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty;"), (b" \n\r\n", "empty but for white space"), (b"caf\xe9 au lait", "not UTF-8 text, see byte 3"),
     (b"\xc3\xa9a\0b", "zero byte, the first at 3")],
)  # fmt: skip
def test_no_text(file: Path, task: str, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_dataset(file, task)
    assert message in str(caught.value)
    assert f"for {task} give {file_format(task)}" in str(caught.value)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder; for question-answering give a SQuAD JSON"):
        read_dataset(tmp_path, "qa")


@pytest.mark.parametrize("name", ["absent.tsv", "no\0name", "x" * 5000])
def test_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="can't read the evaluation data"):
        read_dataset(f"{tmp_path}/{name}", "cls")


def test_vectors_have_no_right_answers(file: Path) -> None:
    with pytest.raises(UnsupportedError, match="albert-export verify BUNDLE --model CHECKPOINT"):
        read_dataset(file, TASKS["feature-extraction"])


def test_a_missing_package_is_reported_before_any_work(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(measures.importlib, "import_module", absent)
    assert not check(file, TEXTS["token-classification"].encode(), "token-classification")
    with pytest.raises(DependencyError, match=r"pip install 'albert-export\[evaluate\]'"):
        read_dataset(file, "ner", labels=LABELS)
    # these need numpy only
    assert check(file, TEXTS["question-answering"].encode(), "question-answering")
