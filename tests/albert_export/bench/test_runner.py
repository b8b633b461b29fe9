"""The benchmark measures each bundle in processes of its own; no test here asserts a time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from albert_export.bench.measurement import Failure, Measurement
from albert_export.bench.report import BenchReport
from albert_export.bench.runner import run_bench
from albert_export.bench.settings import Settings, Workload
from tests.conftest import CheckpointOf

QUICK = Settings(lengths=(8, 16), resize=(4, 24), runs=2, rounds=2, threads=1)


def measured(report: BenchReport, index: int = 0) -> Measurement:
    one = report.bundles[index]
    assert isinstance(one, Measurement), one
    return one


def with_manifest(source: Path, folder: Path, **fields: object) -> Path:
    """Copy a bundle and replace `fields` of its manifest."""
    shutil.copytree(source, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **fields}))
    return folder


def test_every_figure_of_a_bundle(bundle_of: CheckpointOf) -> None:
    folder = bundle_of("question-answering")
    one = measured(run_bench([folder], QUICK))
    assert (one.task, one.precision, one.notes) == ("question-answering", "fp32", ())
    assert one.engine.startswith("onnx ")
    assert one.file_bytes == (folder / "model.onnx").stat().st_size
    assert one.load_ms.median > one.engine_load_ms.median > 0
    assert one.first_ms.median > 0
    assert one.memory_bytes is not None
    assert one.peak_bytes is not None
    assert one.peak_bytes.most >= one.memory_bytes.least > 0
    assert list(one.latency_ms) == [8, 16]
    assert all(0 < figure.least <= figure.median <= figure.most for figure in one.latency_ms.values())
    assert one.grow_ms is not None
    assert one.shrink_ms is not None
    assert [len(record["runs_ms"]["16"]) for record in one.rounds] == [2, 2]


def test_the_first_answer_is_that_of_a_process_of_its_own(bundle_of: CheckpointOf) -> None:
    one = measured(run_bench([bundle_of("text-classification")], replace(QUICK, rounds=1)))
    assert one.first_answer_ms is not None
    assert one.first_answer_ms.median > one.load_ms.median
    assert one.process_bytes is not None
    assert one.memory_bytes is not None
    assert one.process_bytes.median > one.memory_bytes.median
    assert one.latency_p95_ms[8].median >= one.latency_ms[8].median


def test_each_text_is_answered_in_one_round(bundle_of: CheckpointOf) -> None:
    workload = Workload(texts=("one text", "another one", "a third"), texts_file="lines.txt")
    report = run_bench([bundle_of("text-classification")], replace(QUICK, lengths=(8,)), workload=workload)
    one = measured(report)
    assert one.texts is not None
    assert one.texts.texts == 3
    assert one.texts.one_at_a_time_per_s.least > 0
    assert one.texts.as_list_per_s is None
    assert one.texts.equal_answers == 1.0  # its own answers are the reference
    assert report.reference == one.name


def test_questions_of_two_bundles_are_compared(bundle_of: CheckpointOf) -> None:
    workload = Workload(questions=(("who?", "Ada was here."), ("where?", "In Paris.")), questions_file="dev.json")
    both = [bundle_of("question-answering"), bundle_of("fill-mask")]
    report = run_bench(both, replace(QUICK, lengths=(8,)), workload=workload)
    answering, other = measured(report), measured(report, 1)
    assert answering.questions is not None
    assert answering.questions.questions == 2
    assert len(answering.rounds[1]["questions"]["each_ms"]) == 1
    assert other.questions is None
    assert "takes no questions" in other.notes[-1]


def test_a_text_that_is_refused_is_a_note(bundle_of: CheckpointOf) -> None:
    workload = Workload(texts=("a [MASK] here", "no mask here"), texts_file="lines.txt")
    one = measured(run_bench([bundle_of("fill-mask")], replace(QUICK, rounds=1), workload=workload))
    assert one.texts is None
    assert "did not answer all" in one.notes[-1]
    assert one.latency_ms[8].median > 0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system binds no process to cores")
def test_processes_are_bound_to_cores(bundle_of: CheckpointOf) -> None:
    before = os.sched_getaffinity(0)
    report = run_bench([bundle_of("fill-mask")], replace(QUICK, rounds=1))
    assert report.affinity is not None
    assert len(report.affinity) == 1
    assert set(report.affinity) <= before
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize("task", ["multiple-choice", "pretraining"])
def test_inputs_fit_other_tasks(task: str, bundle_of: CheckpointOf) -> None:
    report = run_bench([bundle_of(task)], replace(QUICK, batch=2, rounds=1))
    assert measured(report).task == task


def test_rounds_take_the_bundles_in_turn(bundle_of: CheckpointOf) -> None:
    steps: list[str] = []
    first, second = bundle_of("question-answering"), bundle_of("fill-mask")
    report = run_bench([first, second], replace(QUICK, lengths=(8,), runs=1), progress=steps.append)
    assert [step.rsplit("/", 1)[1] for step in steps] == ["question-answering", "fill-mask"] * 2
    assert [one.name for one in report.bundles] == [str(first), str(second)]


def test_lengths_are_cut_to_what_the_model_accepts(bundle_of: CheckpointOf) -> None:
    settings = replace(QUICK, lengths=(16, 100, 200), resize=(60, 400), rounds=1)
    one = measured(run_bench([bundle_of("fill-mask")], settings))
    assert list(one.latency_ms) == [16, 48]
    assert one.grow_ms is None  # both lengths would be 48
    assert one.notes == ("accepts 48 tokens; run at that instead of 60, 100, 200, 400",)


def test_a_graph_of_one_length_is_run_at_it(tmp_path: Path, bundle_of: CheckpointOf) -> None:
    folder = with_manifest(bundle_of("fill-mask"), tmp_path / "static", sequence_length=12)
    one = measured(run_bench([folder], replace(QUICK, rounds=1)))
    assert list(one.latency_ms) == [12]
    assert (one.grow_ms, one.shrink_ms) == (None, None)
    assert one.notes[0] == "has the one length 12, so it was not run at 8, 16"
    assert "gave no first answer" in one.notes[1]  # its self-tests have other lengths
    assert one.first_answer_ms is None


def test_a_failure_leaves_the_others_measured(tmp_path: Path, bundle_of: CheckpointOf) -> None:
    damaged = shutil.copytree(bundle_of("fill-mask"), tmp_path / "damaged")
    (damaged / "model.onnx").write_bytes(b"not a graph")
    steps: list[str] = []
    bundles = [tmp_path / "nowhere", bundle_of("fill-mask"), damaged]
    report = run_bench(bundles, replace(QUICK, lengths=(8,), runs=1), progress=steps.append)
    nowhere, _, broken = report.bundles
    assert isinstance(nowhere, Failure)
    assert nowhere.exit_code == 2
    assert nowhere.error.startswith("there is no folder")
    assert isinstance(broken, Failure)
    assert broken.exit_code == 3
    assert "can't load" in broken.error
    assert measured(report, 1).task == "fill-mask"
    assert len(steps) == 4  # those that failed were not tried a second time


def test_an_engine_that_is_not_there(bundle_of: CheckpointOf) -> None:
    (one,) = run_bench([bundle_of("fill-mask")], replace(QUICK, engine="abacus")).bundles
    assert isinstance(one, Failure)
    assert one.exit_code == 2
    assert "no engine 'abacus'" in one.error


def test_a_process_that_dies_is_reported(bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    (one,) = run_bench([bundle_of("fill-mask")], QUICK).bundles
    assert isinstance(one, Failure)
    assert one.exit_code == 3
    assert "ended with exit code 1" in one.error


@pytest.mark.parametrize(
    ("file", "module"),
    [("model.onnx", "onnxruntime.capi._pybind_state"), ("model.tflite", "ai_edge_litert.interpreter")],
)
def test_the_engine_counts_as_imported(file: str, module: str, tmp_path: Path) -> None:
    pytest.importorskip(module.split(".")[0])
    code = (
        "import sys; from pathlib import Path; from albert_export.bench.bundle_subject import _import_engine; "
        f"_import_engine(Path({str(tmp_path / file)!r}), None); print({module!r} in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split()[-1] == "True"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc")
def test_an_interrupt_leaves_no_process(tmp_path: Path, bundle_of: CheckpointOf) -> None:
    folder = bundle_of("fill-mask")
    code = (
        "from pathlib import Path; from albert_export.bench.runner import run_bench, Settings; "
        f"run_bench([Path({str(folder)!r})], Settings(lengths=(16,), runs=1_000_000))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def listen() -> None:  # in a background job of a shell SIGINT is ignored, and the new process would inherit that
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.DEVNULL, env=environment, preexec_fn=listen
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 60
    while not children.read_text().split() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    (child,) = children.read_text().split()
    # An interrupt while the process is only being started does not reach it, so the engine is waited for.
    while "onnxruntime" not in Path(f"/proc/{child}/maps").read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    # its parent is gone, and its entry in /proc stays until the process that adopted it has read its exit code
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()
