"""`albert-export bench` measures the peers in an environment of their own, which lacks this project."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_export.bench.measurement import Failure, Measurement
from albert_export.bench.peer_processes import Against
from albert_export.bench.runner import run_bench
from albert_export.bench.settings import Settings, Workload
from albert_export.demos import demo_checkpoint
from tests.clients.environments import python_client
from tests.clients.versions import NNCF, ONNX_RUNTIME, OPENVINO, OPTIMUM
from tests.conftest import DemoBundleOf

pytestmark = [pytest.mark.clients, pytest.mark.slow]

_PEERS = ("transformers", "optimum", "optimum-int8", "ort-dynamic", "openvino", "openvino-int8")
_TRANSFORMERS = ("torch==2.13.0", "transformers<5", "sentencepiece", "protobuf")
_REQUIREMENTS = (OPTIMUM, ONNX_RUNTIME, OPENVINO, NNCF, *_TRANSFORMERS)
_QUESTION = (
    "Where does Clara work?",
    "Clara lives in Lisbon. Hugo is a pilot in Madrid. Clara works as a baker in Porto.",
)


def test_all_peers(demo_bundle_of: DemoBundleOf) -> None:
    requirements = [
        OPTIMUM,
        ONNX_RUNTIME,
        OPENVINO,
        NNCF,
        "torch==2.13.0",
        "transformers<5",
        "sentencepiece",
        "protobuf",
    ]
    python = python_client("bench-peers", requirements, shared=False)
    bundle = demo_bundle_of("onnx", "question-answering", "fp32")
    report = run_bench(
        [bundle],
        Settings(lengths=(8, 32), runs=1, rounds=1, threads=1),
        against=Against(Path(demo_checkpoint("question-answering")), _PEERS, str(python)),
        workload=Workload(questions=(_QUESTION,), questions_file="one question"),
    )
    failed = {one.name: one.error for one in report.peers if isinstance(one, Failure)}
    assert failed == {}
    measured = [one for one in report.measurements if one.kind == "peer"]
    assert [one.name for one in measured] == list(_PEERS)
    for one in measured:
        assert one.latency_ms[32].median > 0, one.name
        assert one.first_answer_ms is not None, one.name
        assert one.questions is not None, one.name
        assert (one.conversion_ms is None) == (one.name == "transformers"), one.name
    optimum, quantized = (next(one for one in measured if one.name == name) for name in ("optimum", "optimum-int8"))
    assert quantized.file_bytes < optimum.file_bytes
    assert "AutoQuantizationConfig" in quantized.notes[0]
    (first,) = report.bundles
    assert isinstance(first, Measurement)
    assert first.questions is not None
    assert first.questions.equal_answers == 1.0
