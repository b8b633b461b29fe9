"""Each extra by itself gives what pyproject.toml says of it, and a missing package is named with its pip line.

Every test runs in an environment that holds the built wheel with one extra alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from albert_export.demos import demo_checkpoint, demo_examples
from tests.conftest import BuiltOnce
from tests.packaging.conftest import PythonWith
from tests.virtual_environment import new_environment, run_in

pytestmark = pytest.mark.slow

CHECKPOINT = demo_checkpoint("question-answering")
FRAMEWORKS = Path(__file__).parents[1] / "fixtures" / "frameworks"
EXAMPLE = demo_examples("question-answering")[0]
#: without the full stop that is written behind the answer
REQUEST = ("--question", EXAMPLE.inputs["question"], "--context", EXAMPLE.inputs["context"], "--no-align-to-words")

_FORWARD = """
import albert_export, numpy as np
from albert_export.demos import demo_checkpoint
model = albert_export.{name}.from_pretrained(demo_checkpoint("question-answering"))
ids = np.array([[2, 48, 25, 21, 3]])
output = model({tensor}(ids))
start, end = np.array(output.start_logits{detach}), np.array(output.end_logits{detach})
assert start.shape == end.shape == (1, 5) and np.isfinite(start).all() and np.isfinite(end).all()
"""


def command(python: str, *arguments: object, folder: Path | None = None) -> str:
    """Run `albert-export`, which must succeed, and return what it prints."""
    done = run_in(python, "-m", "albert_export", *map(str, arguments), folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusal(python: str, *arguments: object, folder: Path) -> str:
    """Run `albert-export`, which must end with exit code 4 (a missing package), and return its message."""
    done = run_in(python, "-m", "albert_export", *map(str, arguments), folder=folder)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def onnx_bundle(python_with: PythonWith, built_once: BuiltOnce) -> Path:
    """The bundle that the extra `onnx` exports from the question-answering demo."""
    return built_once("extra-onnx", lambda folder: export_demo("onnx", "qa", folder, python_with))


def export_demo(model_format: str, task: str, folder: Path, python_with: PythonWith) -> None:
    """Export the demo of `task` to the bundle `folder`; `model_format` is "onnx" or "tflite"."""
    extra = {"onnx": "onnx", "tflite": "litert"}[model_format]
    command(python_with("albert_export", extra), model_format, "--task", task, "--output", folder)


@pytest.fixture(scope="module")
def tflite_bundle(python_with: PythonWith, built_once: BuiltOnce) -> Path:
    """The bundle that the extra `litert` exports from the question-answering demo, with the default precision int8."""
    return built_once("extra-litert", lambda folder: export_demo("tflite", "qa", folder, python_with))


@pytest.fixture(scope="module")
def squad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The question of `EXAMPLE` as labelled data."""
    context, question = EXAMPLE.inputs["context"], EXAMPLE.inputs["question"]
    answer = {"text": EXAMPLE.expected, "answer_start": context.index(EXAMPLE.expected)}
    asked = {"id": "1", "question": question, "answers": [answer]}
    paragraphs = [{"context": context, "qas": [asked]}]
    file = tmp_path_factory.mktemp("data") / "squad.json"
    file.write_text(json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]}))
    return file


def f1(python: str, model: Path, data: Path) -> float:
    """The F1 that `albert-export evaluate` prints for `model`, in percent."""
    figures: dict[str, Any] = json.loads(command(python, "evaluate", model, "--data", data, "--json"))
    return float(figures["metrics"]["f1"])


# --- albert-export with one extra ------------------------------------------------------------------------------------


def test_torch(python_with: PythonWith, squad: Path) -> None:
    python = python_with("albert_export", "torch")
    forward = _FORWARD.format(
        name="AlbertForQuestionAnswering", tensor="__import__('torch').tensor", detach=".detach()"
    )
    done = run_in(python, "-c", forward)
    assert done.returncode == 0, done.stderr
    assert f1(python, CHECKPOINT, squad) == 100
    assert json.loads(command(python, "sensitivity", "--task", "qa", "--limit", "1", "--json"))


def test_tf(python_with: PythonWith, squad: Path) -> None:
    python = python_with("albert_export", "tf")
    forward = _FORWARD.format(name="TFAlbertForQuestionAnswering", tensor="", detach="")
    done = run_in(python, "-c", forward)
    assert done.returncode == 0, done.stderr
    assert f1(python, CHECKPOINT, squad) == 100


def test_onnx(python_with: PythonWith, onnx_bundle: Path, squad: Path, tmp_path: Path) -> None:
    check_bundle(python_with("albert_export", "onnx"), onnx_bundle, squad, tmp_path / "repaired.onnx")


def test_litert(python_with: PythonWith, tflite_bundle: Path, squad: Path, tmp_path: Path) -> None:
    check_bundle(python_with("albert_export", "litert"), tflite_bundle, squad, tmp_path / "repaired.tflite")


def check_bundle(python: str, bundle: Path, squad: Path, repaired: Path) -> None:
    """Run every command that takes a bundle."""
    assert json.loads(command(python, "run", bundle, *REQUEST, "--json"))["text"] == EXAMPLE.expected
    assert json.loads(command(python, "verify", bundle, "--model", CHECKPOINT, "--json"))
    assert json.loads(command(python, "inspect", bundle, "--json"))["kind"] == "bundle"
    assert json.loads(command(python, "bench", bundle, "--runs", 2, "--json"))
    assert json.loads(command(python, "doctor", bundle, "--json"))["healthy"]
    assert f1(python, bundle, squad) == 100
    if repaired.suffix == ".onnx":
        command(python, "doctor", bundle, "--fix", repaired)
        assert repaired.is_file()


def test_other_frameworks(python_with: PythonWith, tmp_path: Path) -> None:
    for name in ("tf", "flax"):
        folder = FRAMEWORKS / name
        inspected = json.loads(command(python_with("albert_export", "other-frameworks"), "inspect", folder, "--json"))
        assert inspected["kind"] == "checkpoint"
        message = refusal(python_with("albert_export", "onnx"), "inspect", folder, folder=tmp_path)
        assert "pip install 'albert-export[other-frameworks]'" in message


def test_evaluate(python_with: PythonWith, onnx_bundle: Path, tflite_bundle: Path, squad: Path) -> None:
    python = python_with("albert_export", "evaluate")
    assert f1(python, onnx_bundle, squad) == 100
    assert f1(python, tflite_bundle, squad) == 100


@pytest.mark.parametrize(
    ("task", "data"),
    [
        ("text-classification", "text\tlabel\nI loved it.\tpositive\nThe waiter was rude.\tnegative\n"),
        ("token-classification", "Wolfgang B-PER\nlives O\nin O\nBerlin B-LOC\n. O\n"),
    ],
    ids=["scikit-learn", "seqeval"],
)
def test_evaluate_by_other_metrics(task: str, data: str, python_with: PythonWith, tmp_path: Path) -> None:
    """The metrics of labels need scikit-learn, and those of entities seqeval."""
    bundle = tmp_path / "bundle"
    export_demo("onnx", task, bundle, python_with)
    (tmp_path / "labelled").write_text(data)
    python = python_with("albert_export", "evaluate")
    figures = json.loads(command(python, "evaluate", bundle, "--data", tmp_path / "labelled", "--json"))
    assert figures["metrics"]["accuracy"] == 100


def test_plot(python_with: PythonWith, tmp_path: Path) -> None:
    python = python_with("albert_export", "plot")
    command(python, "sensitivity", "--task", "qa", "--limit", "1", "--plot", tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


# --- albert-export without what a command needs ----------------------------------------------------------------------


def test_no_extra_reads_checkpoints(python_with: PythonWith) -> None:
    python = python_with("albert_export", "")
    script = Path(python).with_name("albert-export")
    helped = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert "albert-export onnx --task qa" in helped.stdout
    facts = json.loads(command(python, "inspect", CHECKPOINT, "--json"))
    assert facts["tasks"] == ["feature-extraction", "question-answering"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["onnx", "--task", "qa"], "pip install 'albert-export[onnx]'"),
        (["tflite", "--task", "qa"], "pip install 'albert-export[litert]'"),
        (["sensitivity", "--task", "qa"], "pip install 'albert-export[torch]'"),
        (["evaluate", CHECKPOINT, "--data", "SQUAD"], "pip install 'albert-export[torch]'"),
        (["inspect", "ONNX"], "pip install 'albert-export[onnx]'"),
        (["inspect", "TFLITE"], "pip install 'albert-export[litert]'"),
        (["doctor", "ONNX"], "pip install 'albert-export[onnx]'"),
        (["doctor", "TFLITE"], "pip install 'albert-export[litert]'"),
        *(
            ([*name, bundle, *options], line)
            for bundle, line in (
                ("ONNX", "pip install onnxruntime"),
                ("TFLITE", "pip install ai-edge-litert"),
            )
            for name, options in (
                (["run"], REQUEST),
                (["verify"], []),
                (["bench"], []),
                (["evaluate"], ["--data", "SQUAD"]),
            )
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_no_extra_says_what_to_install(
    arguments: list[object],
    line: str,
    python_with: PythonWith,
    onnx_bundle: Path,
    tflite_bundle: Path,
    squad: Path,
    tmp_path: Path,
) -> None:
    paths = {"ONNX": onnx_bundle, "TFLITE": tflite_bundle, "SQUAD": squad}
    given = [paths.get(str(argument), argument) for argument in arguments]
    assert line in refusal(python_with("albert_export", ""), *given, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("extra", "arguments", "line"),
    [
        ("torch", ["onnx", "--task", "qa"], "pip install 'albert-export[onnx]'"),
        ("torch", ["tflite", "--task", "qa"], "pip install 'albert-export[litert]'"),
        ("torch", ["sensitivity", "--task", "qa", "--plot", "map.png"], "pip install 'albert-export[plot]'"),
        ("tf", ["tflite", "--task", "qa"], "pip install 'albert-export[litert]'"),
        ("onnx", ["tflite", "--task", "qa"], "pip install 'albert-export[litert]'"),
        ("litert", ["onnx", "--task", "qa"], "pip install 'albert-export[onnx]'"),
    ],
)
def test_another_extra_says_what_to_install(
    extra: str, arguments: list[str], line: str, python_with: PythonWith, tmp_path: Path
) -> None:
    assert line in refusal(python_with("albert_export", extra), *arguments, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- albert-runtime ---------------------------------------------------------------------------------------------------


def answer(python: str, bundle: Path) -> str:
    """The text with which `python -m albert_runtime` answers `EXAMPLE`."""
    done = run_in(python, "-m", "albert_runtime", str(bundle), *REQUEST, "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["text"])


def test_runtime_onnx(python_with: PythonWith, onnx_bundle: Path) -> None:
    assert answer(python_with("albert_runtime", "onnx"), onnx_bundle) == EXAMPLE.expected


def test_runtime_litert(python_with: PythonWith, tflite_bundle: Path) -> None:
    assert answer(python_with("albert_runtime", "litert"), tflite_bundle) == EXAMPLE.expected


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there is no tflite-runtime for Python 3.12 and later")
def test_runtime_tflite_runtime(python_with: PythonWith, distributions: Path, tmp_path: Path) -> None:
    """tflite-runtime needs an older numpy than the rest, so pip installs it into a bare environment."""
    bundle = tmp_path / "bundle"
    command(
        python_with("albert_export", "litert"),
        *("tflite", "--task", "qa", "--target", "tflite-runtime", "--output", bundle),
    )
    (wheel,) = distributions.glob("albert_runtime-*.whl")
    python = new_environment(tmp_path / "venv", [f"{wheel}[tflite-runtime]"], may_lack="tflite-runtime")
    assert answer(python, bundle) == EXAMPLE.expected


@pytest.mark.parametrize(("kind", "package"), [("onnx", "onnxruntime"), ("tflite", "ai-edge-litert")])
def test_runtime_without_an_engine(
    kind: str, package: str, python_with: PythonWith, onnx_bundle: Path, tflite_bundle: Path
) -> None:
    bundle = {"onnx": onnx_bundle, "tflite": tflite_bundle}[kind]
    done = run_in(python_with("albert_runtime", ""), "-m", "albert_runtime", str(bundle), *REQUEST)
    assert done.returncode == 4
    assert f"pip install {package}\n" in done.stderr
