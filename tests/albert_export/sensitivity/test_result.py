"""Results of scans: rows by layer and pass, the worst of them, and JSON that every parser reads."""

from __future__ import annotations

import json
import math

import pytest

from albert_export.sensitivity import QuantizationError, Row
from tests.albert_export.sensitivity.scanned import sensitivity_of

ERRORS = {"ffn": [0.1, 0.3], "ffn_output": [0.2, 0.01]}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("albert.encoder.embedding_hidden_mapping_in", "embedding_hidden_mapping_in"),
        ("albert.encoder.albert_layer_groups.0.albert_layers.0.attention.query", "attention.query"),
        ("albert.encoder.albert_layer_groups.1.albert_layers.0.ffn", "1.0 ffn"),
        ("albert.pooler", "pooler"),
        ("predictions.dense", "predictions.dense"),
    ],
)
def test_names_are_short_and_clear(module: str, name: str) -> None:
    assert Row(module, None, 0, 0, 1, (), QuantizationError(0, None)).name == name


def test_the_worst_layers_come_first() -> None:
    found = sensitivity_of(ERRORS)
    assert [row.name for row in found.worst(2)] == ["ffn", "ffn_output"]
    assert [row.pass_number for row in found.worst(10)] == [None] * 4


def test_passes_of_a_layer() -> None:
    found = sensitivity_of(ERRORS)
    ffn = found.modules[1].module
    assert {number: row.error for number, row in found.passes_of(ffn).items()} == {1: 0.1, 2: 0.3}
    assert found.passes_of("classifier") == {}


def test_json_has_no_infinity() -> None:
    figures = json.loads(json.dumps(sensitivity_of({"ffn": [math.inf]}).to_dict(), allow_nan=False))
    assert [row["error"] for row in figures["rows"]] == [0.004, None, None, 0.002]
    assert figures["rows"][1] == {
        "module": "albert.encoder.albert_layer_groups.0.albert_layers.0.ffn",
        "pass": 1,
        "minimum": -1.5,
        "maximum": 7.25,
        "outlier_ratio": 2.0,
        "outlier_channels": [],
        "error": None,
        "changed": None,
    }
    assert figures["everything"] == {"error": 0.5, "changed": 0.25}
