"""Ranges are the lowest and highest values that are multiplied by weights, over all samples."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from albert_converters.onnx.detached_model import DetachedModel
from albert_converters.onnx.quantization.calibration import activation_ranges
from albert_runtime.errors import ConversionError


def make_model(*, opset: int = 18, matmuls: bool = True) -> onnx.ModelProto:
    """Build a model that looks rows up, multiplies them twice by one matrix, and decodes with the table."""
    nodes = [helper.make_node("Gather", ["table", "ids"], ["rows"])]
    if matmuls:
        nodes += [
            helper.make_node("MatMul", ["rows", "twice"], ["second"]),
            helper.make_node("MatMul", ["second", "twice"], ["third"]),
            helper.make_node("Gemm", ["third", "table"], ["logits"], transB=1),
        ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"])],
        [helper.make_tensor_value_info("logits" if matmuls else "rows", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.float32([[0, 1], [-2, 3], [5, -7]]), "table"),
            numpy_helper.from_array(np.float32([[2, 0], [0, 2]]), "twice"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def sample(*ids: int) -> dict[str, np.ndarray]:
    return {"ids": np.array(ids, np.int64)}


@pytest.mark.parametrize("opset", [13, 18, 20])
def test_by_hand(opset: int) -> None:
    model = make_model(opset=opset)
    before = model.SerializeToString(deterministic=True)
    assert activation_ranges(model, [sample(0)]) == {"rows": (0.0, 1.0), "second": (0.0, 2.0), "third": (0.0, 4.0)}
    ranges = activation_ranges(model, [sample(1, 0), sample(0), sample(2)])
    assert ranges == {"rows": (-7.0, 5.0), "second": (-14.0, 10.0), "third": (-28.0, 20.0)}
    assert model.SerializeToString(deterministic=True) == before


def test_no_room_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(model: DetachedModel, path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(DetachedModel, "write", full)
    with pytest.raises(ConversionError, match=r"below .*: No space left on device; free .* there, or .*TMPDIR="):
        activation_ranges(make_model(), [sample(0)])


def test_without_samples_or_weights_there_are_no_ranges() -> None:
    with pytest.raises(ConversionError, match="none were given"):
        activation_ranges(make_model(), [])
    with pytest.raises(ConversionError, match="has no float32 matrix multiplications"):
        activation_ranges(make_model(matmuls=False), [sample(0)])
