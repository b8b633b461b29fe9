"""Export of PyTorch modules to ONNX: shared weights, dynamic axes, all opsets, float16, and clear refusals."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from albert_converters.onnx.export.lowerings import MIN_FLOAT16_EPSILON
from albert_converters.onnx.export.torch_export import to_onnx
from albert_converters.onnx.opsets import MAX_OPSET
from albert_export.config import AlbertConfig
from albert_export.reference.torch_albert import AlbertModel
from albert_export.reference.torch_heads import AlbertForMaskedLM, AlbertForPreTraining, AlbertForQuestionAnswering
from albert_runtime.errors import ConversionError, OperatorError, UsageError
from albert_runtime.tasks import TASKS

TINY = {
    "vocab_size": 60,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 20,
    "num_hidden_layers": 4,
    "initializer_range": 0.3,
}


def model_for(model_class: Any, **options: Any) -> Any:
    torch.manual_seed(3)
    return model_class(AlbertConfig(**{**TINY, **options})).eval()


def convert(model: Any, **options: Any) -> onnx.ModelProto:
    return to_onnx(model, TASKS[model.task], max_length=20, **options).whole()


def feeds(*shape: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    mask = np.ones(shape, np.int64)
    mask[0, ..., shape[-1] // 2 + 1 :] = 0
    return {
        "input_ids": random.integers(0, 60, shape),
        "attention_mask": mask,
        "token_type_ids": random.integers(0, 2, shape),
    }


def run(proto: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs), strict=True))


def reference(model: Any, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with torch.no_grad():
        outputs = model(**{name: torch.from_numpy(array) for name, array in inputs.items()})
    return {name: outputs[name].numpy() for name in TASKS[model.task].outputs}


def worst(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    assert got.keys() == expected.keys()
    return max(float(np.abs(got[name] - expected[name]).max()) for name in expected)


def weights_of(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


def test_every_linear_layer_reads_a_shared_constant() -> None:
    model = model_for(AlbertModel)
    proto = convert(model)
    weights = weights_of(proto)
    matmuls = [node for node in proto.graph.node if node.op_type in ("MatMul", "Gemm")]
    by_weight = [node for node in matmuls if node.input[1] in weights]
    # 6 matrices in each of 4 passes, the embedding projection and the pooler; the others are within attention
    assert len(by_weight) == 6 * 4 + 2
    assert len(matmuls) == len(by_weight) + 2 * 4
    assert {node.input[1] for node in by_weight} == {
        "encoder.embedding_hidden_mapping_in.weight",
        "pooler.weight",
        *(
            f"encoder.albert_layer_groups.0.albert_layers.0.{part}.weight"
            for part in ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output")
        ),
    }
    ffn = weights["encoder.albert_layer_groups.0.albert_layers.0.ffn.weight"]
    assert ffn.shape == (16, 24)
    assert "Identity" not in {node.op_type for node in proto.graph.node}


def test_no_weight_is_stored_twice() -> None:
    for model_class in (AlbertModel, AlbertForPreTraining):
        model = model_for(model_class)
        elements = sum(parameter.numel() for parameter in model.parameters())
        weights = weights_of(convert(model))
        matrices = sum(array.size for name, array in weights.items() if not name.startswith("constant"))
        assert matrices == elements


def test_the_decoder_is_the_embedding_table() -> None:
    proto = convert(model_for(AlbertForMaskedLM))
    tables = [name for name, array in weights_of(proto).items() if sorted(array.shape) == [8, 60]]
    assert tables == ["albert.embeddings.word_embeddings.weight"]
    users = {node.op_type for node in proto.graph.node if tables[0] in node.input}
    assert users == {"Gather", "Gemm"}


def test_axes_are_dynamic_and_named() -> None:
    proto = convert(model_for(AlbertForQuestionAnswering))
    axes = {
        value.name: [axis.dim_param for axis in value.type.tensor_type.shape.dim]
        for value in (*proto.graph.input, *proto.graph.output)
    }
    assert axes == {
        name: ["batch_size", "sequence_length"]
        for name in ("input_ids", "attention_mask", "token_type_ids", "start_logits", "end_logits")
    }


@pytest.mark.parametrize(
    ("opset", "activation"),
    [
        (13, "gelu"),
        (16, "gelu_new"),
        (17, "silu"),
        (18, "gelu"),
        (18, "gelu_new"),
        (20, "gelu"),
        (MAX_OPSET, "gelu_new"),
    ],
)
def test_every_opset_computes_the_same(opset: int, activation: str) -> None:
    model = model_for(AlbertForPreTraining, hidden_act=activation)
    proto = convert(model, opset=opset)
    assert proto.opset_import[0].version == opset
    assert {node.domain for node in proto.graph.node} == {""}
    for shape in ((1, 1), (3, 20)):
        inputs = feeds(*shape)
        assert worst(run(proto, inputs), reference(model, inputs)) < 1e-5


@pytest.mark.parametrize("opset", [13, 18])
def test_float16_keeps_epsilon_and_mask(opset: int) -> None:
    model = model_for(AlbertModel)
    with torch.no_grad():  # rows without variance: only epsilon prevents LayerNorm from dividing by zero
        for table in (
            model.embeddings.word_embeddings,
            model.embeddings.position_embeddings,
            model.embeddings.token_type_embeddings,
        ):
            table.weight.fill_(0.25)
    inputs = feeds(2, 9)
    expected = reference(model, inputs)
    proto = convert(model.half(), opset=opset)
    assert all(array.dtype != np.float32 or array.size == 1 for array in weights_of(proto).values())
    got = run(proto, inputs)
    assert all(np.isfinite(array).all() and array.dtype == np.float32 for array in got.values())
    assert worst(got, expected) < 0.02
    if opset >= 17:
        norms = [node for node in proto.graph.node if node.op_type == "LayerNormalization"]
        attributes = {attribute.name: attribute for attribute in norms[0].attribute}
        assert attributes["epsilon"].f == pytest.approx(MIN_FLOAT16_EPSILON)
        assert np.float16(attributes["epsilon"].f) > 0
        assert attributes["stash_type"].i == onnx.TensorProto.FLOAT
    assert all(np.isfinite(array).all() for array in weights_of(proto).values() if array.dtype.kind == "f")


def test_float16_ignores_padding_as_float32_does() -> None:
    model = model_for(AlbertForQuestionAnswering)
    proto = convert(model_for(AlbertForQuestionAnswering).half())
    inputs = feeds(1, 12)
    inputs["attention_mask"][0, 5:] = 0
    alone = {name: array[:, :5] for name, array in inputs.items()}
    padded = {name: array[:, :5] for name, array in run(proto, inputs).items()}
    assert worst(padded, run(proto, alone)) < 5e-3
    assert worst(padded, reference(model, alone)) < 0.02


@pytest.mark.parametrize(("opset", "activation"), [(13, "gelu"), (13, "gelu_new"), (18, "gelu"), (18, "gelu_new")])
def test_onnxruntime_recognizes_layer_norm_and_gelu(opset: int, activation: str, tmp_path: Path) -> None:
    """They are written in the patterns that its optimizer fuses to one operator when it loads the graph."""
    proto = convert(model_for(AlbertModel, hidden_act=activation), opset=opset)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    operators = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    assert operators.count("LayerNormalization") == 2 * 4 + 1
    assert sum(operators.count(fused) for fused in ("Gelu", "BiasGelu", "FastGelu")) == 4
    assert not {"Erf", "Tanh", "Sqrt", "ReduceMean"} & set(operators)


def test_float32_keeps_the_models_epsilon() -> None:
    proto = convert(model_for(AlbertModel))
    norm = next(node for node in proto.graph.node if node.op_type == "LayerNormalization")
    assert next(a.f for a in norm.attribute if a.name == "epsilon") == pytest.approx(1e-12)


def test_metadata_and_producer() -> None:
    proto = convert(model_for(AlbertModel), metadata={"task": "feature-extraction"})
    assert {entry.key: entry.value for entry in proto.metadata_props} == {"task": "feature-extraction"}
    assert proto.producer_name == "albert-export"
    assert proto.ir_version == 8  # the oldest that opset 18 allows


def test_equal_models_give_equal_bytes() -> None:
    first, second = (convert(model_for(AlbertModel)).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("opset", [0, 12, MAX_OPSET + 1, 99])
def test_an_opset_out_of_range_is_refused(opset: int) -> None:
    with pytest.raises(UsageError, match=f"opset {opset} .* from 13 to {MAX_OPSET}"):
        convert(model_for(AlbertModel), opset=opset)


class _Odd(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any, return_dict: bool) -> Any:
        del token_type_ids, return_dict
        return SimpleNamespace(logits=self.function(input_ids.float(), attention_mask))


def test_an_operator_without_a_lowering_is_named() -> None:
    with pytest.raises(OperatorError, match=r"aten\.cumsum"):
        to_onnx(_Odd(lambda x, _: torch.cumsum(x, 1)), TASKS["text-classification"], max_length=9)


def test_a_model_that_cannot_be_traced_is_a_conversion_error() -> None:
    def branch(x: Any, mask: Any) -> Any:
        return x if mask.sum() > 3 else -x

    with pytest.raises(ConversionError, match="could not trace _Odd"):
        to_onnx(_Odd(branch), TASKS["text-classification"], max_length=9)
