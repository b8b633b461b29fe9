"""OpenVINO opens ONNX and TFLite bundles of every precision."""

from __future__ import annotations

import pytest

from albert_runtime.tasks import TASKS
from tests.clients.environments import SCRIPTS, python_client, run_client
from tests.clients.graph_answers import GraphAnswers
from tests.clients.rows import Record, Row
from tests.clients.versions import OPENVINO, version_of
from tests.conftest import DemoBundleOf

pytestmark = [pytest.mark.clients, pytest.mark.slow]

#: the largest difference of an output, by format
_TOLERANCE = {
    "onnx": {"fp32": 1e-4, "fp16": 0.005, "int8": 1, "int4": 0.01, "int8-static": 0.05},
    # The weights are the same numbers, and it computes with them in floats where LiteRT rounds activations to integers.
    "tflite": {"fp32": 1e-4, "fp16": 1e-4, "int8": 1, "int4": 1, "int8-static": 0.05},
}
#: all tasks in two precisions, and one task in the others
_CASES = [
    *((task, precision) for task in TASKS for precision in ("fp32", "int8")),
    *(("text-classification", precision) for precision in _TOLERANCE["onnx"] if precision not in ("fp32", "int8")),
]


@pytest.mark.parametrize("model_format", ["onnx", "tflite"])
def test_bundles(model_format: str, demo_bundle_of: DemoBundleOf, record: Record) -> None:
    python = python_client("openvino", [OPENVINO], shared=False)
    bundles = [demo_bundle_of(model_format, *case) for case in _CASES]
    answers = [GraphAnswers(bundle) for bundle in bundles]
    graphs = [
        {"model": str(bundle / f"model.{model_format}"), "inputs": one.inputs}
        for bundle, one in zip(bundles, answers, strict=True)
    ]
    found = run_client(python, SCRIPTS / "run_openvino.py", {"graphs": graphs})
    assert found["version"].startswith(version_of(OPENVINO))
    for (task, precision), one, outputs in zip(_CASES, answers, found["outputs"], strict=True):
        compared, largest = one.compare(outputs), _TOLERANCE[model_format][precision]
        assert compared.same_answer, (task, precision)
        assert compared.difference <= largest, (task, precision)
        note = f"Numbers differ by less than {largest}"
        note += ": its kernels round other numbers to integers." if precision.startswith("int") else "."
        record(Row("OpenVINO", version_of(OPENVINO), task, model_format, precision, True, True, note))
