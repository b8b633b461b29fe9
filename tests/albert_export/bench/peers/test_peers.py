"""Peers are measured in another Python, which imports nothing else of this project; no test here asserts a time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from albert_export.bench import peers
from albert_export.bench.measurement import Failure, Measurement
from albert_export.bench.peer_processes import Against
from albert_export.bench.peers.catalog import PEERS
from albert_export.bench.report import BenchReport, ResourceBudget
from albert_export.bench.runner import run_bench
from albert_export.bench.settings import Settings, Workload
from albert_runtime.errors import UsageError
from tests.conftest import CheckpointOf

QUICK = Settings(lengths=(8, 16), resize=(4, 24), runs=2, rounds=1, threads=1)
QUESTIONS = (("who was here?", "Ada was here, and Grace was there."), ("where?", "In Paris."))


def peer(report: BenchReport, name: str) -> Measurement:
    (one,) = (one for one in report.peers if one.name == name)
    assert isinstance(one, Measurement), one
    return one


def test_transformers_and_its_pipeline(bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    pytest.importorskip("transformers")
    workload = Workload(questions=QUESTIONS, questions_file="dev.json")
    against = Against(checkpoint_of("question-answering"), ("transformers",))
    report = run_bench([bundle_of("question-answering")], QUICK, against=against, workload=workload)
    one = peer(report, "transformers")
    assert (one.kind, one.task, one.precision, one.notes) == ("peer", "question-answering", "fp32", ())
    assert one.engine.startswith("torch ")
    assert set(one.versions) == {"torch", "transformers"}
    assert list(one.latency_ms) == [8, 16]
    assert one.conversion_ms is None
    assert one.grow_ms is None
    assert one.first_answer_ms is not None
    assert one.first_answer_ms.median > one.load_ms.median > one.engine_load_ms.median > 0
    assert one.file_bytes > 0
    assert one.questions is not None
    assert one.questions.questions == 2
    assert report.reference == f"{against.checkpoint} in transformers"
    (bundle,) = report.bundles
    assert isinstance(bundle, Measurement)
    assert bundle.questions is not None
    assert bundle.questions.equal_answers == 1.0


def test_texts_through_a_pipeline(bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    pytest.importorskip("transformers")
    workload = Workload(texts=("one text", "another", "word " * 200), texts_file="lines.txt")
    against = Against(checkpoint_of("text-classification"), ("transformers",))
    report = run_bench([bundle_of("text-classification")], QUICK, against=against, workload=workload)
    one = peer(report, "transformers")
    assert one.texts is not None
    assert one.texts.texts == 3
    assert one.texts.as_list_per_s is not None
    assert one.texts.batched_per_s.median > 0
    (bundle,) = report.bundles
    assert isinstance(bundle, Measurement)
    assert bundle.texts is not None
    assert bundle.texts.equal_answers == 1.0


@pytest.mark.slow
def test_compiled_models(bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    pytest.importorskip("transformers")
    against = Against(checkpoint_of("fill-mask"), ("torch-compile",))
    (one,) = run_bench([bundle_of("fill-mask")], replace(QUICK, lengths=(8,), runs=1), against=against).peers
    if isinstance(one, Failure):  # where there is no compiler of C++, it is a row that says so
        assert one.exit_code == 3
        assert one.error
    else:
        assert one.latency_ms[8].median > 0
        assert "dynamic=True" in one.notes[0]


def test_peers_that_are_not_installed_are_named_and_left_out(
    tmp_path: Path, bundle_of: CheckpointOf, checkpoint_of: CheckpointOf
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty"], check=True)
    python = str(tmp_path / "empty" / "bin" / "python")
    against = Against(checkpoint_of("fill-mask"), ("optimum-int8", "openvino"), python)
    report = run_bench([bundle_of("fill-mask")], QUICK, against=against)
    assert isinstance(report.bundles[0], Measurement)
    optimum, openvino = report.peers
    assert isinstance(optimum, Failure)
    assert (optimum.name, optimum.exit_code) == ("optimum-int8", 4)
    assert f"{python} -m pip install torch 'transformers<5'" in optimum.error
    assert isinstance(openvino, Failure)
    assert "openvino not installed for" in openvino.error
    report.raise_if_failed(ResourceBudget())


def test_a_checkpoint_that_the_peers_refuse(tmp_path: Path, bundle_of: CheckpointOf) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text("{}")
    (one,) = run_bench([bundle_of("fill-mask")], QUICK, against=Against(tmp_path, ("transformers",))).peers
    assert isinstance(one, Failure)
    assert one.exit_code == 3
    assert one.error


def test_bundles_of_different_tasks(bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    both = [bundle_of("fill-mask"), bundle_of("question-answering")]
    with pytest.raises(UsageError, match="all bundles must be for its task"):
        run_bench(both, QUICK, against=Against(checkpoint_of("fill-mask"), ("transformers",)))


def test_unknown_peers(checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(UsageError, match="there is no peer 'abacus'; the peers are transformers, torch-compile"):
        Against(checkpoint_of("fill-mask"), ("abacus",))


def test_what_peers_run_imports_nothing_else_of_this_project() -> None:
    folder = Path(peers.__file__).parent
    code = (
        "import sys; from peers import catalog, process; "
        "print(*sorted({name.split('.')[0] for name in sys.modules} & "
        "{'albert_export', 'albert_runtime', 'torch', 'transformers', 'onnxruntime', 'openvino'}))"
    )
    link = f"import sys; sys.path.insert(0, {str(folder.parent)!r}); import peers; "
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([sys.executable, "-I", "-c", link + code], capture_output=True, text=True, env=alone)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_every_conversion_starts_from_one_that_exists() -> None:
    assert all(one.converts_from in (None, *PEERS) for one in PEERS.values())
    assert all(name == one.name for name, one in PEERS.items())
