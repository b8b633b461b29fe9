"""The profile of ONNX bundles: which operators are of which kind, and how a trace is added up."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CheckpointOf
from tools.operator_profile import __main__ as command
from tools.operator_profile.onnx import ALL_KINDS, KINDS, OTHER, kind_of, profile, shares


def event(name: str, start: int, duration: int, operator: str = "") -> dict[str, Any]:
    """An event of ONNX Runtime's trace."""
    return {
        "cat": "Node" if operator else "Session",
        "name": name,
        "ts": start,
        "dur": duration,
        "args": {"op_name": operator} if operator else {},
    }


#: a run to warm up, then two runs of 100 microseconds, and one that was disturbed
TRACE = [
    event("warm_kernel_time", 1, 900, "Softmax"),
    event("model_run", 0, 1000),
    event("a_kernel_time", 1001, 60, "DynamicQuantizeMatMul"),
    event("a_fence_before", 1001, 7, "DynamicQuantizeMatMul"),
    event("b_kernel_time", 1070, 20, "Gather"),
    event("model_run", 1000, 100),
    event("a_kernel_time", 2001, 80, "MatMulInteger"),
    event("model_run", 2000, 100),
    event("a_kernel_time", 3001, 700, "Softmax"),
    event("model_run", 3000, 900),
]


def test_times_are_shared_out() -> None:
    found = shares(TRACE, [130.0, 130.0, 1000.0])
    assert found["integer products"] == pytest.approx(140 / 260)
    assert found["other operators"] == pytest.approx(20 / 260)
    assert found["between operators"] == pytest.approx(40 / 260)
    assert found["outside ONNX Runtime"] == pytest.approx(60 / 260)
    assert found["softmax"] == 0  # neither the run to warm up nor the disturbed one counts
    assert sum(found.values()) == pytest.approx(1)


def test_a_trace_with_too_few_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="4 runs of 5 calls"):
        shares(TRACE, [1.0] * 5)
    with pytest.raises(ValueError, match="0 calls"):
        shares(TRACE, [])


def test_an_operator_has_one_kind() -> None:
    operators = [operator for kind in KINDS.values() for operator in kind]
    assert len(set(operators)) == len(operators)
    assert kind_of("FusedMatMul") == "float products"
    assert kind_of("Gather") == OTHER


def test_a_bundle_is_profiled(bundle_of: CheckpointOf) -> None:
    found = profile(bundle_of("question-answering") / "model.onnx", 8, threads=1, runs=2)
    assert found.milliseconds > 0
    assert sum(found.shares.values()) == pytest.approx(1)
    for kind in ("float products", "softmax", "GELU", "LayerNorm", "transposes and reshapes"):
        assert found.shares[kind] > 0, kind
    assert found.shares["integer products"] == 0


def test_the_command_prints_a_table(
    bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = bundle_of("question-answering")
    arguments = [str(bundle), str(bundle / "model.onnx"), "--lengths", "8", "--runs", "1", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", ["operator_profile", *arguments])
    command.main()
    _, _, *rows = capsys.readouterr().out.splitlines()
    cells = rf"( -?[\d.]+% \|){{{len(ALL_KINDS)}}}"
    assert [bool(re.fullmatch(rf"\| {re.escape(name)} \| 8 \| [\d.]+ \|{cells}", row)) for name, row in
            zip((bundle.name, "model.onnx"), rows, strict=True)] == [True, True]  # fmt: skip


def test_every_path_without_a_graph_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["operator_profile", str(tmp_path), "nowhere.onnx"])
    with pytest.raises(SystemExit):
        command.main()
    assert f"neither bundles with a model.onnx nor .onnx files: {tmp_path}, nowhere.onnx" in capsys.readouterr().err
