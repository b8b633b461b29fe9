"""tflite-micro refuses every graph, because it has no operator for GELU; it says so, and does not crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_export.demos import demo_checkpoint
from tests.clients.environments import SCRIPTS, python_client, run_client
from tests.clients.rows import Record, Row
from tests.clients.versions import TFLITE_MICRO, version_of
from tests.conftest import DemoBundleOf

pytestmark = [pytest.mark.clients, pytest.mark.slow]

_TASK = "text-classification"


def test_graphs_are_refused(demo_bundle_of: DemoBundleOf, tmp_path: Path, record: Record) -> None:
    from albert_export.export import export_tflite

    python = python_client("tflite-micro", [TFLITE_MICRO], shared=False)
    export_tflite(
        demo_checkpoint(_TASK), tmp_path / "b", task=_TASK, precision="fp32", sequence_length=64, graph="unrolled"
    )
    bundles = {
        ("tflite", "fp32"): (demo_bundle_of("tflite", _TASK, "fp32"), "RANGE", "It has no operator RANGE."),
        ("tflite", "int8"): (demo_bundle_of("tflite", _TASK, "int8"), "RANGE", "It has no operator RANGE."),
        ("tflite, static, unrolled", "fp32"): (tmp_path / "b", "GELU", "It has no operator GELU."),
    }
    # 64 MiB of memory, so that it is not the memory that is missing
    request = {"models": [str(folder / "model.tflite") for folder, _, _ in bundles.values()], "arena_size": 64 << 20}
    found = run_client(python, SCRIPTS / "open_tflite_micro.py", request)
    for ((bundle, precision), (_, operator, note)), said in zip(bundles.items(), found, strict=True):
        assert f"Didn't find op for builtin opcode '{operator}'" in said
        record(Row("tflite-micro", version_of(TFLITE_MICRO), _TASK, bundle, precision, False, None, note))
