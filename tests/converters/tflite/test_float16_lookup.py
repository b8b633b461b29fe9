"""A lookup of float16 rows loses its BITCAST, and none of its values."""

from __future__ import annotations

import numpy as np

from albert_converters.tflite.float16_lookup import look_up_float16
from albert_converters.tflite.model import dumps, loads, operator_name
from tests.tiny_graph import run_tflite
from tests.tiny_tflite import TinyModel

TABLE = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float16)


def lookup() -> TinyModel:
    """ids -> the rows of TABLE as float32, and 1 / ids: GATHER of int16, BITCAST, CAST; CAST, RSQRT."""
    tiny = TinyModel()
    graph = tiny.graph()
    ids = graph.input("ids", [-1], np.int32)
    bits, halves = graph.tensor("bits", [-1, 4], np.float16), graph.tensor("halves", [-1, 4], np.float16)
    rows, numbers, roots = graph.tensor("rows", [-1, 4]), graph.tensor("numbers", [-1]), graph.tensor("roots", [-1])
    table = graph.constant("table", TABLE)
    for index in (table, bits):
        tiny.model.subgraphs[0].tensors[index].type = 7  # INT16
    graph.operator("GATHER", [table, ids], [bits])
    graph.operator("BITCAST", [bits], [halves])
    graph.operator("CAST", [halves], [rows])
    graph.operator("CAST", [ids], [numbers])
    graph.operator("RSQRT", [numbers], [roots])
    graph.outputs(rows, roots)
    tiny.sign({"ids": ids}, {"rows": rows, "roots": roots})
    return tiny


def test_the_bitcast_goes_and_the_values_stay() -> None:
    ids = np.int32([8, 0, 3, 3, 4])
    before = run_tflite(dumps(lookup().model), ids=ids)
    model = loads(dumps(lookup().model))
    look_up_float16(model)
    assert [operator_name(model, one) for one in model.subgraphs[0].operators] == ["GATHER", "CAST", "CAST", "RSQRT"]
    assert len(model.operatorCodes) == 4  # an engine without BITCAST would refuse a file with its code
    after = run_tflite(dumps(model), ids=ids)
    np.testing.assert_array_equal(after["rows"], TABLE[ids].astype(np.float32))
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values)


def test_another_bitcast_stays() -> None:
    tiny = TinyModel()
    graph = tiny.graph()
    x, y = graph.input("x", [-1, 4]), graph.tensor("y", [-1, 4], np.int32)
    graph.operator("BITCAST", [x], [y])
    graph.outputs(y)
    tiny.sign({"x": x}, {"y": y})
    look_up_float16(tiny.model)
    assert [operator_name(tiny.model, one) for one in tiny.model.subgraphs[0].operators] == ["BITCAST"]
