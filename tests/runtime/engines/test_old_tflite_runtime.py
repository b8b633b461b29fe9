"""tflite-runtime 2.14 of 2023 runs in a separate environment, because it needs an older Python and an older numpy."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from albert_export.demos import demo_checkpoint
from albert_runtime.engines.tflite_engine import LiteRTEngine
from albert_runtime.tasks import INPUT_NAMES, TASKS
from tests.runtime.lookup_graph import lookup_graph
from tests.virtual_environment import answer_demos, new_environment, run_in

ROOT = Path(__file__).parents[3]

#: the folder of an environment with tflite-runtime 2.14, numpy below 2 and sentencepiece, so that none needs to be made
_ENVIRONMENT = "ALBERT_TFLITE_RUNTIME_VENV"

pytestmark = pytest.mark.slow

_RUN = """
import json, sys
request = json.loads(sys.stdin.read())
sys.path.insert(0, request["path"])
import numpy as np
from albert_runtime.engines import open_engine
from albert_runtime.errors import AlbertError
inputs = {name: np.array(array) for name, array in request["inputs"].items()}
for file in request["files"]:
    try:
        engine = open_engine(file)
        outputs = {name: output.tolist() for name, output in engine.run(inputs).items()}
        result = {"engine": f"{engine.name} {engine.version}", "outputs": outputs}
    except AlbertError as error:
        result = {"exit_code": error.exit_code, "message": str(error)}
    print(json.dumps(result), flush=True)
"""


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment with tflite-runtime 2.14."""
    given = os.environ.get(_ENVIRONMENT)
    if given:
        return str(Path(given) / "bin" / "python")
    if sys.version_info >= (3, 12):
        pytest.skip("there is no tflite-runtime for Python 3.12 and later")
    requirements = ["tflite-runtime==2.14.0", "numpy<2", "sentencepiece"]
    return new_environment(tmp_path_factory.mktemp("old") / "venv", requirements, may_lack="tflite-runtime")


def run_there(python: str, files: list[Path], inputs: dict[str, np.ndarray]) -> list[dict]:
    """The outputs of each file in the environment, or the error; after a crash, the remaining files are missing."""
    request = {
        "path": str(ROOT / "runtime"),
        "files": [str(file) for file in files],
        "inputs": {name: array.tolist() for name, array in inputs.items()},
    }
    done = run_in(python, "-c", _RUN, stdin=json.dumps(request))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_graphs_give_the_same_outputs_as_in_litert(old_python, tmp_path):
    inputs = {name: np.random.default_rng(0).integers(0, 2, (3, 8)) for name in INPUT_NAMES}
    files = []
    for number, shape in enumerate([(1, 8), (-1, -1), (3, 8)]):
        files.append(tmp_path / f"{number}.tflite")
        files[-1].write_bytes(lookup_graph("pretraining", shape))
    for file, result in zip(files, run_there(old_python, files, inputs), strict=True):
        assert result["engine"] == "tflite-runtime 2.14.0"
        for name, output in LiteRTEngine(file).run(inputs).items():
            np.testing.assert_allclose(result["outputs"][name], output, atol=1e-6)


def test_damaged_files_are_refused_and_do_not_crash(old_python, tmp_path):
    whole = lookup_graph("question-answering", (1, 8))
    files = []
    for share in (0, 0.02, 0.1, 0.5, 0.9):
        files.append(tmp_path / f"{share}.tflite")
        files[-1].write_bytes(whole[: int(share * len(whole))])
    results = run_there(old_python, files, {})
    assert [result.get("exit_code") for result in results] == [3] * len(files)


def test_the_message_about_a_new_operator_names_the_engine_that_has_it(old_python, tmp_path):
    def newer(model):
        model.operatorCodes[0].version = 99

    (tmp_path / "model.tflite").write_bytes(lookup_graph("question-answering", (1, 8), change=newer))
    (result,) = run_there(old_python, [tmp_path / "model.tflite"], {})
    assert result["exit_code"] == 9
    assert "tflite-runtime 2.14.0 lacks operators" in result["message"]
    assert "  - MUL, version 99\n" in result["message"]
    assert "pip install ai-edge-litert" in result["message"]
    assert "--target tflite-runtime" in result["message"]


@pytest.mark.parametrize(
    ("task", "precision"),
    [*((task, "fp16") for task in TASKS), ("question-answering", "fp32"), ("question-answering", "int8")],
)
def test_a_bundle_for_this_target_answers_correctly(old_python, tmp_path, task, precision):
    from albert_export.export import export_tflite

    bundle = tmp_path / "bundle"
    max_drop = (
        5 if precision == "int8" else None
    )  # so small a model decides some texts differently that it was not trained for
    export_tflite(
        demo_checkpoint(task), bundle, task=task, target="tflite-runtime", precision=precision, max_drop=max_drop
    )
    result = answer_demos(old_python, {task: bundle}, sources=[ROOT / "runtime"])
    assert result["engines"] == ["tflite-runtime 2.14.0"]
    assert result["wrong"] == []
    assert "ai_edge_litert" not in result["modules"]
