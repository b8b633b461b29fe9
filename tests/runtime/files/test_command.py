"""The command line with a file of requests, in this process."""

from __future__ import annotations

import io
import json
import sys

import pytest

from albert_runtime.cli import main
from albert_runtime.files import command, output
from albert_runtime.files.progress import PlainProgress
from albert_runtime.session import AlbertSession
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph, write_manifest

QUESTIONS = [{"question": "where?", "context": f"the {word} stands in Paris"} for word in ("tower", "film", "door")]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder that has `in.jsonl`; returns its exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)
    make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())
    write(tmp_path / "in.jsonl", QUESTIONS)

    def main_(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(["bundle", *arguments])
        return (code, *capsys.readouterr())

    return main_


def write(file, values):
    file.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


def read(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


IO = ("--input", "in.jsonl", "--output", "out.jsonl")


def test_answers_and_a_summary(run, tmp_path):
    code, out, err = run(*IO)
    assert (code, out) == (0, "")
    assert err.startswith("3 answers to out.jsonl (0:00, ")
    answers = read(tmp_path / "out.jsonl")
    assert [one["line"] for one in answers] == [1, 2, 3]
    for answer, request in zip(answers, QUESTIONS, strict=True):
        code, out, _ = run(request["question"], request["context"], "--json")
        assert answer["answer"] == pytest.approx(json.loads(out))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "in.jsonl", "out.jsonl"]


def test_options_that_no_line_could_be_answered_with(run, tmp_path):
    stored = {"inputs": {"question": "where?", "context": "in Paris"}}
    write_manifest(tmp_path / "bundle", task="question-answering", self_test=(stored,))
    for option in ("--top-k", "--max-seq-len"):
        code, _, err = run(*IO, "--no-verify", option, "0")
        assert code == 2
        assert "must be a whole number" in err
        assert not (tmp_path / "out.jsonl").exists()


def test_the_options_of_the_call(run, tmp_path):
    (tmp_path / "pages.txt").write_text("the tower stands in Paris\nthe film\n")
    assert run("where?", "--input", "pages.txt", "--output", "out.jsonl", "--top-k", "2", "--quiet") == (0, "", "")
    assert [len(one["answer"]) for one in read(tmp_path / "out.jsonl")] == [2, 2]


def test_standard_input_and_output(run, tmp_path):
    code, out, _ = run("--input", "-", "--output", "-", stdin=(tmp_path / "in.jsonl").read_bytes())
    assert code == 0
    run(*IO)
    assert out == (tmp_path / "out.jsonl").read_text()
    csv = b"q,context\nwhere?,in Paris\nwhere?,\n"
    code, out, err = run("--input", "-", "--format", "csv", "--output", "-", "--column", "question=q", stdin=csv)
    assert [json.loads(line)["line"] for line in out.splitlines()] == [2]
    assert "line 3: context is empty" in err
    assert "1 wrong lines; line 3: context is empty" in err


def test_wrong_lines_are_kept_apart(run, tmp_path):
    content = (tmp_path / "in.jsonl").read_bytes()
    (tmp_path / "in.jsonl").write_bytes(
        content + b'{"question": "a"}\ncaf\xe9\n{"question": 1, "context": "b"}\n' + content
    )
    code, _, err = run(*IO)
    assert code == 0
    assert "3 wrong lines, in out.jsonl.errors.jsonl; line 4: there is no 'context'" in err
    assert [one["line"] for one in read(tmp_path / "out.jsonl")] == [1, 2, 3, 7, 8, 9]
    errors = read(tmp_path / "out.jsonl.errors.jsonl")
    assert [one["line"] for one in errors] == [4, 5, 6]
    assert errors[1]["content"] == "caf\\xe9"
    assert "byte 0xe9 at byte" in errors[1]["reason"]
    assert errors[2]["reason"] == "question must be a str, not int"


def test_strict_stops_at_the_first_wrong_line(run, tmp_path):
    write(tmp_path / "in.jsonl", [*QUESTIONS, "wrong", *QUESTIONS])
    code, _, err = run(*IO, "--strict", "--look-ahead", "2")
    assert code == 2
    assert "in.jsonl, line 4: it holds 1 values; expected are question, context" in err
    assert "what is done is in out.jsonl; to go on, give the same command with --resume" in err
    assert [one["line"] for one in read(tmp_path / "out.jsonl")] == [1, 2]
    write(tmp_path / "in.jsonl", [*QUESTIONS, QUESTIONS[0], *QUESTIONS])
    assert run(*IO, "--strict", "--look-ahead", "2", "--resume")[0] == 0
    assert [one["line"] for one in read(tmp_path / "out.jsonl")] == [1, 2, 3, 4, 5, 6, 7]


def test_nothing_but_wrong_lines(run, tmp_path):
    write(tmp_path / "in.jsonl", [{"q": "a"}] * 1000)
    code, _, err = run(*IO)
    assert code == 2
    assert "none of the 1,000 lines could be answered; line 1: there is no 'question'; it has q" in err


def test_an_empty_input(run, tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b"")
    assert run(*IO)[0] == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "x"], "--output needs --input"),
        (["--resume", "--strict", "a", "b"], "--strict needs --input"),
        (["--input", "in.jsonl"], "--output is missing"),
        ([*IO[:2], "--output", "x.csv"], "give --output a name that ends with .jsonl, not x.csv"),
        ([*IO[:2], "--output", "./in.jsonl"], "--input and --output are the same file"),
        ([*IO, "--resume", "--force"], "give one"),
        ([*IO[:2], "--output", "-", "--resume"], "standard output can't be resumed"),
        (["--input", "absent.jsonl", *IO[2:]], "can't read absent.jsonl: No such file"),
        (["--input", "bundle", "--format", "txt", "--question", "a", *IO[2:]], "can't read bundle: Is a directory"),
        ([*IO[:2], "--output", "absent/x"], "can't write absent/x"),
        ([*IO[:2], "--output", "bundle"], "can't write bundle: Is a directory"),
        ([*IO[:2], "--output", "/dev/full"], "can't write to /dev/full: No space left"),
        ([*IO, "--look-ahead", "0"], "look_ahead must be a whole number"),
        ([*IO, "--question", "a", "--context", "b"], "question and context: leave it to the file"),
        ([*IO, "--question", "a", "--column", "question=b"], "question is not read from the file; it gives context"),
        (["--input", "-", "--output", "x", "--question", "-"], 'only one text can be "-"'),
        ([*IO, "--top-k", "0"], "top_k must be a whole number"),
    ],
)
def test_wrong_options(run, tmp_path, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_an_output_that_exists(run, tmp_path):
    (tmp_path / "out.jsonl").write_text("mine")
    code, _, err = run(*IO)
    assert (code, "out.jsonl already exists; --force replaces it" in err) == (2, True)
    code, _, err = run(*IO, "--resume")
    assert (code, "out.jsonl is complete" in err) == (0, True)
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    (tmp_path / "out.jsonl.errors.jsonl").write_text("old")
    assert run(*IO, "--force")[0] == 0
    assert len(read(tmp_path / "out.jsonl")) == 3
    assert not (tmp_path / "out.jsonl.errors.jsonl").exists()


class TestInterruptions:
    @pytest.fixture
    def interrupted(self, run, tmp_path, monkeypatch):
        """Runs a file of 40 requests, whose fourth window is interrupted; returns what the command said."""
        write(tmp_path / "in.jsonl", [*QUESTIONS[:1], "wrong", *(QUESTIONS * 13)])
        monkeypatch.setattr(output, "_COMMIT_SECONDS", 0)
        run_batch, calls = AlbertSession.run_batch, []

        def interrupt(*arguments):
            calls.append(1)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return run_batch(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(AlbertSession, "run_batch", interrupt)
            said = run(*IO, "--look-ahead", "4")
        assert said[0] == 130
        return said[2]

    def test_control_c_keeps_what_is_done(self, run, tmp_path, interrupted):
        assert "interrupted after 11 answers" in interrupted
        assert "give the same command with --resume" in interrupted
        assert len(read(tmp_path / "out.jsonl")) == 11
        code, _, err = run(*IO, "--look-ahead", "4")
        assert (code, "--resume goes on, --force starts again" in err) == (2, True)

    def test_the_resumed_output_is_that_of_a_whole_run(self, run, tmp_path, interrupted):
        with (tmp_path / "out.jsonl").open("ab") as file:
            file.write(b'{"line": 13, "ans')  # what a kill leaves of a window that is being written
        code, _, err = run(*IO, "--look-ahead", "4", "--resume")
        assert (code, err.startswith("40 answers to out.jsonl")) == (0, True)
        assert "1 wrong lines, in out.jsonl.errors.jsonl" in err
        assert run(IO[0], IO[1], "--output", "whole.jsonl", "--look-ahead", "4")[0] == 0
        for end in ("", ".errors.jsonl"):
            assert (tmp_path / f"out.jsonl{end}").read_bytes() == (tmp_path / f"whole.jsonl{end}").read_bytes()
        assert not list(tmp_path.glob("*.progress*"))

    def test_what_changed_is_named(self, run, tmp_path, interrupted):
        code, _, err = run(*IO, "--look-ahead", "5", "--top-k", "2", "--resume")
        assert code == 2
        assert "look_ahead was 4 and is 5" in err
        assert "request was {} and is {'top_k': 2}" in err
        content = (tmp_path / "in.jsonl").read_bytes()
        (tmp_path / "in.jsonl").write_bytes(content.replace(b"where", b"Where", 1))
        code, _, err = run(*IO, "--look-ahead", "4", "--resume")
        assert (code, "are not those that the interrupted run has answered" in err) == (2, True)
        (tmp_path / "in.jsonl").write_bytes(content)
        (tmp_path / "out.jsonl").write_bytes(b"")
        code, _, err = run(*IO, "--look-ahead", "4", "--resume")
        assert (code, "out.jsonl has 0 bytes, and had" in err) == (2, True)
        (tmp_path / "out.jsonl.progress").write_text("{")
        code, _, err = run(*IO, "--look-ahead", "4", "--resume")
        assert (code, "can't resume from out.jsonl.progress" in err) == (2, True)
        assert run(*IO, "--look-ahead", "4", "--force")[0] == 0

    def test_standard_input_is_resumed_too(self, run, tmp_path, interrupted):
        content = (tmp_path / "in.jsonl").read_bytes()
        assert run("--input", "-", *IO[2:], "--look-ahead", "4", "--resume", stdin=content)[0] == 0
        assert [one["line"] for one in read(tmp_path / "out.jsonl")] == [1, *range(3, 42)]

    def test_two_processes_do_not_write_one_output(self, run, tmp_path, interrupted):
        import fcntl

        with (tmp_path / "out.jsonl").open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            code, _, err = run(*IO, "--look-ahead", "4", "--resume")
        assert (code, "another process is writing out.jsonl" in err) == (2, True)
        assert run(*IO, "--look-ahead", "4", "--resume")[0] == 0


def test_the_progress_line(capsys, monkeypatch):
    clock = iter([0.0, 0.1, 10.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    progress = PlainProgress(100, 10, 1100)
    progress.update(11, 200)  # too early for an update
    progress.update(1010, 600)
    progress.close()
    assert capsys.readouterr().err == "\r1,010 lines  100 lines/s  55%  0:10 left\r" + " " * 40 + "\r"


def test_progress_is_shown_on_a_terminal(run, monkeypatch):
    monkeypatch.setattr(command.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("albert_runtime.files.progress._UPDATE_SECONDS", 0)
    assert "3 lines  " in run(*IO)[2]
    assert "3 lines  " not in run(*IO, "--force", "--quiet")[2]
