"""The command `doctor`: a table or JSON on standard output, and 0 whatever is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from albert_export.cli.doctor import doctor
from albert_export.cli.main import main
from tests.conftest import CheckpointOf
from tests.tiny_onnx import matrix, node, reader_of_tokens, save_onnx, tiny_onnx


@pytest.fixture
def with_errors(tmp_path: Path) -> Path:
    nodes = [node("MatMul", "x first", "a"), node("MatMul", "a [second]", "y")]
    return save_onnx(tmp_path, tiny_onnx(nodes, {"first": matrix(0), "[second]": matrix(0)}))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(doctor, [str(argument) for argument in (*arguments, "--quiet")])


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.count("albert-export doctor ") >= 3
    assert "The exit code is 0" in text


def test_a_table(with_errors: Path, tmp_path: Path) -> None:
    result = run(with_errors)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{with_errors}: ")
    assert "1 error" in result.stdout
    assert "duplicated-weights" in result.stdout
    assert "to do: --fix keeps each of them once" in result.stdout
    assert "\x1b" not in result.stdout
    healthy = run(save_onnx(tmp_path / "healthy", reader_of_tokens()))
    assert "healthy" in healthy.stdout
    advice = run(save_onnx(tmp_path / "advice", reader_of_tokens(epsilon=1e-12)))
    assert "healthy, 1 piece of advice" in advice.stdout


def test_json(with_errors: Path) -> None:
    record = json.loads(run(with_errors, "--json").stdout)
    assert record["healthy"] is False
    (result,) = record["results"]
    assert result["severity"] == "error"
    assert result["repairable"] is True


def test_fix(with_errors: Path, tmp_path: Path) -> None:
    out = tmp_path / "repaired.onnx"
    result = run(with_errors, "--fix", out)
    assert result.exit_code == 0, result.output
    assert "before, " in result.stdout
    assert "checked: equal answers" in result.stdout
    assert out.stat().st_size < with_errors.stat().st_size
    record = json.loads(run(with_errors, "--fix", out, "--force", "--json").stdout)
    assert record["repair"]["repaired"]["healthy"] is True
    assert record["repair"]["bytes_after"] == out.stat().st_size


def test_what_is_left_is_said(tmp_path: Path) -> None:
    file = save_onnx(tmp_path, reader_of_tokens(mask=-1e38))
    result = run(file, "--fix", tmp_path / "out.onnx")
    assert "nothing can be repaired exactly" in result.stdout
    assert "left as it is: mask-overflows-float16" in result.stdout


def test_mistakes(with_errors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for code, arguments, message in (
        (2, [tmp_path / "nowhere.onnx"], "nothing at"),
        (2, [with_errors, "--force"], "give --fix OUT"),
        (2, [with_errors, "--fix", with_errors], "never written over"),
        (3, [__file__], "is not a .onnx or .tflite file"),
        (2, [], "Missing argument"),
    ):
        assert main(["doctor", *map(str, arguments)]) == code
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.out == ""


def test_our_own_bundle(bundle_of: CheckpointOf) -> None:
    assert json.loads(run(bundle_of("question-answering"), "--json").stdout)["healthy"] is True


def test_the_command_is_light() -> None:
    code = (
        "import sys; import albert_export.cli.doctor; "
        "print(*sorted({name.split('.')[0] for name in sys.modules} & {'numpy', 'rich', 'onnx', 'onnxruntime'}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == []
