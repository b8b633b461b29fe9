"""The vectors of requests: outputs of every shape are stacked, with the head that has the most of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import albert_runtime
from albert_export.export import export_onnx
from albert_export.vectors.request_vectors import output_values, request_record
from tests.conftest import save_tiny


def test_the_beam_search_head_has_vectors(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    save_tiny(checkpoint, "question-answering", head="beam-search")
    export_onnx(checkpoint, tmp_path / "bundle", precision="fp32")
    session = albert_runtime.load(tmp_path / "bundle")
    call = {"question": "Who lit the lamp?", "context": "The keeper climbed the steps to light the lamp. " * 8}
    record = request_record(session, call)
    rows = list(session.run_each(session.prepare(**call).encodings))
    assert len(rows) > 1
    for name, output in record["outputs"].items():
        stacked = output_values(output).reshape(output["shape"])
        for got, row in zip(stacked, rows, strict=True):
            np.testing.assert_array_equal(got[tuple(map(slice, row[name].shape))], row[name])
    assert any(len(output["shape"]) == 1 for output in record["outputs"].values())
