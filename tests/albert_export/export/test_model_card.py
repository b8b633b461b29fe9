"""The model card of a bundle: how much of it is in integers."""

from __future__ import annotations

import pytest

from albert_export.export.model_card import integer_shares
from tests.conftest import CheckpointOf


def test_shares_count_matmuls_and_bytes() -> None:
    quantized = {"quantized_share": 0.75, "weight_bytes": {"int8": 80, "uint8": 10, "float32": 8, "int64": 2}}
    assert integer_shares(quantized) == "75% of the matrix multiplications and 92% of the weights' bytes in integers"


@pytest.mark.parametrize("quantized", [{}, {"quantized_share": 0.0, "weight_bytes": {"float32": 8}}])
def test_a_float_file_has_no_shares(quantized: dict[str, object]) -> None:
    assert integer_shares(quantized) == ""


def test_a_dynamic_tflite_graph_has_a_note_on_compiled_model(
    bundle_of: CheckpointOf, tflite_bundle_of: CheckpointOf
) -> None:
    cards = [(make("fill-mask") / "README.md").read_text(encoding="utf-8") for make in (bundle_of, tflite_bundle_of)]
    assert ["`albert-export tflite --sequence-length N`" in card for card in cards] == [False, True]
