"""The thin wheel answers on emulated ARM64 boards as it answers here, from a bundle of every form.

The emulation says nothing about speed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from albert_export.demos import demo_examples
from albert_runtime.tasks import TASKS
from tests.clients.rows import Record, Row
from tests.conftest import DemoBundleOf
from tests.virtual_environment import ROOT, build
from tools.aarch64 import emulator
from tools.aarch64.boards import BOARDS, Board
from tools.aarch64.emulator import Emulator, PreparationError

pytestmark = [
    pytest.mark.aarch64,
    pytest.mark.slow,
    pytest.mark.skipif(bool(emulator.missing()), reason=emulator.missing() or "all is there"),
]

#: QEMU's name of a board's processor -> its name in the table of clients
CLIENTS = {
    "cortex-a72": "albert-runtime on ARM64 (Cortex-A72, emulated)",
    "cortex-a76": "albert-runtime on ARM64 (Cortex-A76, emulated)",
}
#: engine -> the package that it is
PACKAGES = {"onnx": "onnxruntime", "litert": "ai-edge-litert"}
SCRIPT = Path(__file__).with_name("answer.py")
PRINTS_CPUINFO = Path(__file__).with_name("print_cpuinfo.py")
FORMATS = ("onnx", "tflite")
PRECISIONS = ("fp32", "fp16", "int8", "int4", "int8-static")
#: every precision in both formats with one task, and all tasks in the precision that devices get most often
FORMS = sorted(
    {(model_format, "text-classification", precision) for model_format in FORMATS for precision in PRECISIONS}
    | {(model_format, task, "int8") for model_format in FORMATS for task in TASKS}
)
#: the largest difference of a score or of a number of an embedding. Kernels for ARM64 add in another order, and those
#: for 8-bit activations round to another integer where a number lies between two.
TOLERANCE = {"fp32": 1e-4, "fp16": 5e-3, "int8": 0.05, "int4": 0.05, "int8-static": 0.05}


@pytest.fixture(scope="module")
def board_emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    folder = tmp_path_factory.mktemp("thin-wheel")
    build(ROOT / "runtime", folder, "--wheel")
    (wheel,) = folder.glob("albert_runtime-*.whl")
    try:
        return Emulator.prepare(wheel, ("onnx", "litert"))
    except PreparationError as error:
        pytest.skip(f"the emulated system can't be had here: {error}")


def differences(here: Any, there: Any, tolerance: float, path: str = "") -> list[str]:
    """Where two answers differ: numbers by more than `tolerance`, and all else at all."""
    if isinstance(here, float) and isinstance(there, float):
        return [] if abs(here - there) <= tolerance else [f"{path}: {here} here, {there} there"]
    if isinstance(here, dict) and isinstance(there, dict) and here.keys() == there.keys():
        pairs = [(here[name], there[name], f"{path}.{name}") for name in here]
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        pairs = [(one, other, f"{path}[{index}]") for index, (one, other) in enumerate(zip(here, there, strict=True))]
    else:
        return [] if here == there else [f"{path}: {here!r} here, {there!r} there"]
    return [text for one, other, place in pairs for text in differences(one, other, tolerance, place)]


def requests_for(task: str) -> list[dict[str, Any]]:
    """Three examples of the demo. Only the best word for a mask is asked for: the others may score nearly the same."""
    more: dict[str, Any] = {"top_k": 1} if task in ("fill-mask", "pretraining") else {}
    return [{**one.inputs, **more} for one in demo_examples(task)[:3]]


@pytest.mark.clients
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.cpu)
def test_every_form_answers_as_here(
    board: Board, board_emulator: Emulator, demo_bundle_of: DemoBundleOf, record: Record
) -> None:
    bundles = {str(demo_bundle_of(*form)): form for form in FORMS}
    requests = json.dumps({folder: requests_for(task) for folder, (_, task, _) in bundles.items()})
    emulated = board_emulator.run(board, SCRIPT, stdin=requests)
    assert emulated.returncode == 0, emulated.stderr[-2000:]
    there = json.loads(emulated.stdout)
    assert there["machine"] == "aarch64"

    environment = {"PYTHONPATH": str(ROOT / "runtime"), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, str(SCRIPT)]
    native = subprocess.run(command, input=requests, capture_output=True, text=True, check=True, env=environment)
    here = json.loads(native.stdout)
    assert here["machine"] != "aarch64"
    assert here["engines"] == there["engines"]
    assert {engine.split()[0] for engine in there["engines"].values()} == {"onnx", "litert"}

    wrong = [
        f"{'-'.join(form)}{text}"
        for folder, form in bundles.items()
        for text in differences(here["answers"][folder], there["answers"][folder], TOLERANCE[form[2]])
    ]
    assert wrong == []
    assert len(bundles) == len(FORMS) == 22
    for folder, (model_format, task, precision) in bundles.items():
        note = f"Scores differ by less than {TOLERANCE[precision]}."
        name, version = there["engines"][folder].split()
        record(Row(CLIENTS[board.cpu], f"{PACKAGES[name]} {version}", task, model_format, precision, True, True, note))


def test_engines_see_the_processor_of_the_board(board_emulator: Emulator) -> None:
    for board in BOARDS:
        shown = board_emulator.run(board, PRINTS_CPUINFO)
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout == board.cpuinfo
