"""Files of golden vectors say what a bundle gives, and a bundle that gives something else is told apart."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_export.vectors.request_vectors import MOST_VALUES, output_values
from albert_export.vectors.requests import wrong_calls
from albert_export.vectors.texts import PAIRS, TEXTS
from albert_export.vectors.vectors_file import check_vectors, make_vectors, read_vectors, write_vectors
from albert_runtime.errors import ParityError, UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import BuiltOnce, CheckpointOf, DemoBundleOf


@pytest.fixture(scope="module")
def demo(demo_bundle_of: DemoBundleOf) -> Path:
    return demo_bundle_of("onnx", "question-answering", "fp32")


@pytest.fixture(scope="module")
def vectors_file(demo: Path, built_once: BuiltOnce) -> Path:
    def make(folder: Path) -> None:
        folder.mkdir()
        write_vectors(make_vectors(albert_runtime.load(demo)), folder / "vectors.json")

    return built_once("vectors", make) / "vectors.json"


def changed(file: Path, target: Path, change: Any) -> Path:
    content = json.loads(file.read_text())
    change(content)
    target.write_text(json.dumps(content))
    return target


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_vectors_that_hold(task: str, demo_bundle_of: DemoBundleOf, tmp_path: Path) -> None:
    session = albert_runtime.load(demo_bundle_of("onnx", task, "fp32"))
    made = make_vectors(session)
    write_vectors(made, tmp_path / "vectors.json")
    assert (tmp_path / "vectors.json").read_text(encoding="ascii").count("\n") > 100
    read = read_vectors(tmp_path / "vectors.json")
    assert read == json.loads(json.dumps(made))
    counts = {name: len(made[name]) for name in ("tokenizer", "windows", "words", "decode", "requests", "errors")}
    assert counts["tokenizer"] >= len(TEXTS) + len(PAIRS)
    assert check_vectors(session, read) == sum(counts.values()) + len(made["zero_shot"])
    # Every wrong call is refused; a call that is answered would be left out of the file.
    assert counts["errors"] == len(wrong_calls(session)) > 2
    assert all(error["type"] == "UsageError" for error in made["errors"])


@pytest.mark.parametrize("task", TASKS)
def test_two_runs_give_the_same_bytes(task: str, bundle_of: CheckpointOf, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_vectors(make_vectors(albert_runtime.load(bundle_of(task))), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_records_agree_with_the_session(demo: Path, vectors_file: Path) -> None:
    session = albert_runtime.load(demo)
    vectors = read_vectors(vectors_file)
    assert vectors["bundle"]["files"] == session.manifest.files
    for record in vectors["tokenizer"]:
        text = record["text"]
        assert record["ids"] == session.tokenizer.encode(text, record["pair"])
        for (start, end), (first, last), sequence in zip(
            record["spans"], record["spans_utf16"], record["sequence_ids"], strict=True
        ):
            whole = record["pair"] if sequence == 1 else text
            units = whole.encode("utf-16-le", "surrogatepass")[2 * first : 2 * last]
            assert units.decode("utf-16-le", "surrogatepass") == whole[start:end]
    for record in vectors["requests"]:
        call = {name: tuple(one) if isinstance(one, list) else one for name, one in record["call"].items()}
        answer = session(**call)
        first = answer[0] if isinstance(answer, tuple) else answer
        stored = record["answer"][0] if isinstance(record["answer"], list) else record["answer"]
        assert (stored["text"], stored["start"], stored["end"]) == (first.text, first.start, first.end)
        context = record["call"]["context"]
        context = context if isinstance(context, str) else context[stored["context_index"]]
        units = context.encode("utf-16-le")[2 * stored["start_utf16"] : 2 * stored["end_utf16"]]
        assert units.decode("utf-16-le") == context[first.start : first.end]
        for name, output in record["outputs"].items():
            assert output_values(output).size == np.prod(output["shape"])
            assert output["shape"][0] == len(record["input_ids"]), name


def test_large_outputs_are_sampled(bundle_of: CheckpointOf) -> None:
    """The tiny checkpoint has a vocabulary of 30,000, so that 3 tokens have more values than a file should hold."""
    (request, *_) = make_vectors(albert_runtime.load(bundle_of("fill-mask")))["requests"]
    output = request["outputs"]["logits"]
    assert np.prod(output["shape"]) > MOST_VALUES
    assert "float32" not in output
    assert len(output["indices"]) == len(output["values"]) == 64
    assert output["indices"][-1] == np.prod(output["shape"]) - 1


def test_other_tokens_and_outputs_are_found(demo: Path, vectors_file: Path, tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["tokenizer"][0]["ids"][1] += 1
        content["tokenizer"][1]["tokens"].append("x")
        content["decode"][0]["text"] += "!"
        content["requests"][0]["answer"]["text"] = "Oslo"
        content["requests"][0]["answer"]["score"] += 0.5
        output = content["requests"][1]["outputs"]["start_logits"]
        output["float32"] = base64.b64encode((output_values(output) + 1).tobytes()).decode()
        content["errors"][0]["message"] = "no"

    file = changed(vectors_file, tmp_path / "changed.json", change)
    with pytest.raises(ParityError) as caught:
        check_vectors(albert_runtime.load(demo), read_vectors(file))
    message = str(caught.value)
    for place in (
        "tokenizer 1.ids[1] is",
        "tokenizer 2.tokens is",
        "decode 1.text is",
        "requests 1.answer.text is '",
        "', the vectors say 'Oslo'",
        "requests 1.answer.score is ",
        "requests 2.outputs.start_logits differs by 1,",
        "errors 1.message is",
    ):
        assert place in message


def test_vectors_of_another_bundle_are_refused(demo: Path, vectors_file: Path, tmp_path: Path) -> None:
    file = changed(
        vectors_file,
        tmp_path / "other.json",
        lambda content: content["bundle"]["files"].update({"model.onnx": "0" * 64}),
    )
    with pytest.raises(UsageError, match=r"another bundle; these files are not the same:\n.*model\.onnx"):
        check_vectors(albert_runtime.load(demo), read_vectors(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a file of vectors"),
        ("[" * 100000, "is not a file of vectors"),
        ("{}", 'has no "format": "albert-vectors"'),
        ('{"format": "albert-vectors", "format_version": 2}', "is of format version 2, this program reads version 1"),
        ('{"format": "albert-vectors", "format_version": 1, "tokenizer": 3}', '"tokenizer" must be a list of objects'),
    ],
)
def test_files_that_are_no_vectors_are_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(UsageError) as caught:
        read_vectors(tmp_path / "x.json")
    assert message in str(caught.value)


def test_malformed_records_are_refused(demo: Path, vectors_file: Path, tmp_path: Path) -> None:
    file = changed(vectors_file, tmp_path / "x.json", lambda content: content["tokenizer"][2].pop("text"))
    with pytest.raises(UsageError, match="tokenizer 3 is malformed"):
        check_vectors(albert_runtime.load(demo), read_vectors(file))


def test_a_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("mine")
    with pytest.raises(UsageError, match="exists already; give another name, or --force"):
        write_vectors({"format": "albert-vectors"}, tmp_path / "x.json")
    assert (tmp_path / "x.json").read_text() == "mine"
    with pytest.raises(UsageError, match="is a folder"):
        write_vectors({}, tmp_path, force=True)
    write_vectors({"format": "albert-vectors"}, tmp_path / "x.json", force=True)
    assert json.loads((tmp_path / "x.json").read_text()) == {"format": "albert-vectors"}
