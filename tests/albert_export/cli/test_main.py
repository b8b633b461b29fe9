"""The command line: results on stdout, messages on stderr, and an exit code and a message for every mistake."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from albert_export.cli.main import main
from tests.conftest import CheckpointOf, save_tiny

Refuse = Callable[..., str]


@pytest.fixture
def refuse(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Runs a command that must fail with `code`; returns its message, and checks that it left no files behind."""
    monkeypatch.chdir(tmp_path)

    def run(code: int, *arguments: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        assert main([str(argument) for argument in arguments]) == code
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "Traceback" not in captured.err
        assert sorted(tmp_path.rglob("*")) == before
        return captured.err

    return run


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["onnx"],
        ["tflite"],
        ["export"],
        ["list"],
        ["verify"],
        ["inspect"],
        ["bench"],
        ["recommend"],
        ["run"],
        ["evaluate"],
        ["doctor"],
        ["sensitivity"],
    ],
)
def test_help_shows_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.count("albert-export " + " ".join(command)) >= 2


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.search(r"\d+\.\d+", capsys.readouterr().out)


def test_from_checkpoint_to_answer(
    tmp_path: Path,
    checkpoint_of: CheckpointOf,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = str(checkpoint_of("question-answering"))
    assert main(["onnx", "--task", "qa", "--model", model]) == 0
    captured = capsys.readouterr()
    assert "question-answering-onnx: question-answering, fp32" in captured.out
    assert "checks, largest difference" in captured.out

    bundle = "question-answering-onnx"
    assert main(["verify", bundle, "--model", model]) == 0
    assert "decoded answers" in capsys.readouterr().out
    assert main(["verify", bundle, "--model", model, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True

    assert main(["run", bundle, "--question", "Who?", "--context", "Ada was here.", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "Ada was here."[answer["start"] : answer["end"]] == answer["text"]

    assert main(["inspect", bundle]) == 0
    text = capsys.readouterr().out
    assert "each weight once" in text
    assert "start_logits float [batch_size, sequence_length]" in text
    assert main(["inspect", bundle, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["manifest"]["task"] == "question-answering"

    assert main(["onnx", "--model", model, "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parity"]["passed"] is True


def test_from_checkpoint_to_tflite(
    tmp_path: Path,
    checkpoint_of: CheckpointOf,
    bundle_of: CheckpointOf,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = str(checkpoint_of("text-classification"))
    assert main(["tflite", "--task", "cls", "--model", model, "--quiet", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    exported = json.loads(captured.out)
    bundle = "text-classification-tflite-int8"
    assert [path.name for path in tmp_path.iterdir()] == [bundle]
    assert (exported["bundle"], exported["precision"], exported["target"]) == (bundle, "int8", "litert")
    assert exported["quantized"]["quantized_share"] > 0.5
    assert exported["parity"]["passed"] is True

    onnx_bundle = str(bundle_of("text-classification"))
    assert main(["verify", bundle, "--model", onnx_bundle, "--quiet"]) == 0
    captured = capsys.readouterr()
    assert "decoded answers" in captured.out
    assert captured.err == ""
    assert main(["inspect", bundle]) == 0
    assert "int8" in capsys.readouterr().out
    assert main(["run", bundle, "--text", "Ada was here.", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["label"].startswith("LABEL_")


def test_tflite_usage(refuse: Refuse, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    tagger = checkpoint_of("token-classification")
    assert "--model FOLDER, or --task TASK" in refuse(2, "tflite")
    said = refuse(2, "tflite", "--model", tagger, "--precision", "int3", "--graph", "knotted")
    assert "int3" in said
    assert "int8" in said
    assert "knotted" in said
    assert "there is no target 'coreml'" in refuse(2, "tflite", "--model", tagger, "--target", "coreml")
    said = refuse(3, "tflite", "--model", tagger, "--target", "task-library")
    assert "--target litert" in said
    assert "calibration data" in refuse(2, "tflite", "--model", tagger, "--calibration-data", "nowhere.txt")
    assert "49" in refuse(2, "tflite", "--model", tagger, "--sequence-length", "49")
    (tmp_path / "token-classification-tflite-int8").mkdir()
    (tmp_path / "token-classification-tflite-int8" / "mine").write_text("precious")
    assert "already exists" in refuse(2, "tflite", "--model", tagger)
    assert "is not a bundle" in refuse(2, "tflite", "--model", tagger, "--force")


def test_verify_refuses_a_bundle_of_another_task(refuse: Refuse, bundle_of: CheckpointOf) -> None:
    said = refuse(3, "verify", bundle_of("fill-mask"), "--model", bundle_of("text-classification"))
    assert "fill-mask" in said
    assert "text-classification" in said
    assert "nothing to compare" in said


def test_verify_exits_6_where_answers_differ(
    tmp_path: Path, bundle_of: CheckpointOf, capsys: pytest.CaptureFixture[str]
) -> None:
    other = save_tiny(tmp_path / "other", "text-classification", hidden_act="relu")
    assert main(["verify", str(bundle_of("text-classification")), "--model", str(other)]) == 6
    captured = capsys.readouterr()
    assert "DIFFERS" in captured.err
    assert captured.out == ""
    assert main(["verify", str(bundle_of("text-classification")), "--model", str(other), "--json"]) == 6
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_inspect_a_checkpoint(checkpoint_of: CheckpointOf, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(checkpoint_of("pretraining"))]) == 0
    assert "heads for   feature-extraction, pretraining, fill-mask" in capsys.readouterr().out


def test_usage(refuse: Refuse, tmp_path: Path) -> None:
    assert "--model FOLDER, or --task TASK" in refuse(2, "onnx")
    assert "No such option" in refuse(2, "onnx", "--quantise")
    assert "Did you mean" in refuse(2, "onnx", "--precison", "int8")
    assert "No such command" in refuse(2, "exprot")
    assert "tflite" in refuse(2, "export")
    assert "unrecognized arguments: --quesion" in (said := refuse(2, "run", "nowhere", "--quesion", "who"))
    assert 'did you mean "--question"?' in said
    assert "unknown task 'poetry'" in refuse(2, "onnx", "--task", "poetry")
    assert "hf download" in refuse(2, "onnx", "--model", "./albert-base-v2")
    assert "there is no folder albert-base-v2 and no copy" in refuse(2, "onnx", "--model", "albert-base-v2")
    assert "nothing at" in refuse(2, "inspect", "./nowhere")
    assert "there is no folder" in refuse(2, "run", "nowhere", "--text", "x")


def test_bad_checkpoints(refuse: Refuse, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    good = checkpoint_of("question-answering")
    (tmp_path / "empty").mkdir()
    assert "empty" in refuse(3, "onnx", "--model", "empty")

    shutil.copytree(good, tmp_path / "no-weights", ignore=shutil.ignore_patterns("*.safetensors"))
    assert "weights" in refuse(3, "onnx", "--model", "no-weights")

    shutil.copytree(good, tmp_path / "truncated")
    weights = tmp_path / "truncated" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert "model.safetensors" in refuse(3, "onnx", "--model", "truncated")

    shutil.copytree(good, tmp_path / "bert")
    (tmp_path / "bert" / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 16}))
    assert "BERT" in refuse(3, "onnx", "--model", "bert")

    shutil.copytree(good, tmp_path / "no-vocabulary", ignore=shutil.ignore_patterns("spiece.model"))
    assert "spiece.model" in refuse(3, "onnx", "--model", "no-vocabulary")

    save_tiny(tmp_path / "other-vocabulary", "fill-mask", vocab_size=100)
    assert "30000 pieces" in refuse(3, "onnx", "--model", "other-vocabulary")
    assert "question-answering" in refuse(3, "onnx", "--model", good, "--task", "ner")


def test_bad_outputs(refuse: Refuse, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    model = checkpoint_of("question-answering")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("precious")
    assert "already exists" in refuse(2, "onnx", "--model", model, "--output", "taken")
    assert "is not a bundle" in refuse(2, "onnx", "--model", model, "--output", "taken", "--force")
    (tmp_path / "file").write_text("")
    assert "is a file" in refuse(2, "onnx", "--model", model, "--output", "file/bundle")
    assert "opset 7" in refuse(2, "onnx", "--model", model, "--opset", "7")
    assert "int3" in refuse(2, "onnx", "--model", model, "--precision", "int3")


def test_a_read_only_disk(refuse: Refuse, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    place = Path("/proc") if os.geteuid() == 0 else tmp_path / "locked"
    if os.geteuid() != 0:
        place.mkdir(mode=0o500)
    assert "can't write to" in refuse(2, "onnx", "--model", checkpoint_of("fill-mask"), "--output", place / "bundle")


LONG = "x" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", LONG, "--data", "data.json"],
        ["evaluate", "MODEL", "--data", "data.json", "--predictions", LONG],
        ["doctor", f"{LONG}.onnx"],
        ["doctor", "graph.onnx", "--fix", f"{LONG}.onnx"],
        ["sensitivity", "--model", "MODEL", "--plot", f"{LONG}.png"],
        ["onnx", "--model", LONG],
        ["onnx", "--model", "MODEL", "--output", LONG],
        ["tflite", "--model", "MODEL", "--output", LONG],
    ],
)
def test_names_that_are_too_long(
    refuse: Refuse, tmp_path: Path, checkpoint_of: CheckpointOf, arguments: list[str]
) -> None:
    (tmp_path / "data.json").write_text("{}")
    (tmp_path / "graph.onnx").touch()
    model = str(checkpoint_of("question-answering"))
    said = refuse(2, *(model if argument == "MODEL" else argument for argument in arguments))
    assert said.startswith(f"error: File name too long: {LONG}")
    assert said.endswith("; give another name or folder\n")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (OSError("it can't be"), "it can't be"),
        (PermissionError(13, "Permission denied", "here"), "Permission denied: here; give another name or folder"),
    ],
)
def test_errors_of_the_operating_system(
    error: OSError, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*given: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("albert_export.inspection.inspect_path", fail)
    assert main(["inspect", "model.onnx"]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


def test_bad_texts(refuse: Refuse, bundle_of: CheckpointOf) -> None:
    bundle = bundle_of("question-answering")
    assert "question" in refuse(2, "run", bundle, "--question", "", "--context", "Ada was here.")
    assert "--context is missing" in refuse(2, "run", bundle, "--question", "Who?")
    assert "--text does not go with it" in refuse(2, "run", bundle, "--text", "Ada was here.")


def test_strange_texts_are_answered(bundle_of: CheckpointOf, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(bundle_of("question-answering"))
    for context in ("nul \x00 and \ud800 a lone surrogate", "\u202e\u0301\ufeff odd 🙂"):
        assert main(["run", bundle, "--question", "what\udfff?", "--context", context, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert context[answer["start"] : answer["end"]] == answer["text"]


def test_a_context_of_100000_words(tmp_path: Path, bundle_of: CheckpointOf, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "long.txt").write_text("the quick brown fox jumps over it " * 14286)
    bundle = str(bundle_of("question-answering"))
    assert main(["run", bundle, "--question", "Who?", "--context-file", str(tmp_path / "long.txt"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"]


def test_a_bundle_with_one_byte_changed(refuse: Refuse, tmp_path: Path, bundle_of: CheckpointOf) -> None:
    bundle = shutil.copytree(bundle_of("fill-mask"), tmp_path / "bundle")
    for name in ("model.onnx", "spiece.model", "config.json"):
        file = bundle / name
        content = file.read_bytes()
        file.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        assert name in refuse(3, "run", bundle, "--text", "a [MASK]")
        file.write_bytes(content)


@pytest.mark.slow
def test_interrupting_an_export_leaves_nothing(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    command = [sys.executable, "-m", "albert_export", "onnx", "--model", str(checkpoint_of("pretraining"))]

    def accept_interrupts() -> None:  # A shell that runs tests in the background ignores SIGINT, which is inherited.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=accept_interrupts)
    deadline = time.monotonic() + 120
    while not list(tmp_path.iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(tmp_path.iterdir()), "the export had not begun to write"
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted" in messages
    assert "Traceback" not in messages
    assert list(tmp_path.iterdir()) == []
