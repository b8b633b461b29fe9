"""ONNX files of torch.onnx.export without input names: diagnosed by what the graph does, and repaired exactly."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from albert_export.doctor.diagnose import diagnose
from albert_export.doctor.repair import repair

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.export

SIZES = {
    "vocab_size": 100,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 512,
    "num_hidden_layers": 2,
    "initializer_range": 0.3,
}
#: the order of forward()
FEED = ("input_ids", "attention_mask", "token_type_ids")
ROLES = ("ids", "mask", "segments")


class Positional(torch.nn.Module):
    """A wrapper whose arguments have names that say nothing, as people write them."""

    def __init__(self, attention: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        config = transformers.AlbertConfig(**SIZES)
        config._attn_implementation = attention
        self.model = transformers.AlbertForSequenceClassification(config)
        self.eval()  # without dropout

    def forward(self, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(a, attention_mask=b, token_type_ids=c).logits
        return logits


def request(rows: int, length: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(length)
    ids = torch.randint(5, SIZES["vocab_size"], (rows, length), generator=generator)  # type: ignore[call-overload]
    kept = length - torch.arange(rows)[:, None] * 2
    place = torch.arange(length)[None]
    return ids, (place < kept).long(), (place >= length // 2).long() * (place < kept).long()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("dynamo", [False, True])
def test_roles_and_repair(tmp_path: Path, dynamo: bool, attention: str) -> None:
    if dynamo and importlib.util.find_spec("onnxscript") is None:
        pytest.skip("torch.onnx.export(dynamo=True) needs onnxscript: pip install onnxscript")
    model, file = Positional(attention), tmp_path / "model.onnx"
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    shapes = {"dynamic_shapes": ({0: batch, 1: length},) * 3} if dynamo else {}
    with torch.no_grad():
        torch.onnx.export(model, request(2, 40), str(file), dynamo=dynamo, opset_version=18, **shapes)

    diagnosis = diagnose(file)
    assert tuple(one.role for one in diagnosis.inputs) == ROLES
    assert not set(FEED) <= {one.name for one in diagnosis.inputs}
    assert diagnosis.vocabulary_size == SIZES["vocab_size"]
    found = {result.name for result in diagnosis.results}
    assert "unnamed-inputs" in found
    assert not found & {"missing-attention-mask", "missing-token-type-ids", "unclear-inputs", "misnamed-inputs"}

    report = repair(file, tmp_path / "repaired.onnx")
    assert report.equivalence.requests >= (4 if dynamo else 1)
    session = onnxruntime.InferenceSession(str(tmp_path / "repaired.onnx"), providers=["CPUExecutionProvider"])
    arrays = request(2, 40)
    feed = {one.name: array.numpy() for one, array in zip(report.after.inputs, arrays, strict=True)}
    with torch.no_grad():
        expected = model(*arrays).numpy()
        unmasked = model(arrays[0], torch.ones_like(arrays[1]), arrays[2]).numpy()
    assert np.abs(expected - unmasked).max() > 1e-3  # the mask matters in this request
    # float32 with another order of additions
    np.testing.assert_allclose(session.run(None, feed)[0], expected, atol=1e-5)


def test_names_in_another_order_than_the_arguments(tmp_path: Path) -> None:
    """The names of a list go to forward()'s arguments by position, so that these two are swapped without a word."""
    names = ["input_ids", "token_type_ids", "attention_mask"]
    with torch.no_grad():
        torch.onnx.export(
            Positional("sdpa"), request(2, 40), str(tmp_path / "model.onnx"), dynamo=False, input_names=names
        )
    (found,) = [result for result in diagnose(tmp_path).errors if result.name == "misnamed-inputs"]
    assert "token_type_ids is read as the attention mask" in found.what
    assert "attention_mask is read as the token type ids" in found.what
