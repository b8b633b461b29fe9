"""A graph for one sequence computes batches and choices one sequence at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from albert_runtime.engines.static_shapes import ANY, fits, run_in_parts


@pytest.mark.parametrize(
    ("shape", "declared", "right"),
    [
        ((1, 8), (1, 8), True),
        ((3, 8), (1, 8), True),
        ((2, 3, 8), (1, 1, 8), True),
        ((3, 8), (ANY, ANY), True),
        ((3, 8), (2, 8), False),
        ((1, 7), (1, 8), False),
        ((3, 8), (3, 1), False),
        ((0, 8), (1, 8), False),
        ((8,), (1, 8), False),
    ],
)
def test_shapes(shape: tuple[int, ...], declared: tuple[int, ...], right: bool) -> None:
    assert fits(shape, declared) is right


def test_parts_are_put_together_where_they_belong() -> None:
    ids = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    runs = []

    def compute(feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        runs.append(feed["ids"].shape)
        return {"same": feed["ids"].astype(np.float32), "logits": feed["ids"].sum(-1).astype(np.float32)}

    outputs = run_in_parts({"ids": ids, "mask": ids}, (1, 1, 4), compute)
    assert runs == [(1, 1, 4)] * 6
    np.testing.assert_array_equal(outputs["same"], ids)
    np.testing.assert_array_equal(outputs["logits"], ids.sum(-1))
    assert run_in_parts({"ids": ids}, (ANY, ANY, ANY), compute)["same"].shape == ids.shape
    assert runs[6:] == [(2, 3, 4)]


def test_the_onnx_engine(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    from albert_runtime.engines.onnx_engine import OnnxEngine
    from albert_runtime.errors import UsageError

    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, 4]) for name in ("input_ids", "mask")]
    output = helper.make_tensor_value_info("sums", TensorProto.INT64, [1, 4])
    node = helper.make_node("Add", ["input_ids", "mask"], ["sums"])
    graph = helper.make_graph([node], "static", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    engine = OnnxEngine(tmp_path / "model.onnx", threads=1)
    ids = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(engine.run({"input_ids": ids, "mask": 10 * ids})["sums"], 11 * ids)
    with pytest.raises(UsageError, match=r"input_ids is \[1, 5\], the graph declares \[1, 4\]"):
        engine.run({"input_ids": np.zeros((1, 5)), "mask": np.zeros((1, 4))})
    with pytest.raises(UsageError, match=r"mask is \[1, 4\]"):
        engine.run({"input_ids": ids, "mask": ids[:1]})
