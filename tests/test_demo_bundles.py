"""The demo checkpoints, exported, answer as they were trained to: here, and where there is only the thin runtime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import albert_runtime
from albert_converters.tflite.builtin_operators import operators_without_options
from albert_converters.tflite.doctor import diagnose_tflite
from albert_converters.tflite.model import load
from albert_export.cli.main import main
from albert_export.demos import demo_examples
from albert_runtime.tasks import TASKS
from tests.conftest import DemoBundleOf
from tests.demo_answers import is_right
from tests.virtual_environment import ROOT, answer_demos, build, new_environment, run_in


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_bundle_answers_right(task: str, demo_bundle_of: DemoBundleOf, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = demo_bundle_of("onnx", task, "fp32")
    session = albert_runtime.load(bundle)
    examples = demo_examples(task)
    wrong = [example for example in examples if not is_right(session, example.inputs, example.expected)]
    assert not wrong
    assert len(examples) >= 5

    options = []
    for name, value in examples[0].inputs.items():
        for one in value if isinstance(value, list) else [value]:
            options.append(f"--{'choice' if name == 'choices' else name.replace('_', '-')}={one}")
    assert main(["run", str(bundle), *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8", "int4", "int8-static"])
@pytest.mark.parametrize("task", TASKS)
def test_every_example_is_right_in_tflite(task: str, precision: str, demo_bundle_of: DemoBundleOf) -> None:
    bundle = demo_bundle_of("tflite", task, precision)
    model = load(bundle / "model.tflite")
    assert list(operators_without_options(model)) == []  # other readers, such as OpenVINO, need them
    assert not {"misread-operators", "bitcasts"} & {
        one.name for one in diagnose_tflite(bundle / "model.tflite").results
    }
    session = albert_runtime.load(bundle, engine="litert")
    examples = demo_examples(task)
    assert examples
    assert [one.inputs for one in examples if not is_right(session, one.inputs, one.expected)] == []


@pytest.mark.slow
def test_the_thin_wheel_alone_answers_all_seven(demo_bundle_of: DemoBundleOf, tmp_path: Path) -> None:
    bundles = {task: demo_bundle_of("onnx", task, "fp32") for task in TASKS}
    build(ROOT / "runtime", tmp_path, "--wheel")
    (built,) = tmp_path.glob("albert_runtime-*.whl")
    requirements = ["-c", str(ROOT / "constraints.txt"), f"{built}[onnx]"]
    python = new_environment(tmp_path / "venv", requirements, may_lack="onnxruntime")

    result = answer_demos(python, bundles)
    assert result["wrong"] == []
    assert not set(result["modules"]) & {"torch", "tensorflow", "transformers", "onnx"}

    (example, *_) = demo_examples("question-answering")
    question, context = example.inputs["question"], example.inputs["context"]
    request = [str(bundles["question-answering"]), "--question", question, "--context", context, "--json"]
    done = run_in(python, "-m", "albert_runtime", *request, "--no-align-to-words")
    assert json.loads(done.stdout)["text"] == example.expected
