"""Tools that check or rewrite ONNX files: the files stay small, and their answers the same."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from albert_runtime.engines import Engine, open_engine
from albert_runtime.errors import BundleError
from albert_runtime.tasks import TASKS
from tests.clients.environments import SCRIPTS, python_client, run_client
from tests.clients.graph_answers import GraphAnswers
from tests.clients.rows import Record, Row
from tests.clients.versions import ONNX, ONNX_RUNTIME, ONNXSIM, ONNXSLIM
from tests.conftest import DemoBundleOf

pytestmark = [pytest.mark.clients, pytest.mark.slow]

_CASES = [
    *((task, "fp32") for task in TASKS),
    *(("text-classification", precision) for precision in ("fp16", "int8", "int4", "int8-static")),
]
#: how large the file of a tool may be, as a share of the bundle's: more would mean weights that are stored twice
_SIZES = {
    "onnx.checker": 1.1,
    "onnxsim": 1.1,
    "onnxslim": 1.1,
    "convert_onnx_models_to_ort": 1.4,
    "quantize_dynamic": 1,
}
#: tool -> precision -> what is said in the row
_NOTES: dict[str, dict[str, str]] = {
    "onnx.checker": defaultdict(lambda: "With full_check, and with strict inference of shapes."),
    "onnxsim": defaultdict(lambda: "The file grows by less than 10%."),
    "onnxslim": defaultdict(lambda: "The file grows by less than 10%."),
    "convert_onnx_models_to_ort": defaultdict(
        lambda: "The .ort file of so small a model is up to 40% larger.",
        fp16="The .ort file is up to 60% larger: few kernels compute in float16, so its weights are float32.",
    ),
    "quantize_dynamic": defaultdict(
        lambda: "What is float becomes int8. The answers to the demo's examples stay; measure your own.",
        int4="Refused, since it does not know the operator for 4 bits. Give it the fp32 bundle.",
        fp16="ONNX Runtime refuses its file, which has float16 scales. Give it the fp32 bundle.",
    ),
}
#: the words of the refusals
_REFUSALS = {"int4": "Unable to find data type for weight_name", "fp16": r"Type 'tensor\(float16\)' of input parameter"}


def test_tools(demo_bundle_of: DemoBundleOf, tmp_path: Path, record: Record) -> None:
    onnx_tools = python_client("onnx-tools", [ONNX, ONNX_RUNTIME, ONNXSIM, ONNXSLIM], shared=True)
    models = [demo_bundle_of("onnx", *case) / "model.onnx" for case in _CASES]
    folders = [tmp_path / "-".join(case) for case in _CASES]
    request = {"models": [(str(model), str(folder)) for model, folder in zip(models, folders, strict=True)]}
    found = run_client(onnx_tools, SCRIPTS / "rewrite_onnx.py", request)
    for (task, precision), model, tools in zip(_CASES, models, found, strict=True):
        answers = GraphAnswers(model.parent)
        assert set(tools) == set(_SIZES)
        for tool, made in tools.items():
            refused = tool == "quantize_dynamic" and precision in _REFUSALS
            if refused:
                with pytest.raises(BundleError, match=_REFUSALS[precision]):
                    _open(made)
            else:
                largest = 1.6 if (tool, precision) == ("convert_onnx_models_to_ort", "fp16") else _SIZES[tool]
                assert Path(made["file"]).stat().st_size <= largest * model.stat().st_size, (tool, precision)
                engine = _open(made)
                compared = answers.compare([engine.run(inputs) for inputs in answers.arrays])
                assert compared.same_answer, (tool, task, precision)
                exact = 0.01 if precision == "fp16" else 1e-4
                assert tool == "quantize_dynamic" or compared.difference <= exact, (tool, task, precision)
            same = None if refused else True
            record(Row(tool, made["version"], task, "onnx", precision, not refused, same, _NOTES[tool][precision]))


def _open(made: dict[str, str]) -> Engine:
    """What runs the file that a tool made.

    Raises:
        BundleError: the tool made none, or ONNX Runtime refuses it.
    """
    if "error" in made:
        raise BundleError(made["error"])
    return open_engine(Path(made["file"]), name="onnx")
