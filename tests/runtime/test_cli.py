from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import albert_runtime.cli
from albert_runtime import session
from albert_runtime.cli import main
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.session import session_class
from albert_runtime.tasks import TASKS
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph

CONTEXT = "The tower stands in Paris, not in London."
#: task -> the arguments of a complete request, and the beginning of the answer that is printed
REQUESTS = {
    "feature-extraction": (["a film"], "4 numbers: 0.0000 "),
    "pretraining": (["--first", "she wrote", "--second", "a [MASK]"], "in order  0.5000"),
    "fill-mask": (["a [MASK] film", "--top-k", "1"], "<pad>  0.0"),
    "text-classification": (["--text", "a film", "--text-pair", "a door"], "bad   0.5000"),
    "token-classification": (["a film"], "nothing found"),
    "multiple-choice": (["a film", "good", "bad"], "*  0.5000  good"),
    "question-answering": (["--question", "where?", "--context", CONTEXT], "The"),
}


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())


@pytest.fixture
def canned_bundle(tmp_path, monkeypatch):
    """A function that makes a bundle for a task, whose outputs are zeros."""
    axes = {"batch_size": 1, "num_choices": 2, "hidden_size": 4, "2": 2}

    def zeros(inputs, task, labels, pieces):
        known = {**axes, "sequence_length": inputs["input_ids"].shape[-1], "num_labels": labels, "vocab_size": pieces}
        return {name: np.zeros([known[axis] for axis in shape]) for name, shape in TASKS[task].outputs.items()}

    def make(task):
        folder = make_bundle(tmp_path / task, task)
        real_class = session_class(TASKS[task])

        def open_with_canned_engine(opened, **_):
            labels = len(opened.manifest.labels)
            return real_class(opened, engine=CannedEngine(task, lambda inputs: zeros(inputs, task, labels, 90)))

        monkeypatch.setattr(session, "session_class", lambda _: open_with_canned_engine)
        return str(folder)

    return make


def stdin_of(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_prints_lines(canned_bundle, capsys, task):
    arguments, first_line = REQUESTS[task]
    assert main([canned_bundle(task), *arguments]) == 0
    output = capsys.readouterr()
    assert output.out.startswith(first_line)
    assert output.err == ""


@pytest.mark.parametrize("task", TASKS)
def test_every_task_prints_json(canned_bundle, capsys, task):
    bundle = canned_bundle(task)
    assert main([bundle, "--json", *REQUESTS[task][0]]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, list if task in ("fill-mask", "text-classification", "token-classification") else dict)


def test_the_answer_and_its_place(bundle, capsys):
    assert main([str(bundle), "--question", "where?", "--context", CONTEXT, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["text"] == CONTEXT[answer["start"] : answer["end"]]
    assert main([str(bundle), "where?", CONTEXT]) == 0
    printed = capsys.readouterr().out
    marked = CONTEXT[: answer["start"]] + f"[{answer['text']}]" + CONTEXT[answer["end"] :]
    assert printed == (
        f"{answer['text']}\n  score {answer['score']:.4f}, characters {answer['start']}-{answer['end']}: {marked}\n"
    )
    assert main([str(bundle), "where?", "--top-k", "3", CONTEXT, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == answer


def test_a_long_context_is_shown_around_the_answer_only(bundle, capsys):
    assert main([str(bundle), "where?", CONTEXT * 50]) == 0
    place = capsys.readouterr().out.splitlines()[1]
    assert "..." in place
    assert len(place) < 300


def test_texts_from_files_and_standard_input(bundle, capsys, tmp_path, monkeypatch):
    (tmp_path / "page.txt").write_text(CONTEXT, encoding="utf-8-sig")
    outputs = []
    for arguments in (
        ["--context", CONTEXT],
        ["--context-file", str(tmp_path / "page.txt")],
        ["--context", "-"],
        ["--context-file", "-"],
    ):
        stdin_of(monkeypatch, CONTEXT.encode() + b"\r\n")
        assert main([str(bundle), "--question", "where?", *arguments, "--json"]) == 0
        outputs.append(capsys.readouterr().out)
    assert len(set(outputs)) == 1
    stdin_of(monkeypatch, b"where?\n")
    assert main([str(bundle), "-", CONTEXT, "--json"]) == 0
    assert capsys.readouterr().out == outputs[0]


@pytest.mark.parametrize("task", TASKS)
def test_the_message_about_missing_texts_has_an_example(tmp_path, capsys, task):
    bundle = str(make_bundle(tmp_path / "bundle", task))
    assert main([bundle], prog="albert-export run") == 2
    error = capsys.readouterr().err
    assert f"error: {bundle} is a bundle for {task}:" in error
    assert " is missing" in error
    assert f"\n  albert-export run {bundle} " in error


def test_the_examples_are_requests(canned_bundle, capsys):
    import shlex

    for task in TASKS:
        bundle = canned_bundle(task)
        assert main([bundle]) == 2
        example = capsys.readouterr().err.splitlines()[-1]
        assert main(shlex.split(example)[3:]) == 0
        capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text", "a"], "--text does not go with it"),
        (["--question", "a"], "--context is missing"),
        (["a", "b", "c"], "more texts than it takes: 'c'"),
        (["a", "--context-file", "x"], "can't read x"),
        (["a", "--context", "b", "--context-file", os.devnull], "--context and --context-file are both there"),
        (["-", "-"], 'only one text can be "-"'),
        (["a", "b", "--top-k", "0"], "top_k must be a whole number"),
        (["a", "b", "--top-k", "many"], "invalid int value: 'many'"),
        (["a", "b", "--threads", "0"], "threads must be a whole number"),
        (["a", "b", "--engine", "tpu"], "there is no engine 'tpu'"),
        (["a", "b", "--max-answer-len", "0"], "max_answer_len must be a whole number"),
        (["a", "b", "--doc-stride", "many"], "invalid int value: 'many'"),
        (["a", "b", "--treads", "1"], "--treads"),
        (["", "b"], "question is empty"),
        (["a", "b", "--context-f", "x"], "--context-f"),
    ],
)
def test_wrong_requests(bundle, capsys, arguments, message):
    assert main([str(bundle), *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert message in output.err
    assert "Traceback" not in output.err


def test_settings_for_a_task_that_does_not_take_them(tmp_path, capsys):
    bundle = str(make_bundle(tmp_path, "feature-extraction"))
    assert main([bundle, "a", "--top-k", "2", "--doc-stride", "9", "--no-align-to-words"]) == 2
    message = capsys.readouterr().err
    for option in ("--top-k", "--doc-stride", "--align-to-words"):
        assert f"{option} does not go with it" in message


def test_the_settings_of_question_answering(bundle, capsys):
    request = [str(bundle), "--question", "where?", "--context", "Zoë, Ada", "--json"]
    assert main([*request, "--top-k", "9", "--handle-impossible-answer", "--max-answer-len", "1"]) == 0
    words = {one["text"] for one in json.loads(capsys.readouterr().out)}
    assert words == {"Zoë,", "Ada", ""}
    assert main([*request, "--top-k", "9", "--no-align-to-words", "--max-answer-len", "1"]) == 0
    tokens = {one["text"] for one in json.loads(capsys.readouterr().out)}
    assert tokens > {"Ada", ","}
    assert not tokens & {"Zoë,", ""}


def test_the_settings_of_other_tasks(demo_bundle_of, capsys):
    def answers(task, *request):
        assert main([str(demo_bundle_of("onnx", task, "fp32")), *request, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    film = "What a lovely film."
    assert sum(one["score"] for one in answers("text-classification", film)) == pytest.approx(1)
    logits = answers("text-classification", film, "--function-to-apply", "none", "--threshold", "0")
    assert [one["score"] > 1 for one in logits] == [True]
    text = "Ada Lovelace lived in London."
    assert [one["label"] for one in answers("token-classification", text)] == ["PER", "LOC"]
    tokens = answers("token-classification", text, "--aggregation-strategy", "none", "--ignore-label", "B-LOC")
    assert {one["label"] for one in tokens} == {"B-PER", "I-PER", "I-LOC", "O"}
    vector = answers("feature-extraction", text, "--pooling", "mean", "--normalize", "--max-length", "5")["vector"]
    assert sum(number**2 for number in vector) == pytest.approx(1, abs=1e-5)


WRONG_VALUES = [
    ("text-classification", ["--function-to-apply", "tanh"], "invalid choice: 'tanh'"),
    ("text-classification", ["--threshold", "half"], "invalid float value: 'half'"),
    ("text-classification", ["--threshold", "nan"], "threshold must be a number, such as 0.5, not nan"),
    ("token-classification", ["--aggregation-strategy", "best"], "invalid choice: 'best'"),
    ("token-classification", ["--ignore-label", "O", "--ignore-label", "MISC"], "ignore_labels names 'MISC'"),
    ("token-classification", ["--stride", "-1"], "stride must be a whole number, 0 or more, not -1"),
    ("token-classification", ["--stride", "1.5"], "invalid int value: '1.5'"),
    ("feature-extraction", ["--pooling", "middle"], "invalid choice: 'middle'"),
    ("feature-extraction", ["--max-length", "1"], "max_length must be a whole number, 3 or more, not 1"),
]


@pytest.mark.parametrize(("task", "options", "message"), WRONG_VALUES)
@pytest.mark.parametrize("many", [False, True], ids=["one", "file"])
def test_a_value_that_a_setting_can_not_have(task, options, message, many, demo_bundle_of, tmp_path, capsys):
    (tmp_path / "texts.txt").write_text("Ada lived in London.\nA film.\n")
    request = ["--input", str(tmp_path / "texts.txt"), "--output", "-"] if many else ["Ada lived in London."]
    assert main([str(demo_bundle_of("onnx", task, "fp32")), *request, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert many or err == f"{line}\n"


def test_settings_of_a_file(demo_bundle_of, tmp_path, capsys):
    def answers(task, *options):
        (tmp_path / "texts.txt").write_text("Ada Lovelace lived in London.\nA lovely film.\n")
        bundle = str(demo_bundle_of("onnx", task, "fp32"))
        assert main([bundle, "--input", str(tmp_path / "texts.txt"), "--output", "-", *options]) == 0
        return [json.loads(line)["answer"] for line in capsys.readouterr().out.splitlines()]

    options = ["--aggregation-strategy", "none", "--ignore-label", "O", "--ignore-label", "B-LOC", "--stride", "2"]
    first, _ = answers("token-classification", *options)
    assert {one["label"] for one in first} == {"B-PER", "I-PER", "I-LOC"}
    _, second = answers("text-classification", "--function-to-apply", "none", "--threshold", "0")
    assert [one["score"] > 1 for one in second] == [True]
    for vector in answers("feature-extraction", "--pooling", "max", "--normalize", "--max-length", "5"):
        assert sum(number**2 for number in vector["vector"]) == pytest.approx(1, abs=1e-5)


def test_text_that_is_not_utf8(bundle, capsys, tmp_path, monkeypatch):
    (tmp_path / "page.txt").write_bytes(b"caf\xe9")
    assert main([str(bundle), "--question", "a", "--context-file", str(tmp_path / "page.txt")]) == 2
    assert "page.txt is not UTF-8: unexpected end of data at byte 3" in capsys.readouterr().err
    stdin_of(monkeypatch, b"caf\xe9 ")
    assert main([str(bundle), "a", "-"]) == 2
    assert "standard input is not UTF-8" in capsys.readouterr().err


def test_errors_have_their_exit_codes(bundle, capsys, tmp_path):
    assert main([str(tmp_path / "absent"), "a"]) == 2
    (bundle / "model.onnx").write_bytes(question_answering_graph(seed=1))
    assert main([str(bundle), "a", "b"]) == 3
    assert "model.onnx" in capsys.readouterr().err
    assert main([str(bundle), "a", "b", "--no-verify"]) == 0


def test_an_engine_that_can_not_run_the_bundle(bundle, capsys):
    assert main([str(bundle), "a", "b", "--engine", "onnx"]) == 0
    capsys.readouterr()
    assert main([str(bundle), "a", "b", "--engine", "litert"]) == 3
    assert "can't run model.onnx; 'onnx' can" in capsys.readouterr().err


def test_help_shows_an_example_for_each_task(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"], prog="albert-export run")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for task in TASKS:
        assert f"  {task}:\n    albert-export run BUNDLE " in text


def test_control_c(bundle, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(albert_runtime.cli, "_answer", interrupt)
    assert main([str(bundle), "a", "b"]) == 130


class Process:
    """Runs the command in a separate process."""

    def __init__(self, **environment):
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self.environment = {**os.environ, "PYTHONPATH": path, **environment}

    def __call__(self, *arguments, **options):
        command = [sys.executable, "-m", "albert_runtime", *map(str, arguments)]
        return subprocess.run(command, env=self.environment, stderr=subprocess.PIPE, check=False, **options)


def test_standard_output_that_can_not_show_the_answer(bundle):
    run = Process(PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    context = "Zoë \U0001f600".encode() + b" "
    shown = run(bundle, "--question", "who?", "--context", "-", input=context, stdout=subprocess.PIPE)
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b"[Zo\\xeb] \\U0001f600" in shown.stdout


def test_lone_surrogates_on_the_command_line(bundle):
    # Python decodes a byte that is not UTF-8 as a lone surrogate.
    shown = Process(PYTHONUTF8="1")(
        bundle, "who?", b"caf\xe9".decode("utf-8", "surrogateescape"), stdout=subprocess.PIPE
    )
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b"af\\udce9" in shown.stdout


def test_a_reader_that_closes_the_pipe(bundle):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout:
        left = Process()(bundle, "where?", CONTEXT, stdout=stdout)
    assert (left.returncode, left.stderr) == (141, b"")
