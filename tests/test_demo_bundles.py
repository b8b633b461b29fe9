"""The demo checkpoints, exported, answer as they were trained to: here, and where there is only the thin runtime."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import albert_runtime
from albert_export.commands import main
from albert_export.demos import demo_examples
from albert_runtime.tasks import TASKS
from tests.demo_answers import is_right

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def demo_bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundle of each demo checkpoint, exported as a user does it."""
    folder = tmp_path_factory.mktemp("demos")
    for task in TASKS:
        assert main(["onnx", "--task", task, "--output", str(folder / task)]) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_bundle_answers_right(task: str, demo_bundles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = albert_runtime.load(demo_bundles / task)
    examples = demo_examples(task)
    wrong = [example for example in examples if not is_right(session, example.inputs, example.expected)]
    assert not wrong
    assert len(examples) >= 5

    options = []
    for name, value in examples[0].inputs.items():
        for one in value if isinstance(value, list) else [value]:
            options.append(f"--{'choice' if name == 'choices' else name.replace('_', '-')}={one}")
    assert main(["run", str(demo_bundles / task), *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


_ANSWER_ALL = """
import json, sys
import albert_runtime
sys.path.insert(0, sys.argv[2])
from demo_answers import is_right
wrong = []
for task, examples in json.loads(sys.stdin.read()).items():
    session = albert_runtime.load(sys.argv[1] + "/" + task)
    wrong += [[task, inputs] for inputs, expected in examples if not is_right(session, inputs, expected)]
print(json.dumps({"wrong": wrong, "modules": sorted(sys.modules)}))
"""


@pytest.mark.slow
def test_the_thin_wheel_alone_answers_all_seven(demo_bundles: Path, tmp_path: Path) -> None:
    wheel = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(ROOT / "runtime"),
    ]
    subprocess.run(wheel, check=True, capture_output=True)
    (built,) = tmp_path.glob("albert_runtime-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), f"{built}[onnx]"]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if installed.returncode != 0 and "onnxruntime" in installed.stderr:
        pytest.skip(f"onnxruntime can't be installed into a new environment here: {installed.stderr.splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr

    examples = {task: [[one.inputs, one.expected] for one in demo_examples(task)] for task in TASKS}
    answered = subprocess.run(
        [python, "-I", "-c", _ANSWER_ALL, str(demo_bundles), str(ROOT / "tests")],
        input=json.dumps(examples),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert answered.returncode == 0, answered.stderr
    result = json.loads(answered.stdout)
    assert result["wrong"] == []
    assert not set(result["modules"]) & {"torch", "tensorflow", "transformers", "onnx"}

    (example, *_) = demo_examples("question-answering")
    command = [python, "-I", "-m", "albert_runtime", str(demo_bundles / "question-answering")]
    options = ["--question", example.inputs["question"], "--context", example.inputs["context"], "--json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout)["text"] == example.expected
