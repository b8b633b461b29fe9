"""The TensorFlow reference against the PyTorch reference: outputs, losses and gradients agree to 1e-5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import albert_export
from albert_export import AlbertConfig
from albert_runtime.errors import CheckpointError, UnsupportedError, UsageError

tf = pytest.importorskip("tensorflow")

TOLERANCE = 1e-5
BATCH, CHOICES, LENGTH = 3, 4, 12
SHAPE: dict[str, Any] = {
    "vocab_size": 90,
    "embedding_size": 16,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 24,
    "num_hidden_layers": 2,
    # larger than the default, so that mistakes become visible; with 0.3, both differ from a float64 model by 2e-5
    "initializer_range": 0.1,
    "classifier_dropout_prob": 0.0,
}
DEPTHS = {
    "one-group": {"num_hidden_layers": 3, "hidden_act": "gelu"},
    "two-groups": {"num_hidden_layers": 3, "num_hidden_groups": 2},
    "three-groups": {"num_hidden_layers": 4, "num_hidden_groups": 3, "hidden_act": "gelu"},
    "inner-groups": {"num_hidden_layers": 2, "inner_group_num": 2},
}
CLASSES = (
    "AlbertModel",
    "AlbertForPreTraining",
    "AlbertForMaskedLM",
    "AlbertForSequenceClassification",
    "AlbertForTokenClassification",
    "AlbertForMultipleChoice",
    "AlbertForQuestionAnswering",
)
Arrays = dict[str, Any]


def model_pair(name: str, folder: Path, **options: Any) -> tuple[Any, Any]:
    """A PyTorch model with random weights, and the TensorFlow model that reads them from its folder."""
    torch.manual_seed(7)
    torch_model = getattr(albert_export, name)(AlbertConfig(**{**SHAPE, **options})).eval()
    with torch.no_grad():
        for parameter in torch_model.parameters():  # including biases and LayerNorms
            parameter.add_(torch.randn_like(parameter) * 0.05)
    torch_model.save_pretrained(folder)
    return torch_model, getattr(albert_export, f"TF{name}").from_pretrained(folder)


def inputs_of(name: str, **extra: Any) -> Arrays:
    """Random ids with ragged padding and two token types."""
    random = np.random.default_rng(11)
    shape = (BATCH, CHOICES, LENGTH) if name == "AlbertForMultipleChoice" else (BATCH, LENGTH)
    mask = np.ones(shape, dtype=np.int64)
    mask[0, ..., 9:] = 0
    mask[1, ..., 2:] = 0
    ids = random.integers(0, SHAPE["vocab_size"], shape)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": random.integers(0, 2, shape), **extra}


def labels_of(name: str) -> Arrays:
    words = np.array([[5, -100, 7] + [-100] * (LENGTH - 3)] * BATCH)
    return {
        "AlbertModel": {},
        "AlbertForPreTraining": {"labels": words, "sentence_order_label": np.array([0, 1, 1])},
        "AlbertForMaskedLM": {"labels": words},
        "AlbertForSequenceClassification": {"labels": np.array([0, 1, 1])},
        "AlbertForTokenClassification": {"labels": words.clip(max=1)},
        "AlbertForMultipleChoice": {"labels": np.array([3, 0, 2])},
        # one position is outside of the text and must not count
        "AlbertForQuestionAnswering": {
            "start_positions": np.array([1, 4, 99]),
            "end_positions": np.array([2, 6, -1]),
        },
    }[name]


def in_torch(inputs: Arrays) -> Arrays:
    return {name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in inputs.items()}


def assert_close(tensorflow: Any, pytorch: Any, what: str) -> None:
    if isinstance(pytorch, tuple):
        assert len(tensorflow) == len(pytorch), what
        for index, (left, right) in enumerate(zip(tensorflow, pytorch, strict=True)):
            assert_close(left, right, f"{what}[{index}]")
        return
    left, right = np.asarray(tensorflow), pytorch.detach().numpy()
    assert left.shape == right.shape, what
    assert left.dtype == right.dtype == np.float32, what
    difference = np.abs(left - right).max()
    assert difference <= TOLERANCE, f"{what} differs by {difference}"


def assert_same_results(torch_model: Any, tf_model: Any, inputs: Arrays) -> None:
    expected, got = torch_model(**in_torch(inputs)), tf_model(**inputs)
    assert type(got) is type(expected)
    compared = [key for key, value in vars(expected).items() if value is not None]
    assert compared == [key for key, value in vars(got).items() if value is not None]
    for key in compared:
        assert_close(got[key], expected[key], key)


def target(name: str, result: Any, sum_of: Any, mean_of: Any) -> Any:
    """The value whose gradients are compared: the loss, or for the bare encoder a sum that depends on all outputs."""
    if name != "AlbertModel":
        return result.loss
    return sum_of(result.pooler_output) + mean_of(result.last_hidden_state**2)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", CLASSES)
def test_outputs_losses_and_gradients(name: str, depth: str, tmp_path: Path) -> None:
    torch_model, tf_model = model_pair(name, tmp_path, **DEPTHS[depth])
    inputs = inputs_of(name, **labels_of(name), output_attentions=True, output_hidden_states=True)

    expected = torch_model(**in_torch(inputs))
    with tf.GradientTape() as tape:
        got = tf_model(inputs, training=True)  # dropout is 0 here; the inputs are a mapping, as in `fit`
        loss = target(name, got, tf.reduce_sum, tf.reduce_mean)
    for key, value in vars(expected).items():
        if value is not None:
            assert_close(got[key], value, key)
    assert len(got.attentions) == len(expected.attentions)

    target(name, expected, torch.sum, torch.mean).backward()
    weights = tf_model.named_weights()
    gradients = tape.gradient(loss, {key: weight.value for key, weight in weights.items()})
    parameters = torch_model.named_weights()
    assert parameters.keys() == weights.keys()
    for key, parameter in parameters.items():
        assert (gradients[key] is None) == (parameter.grad is None), key
        if parameter.grad is not None:
            scale = max(1.0, parameter.grad.abs().max().item())  # relative for large gradients
            gradient = tf.convert_to_tensor(gradients[key])
            assert_close(gradient / scale, parameter.grad / scale, f"gradient of {key}")


def test_activations(tmp_path: Path) -> None:
    from albert_export.reference import tf_albert, torch_albert

    assert list(tf_albert.ACTIVATIONS) == list(torch_albert.ACTIVATIONS)
    for activation in torch_albert.ACTIVATIONS:
        torch_model, tf_model = model_pair("AlbertForMaskedLM", tmp_path / activation, hidden_act=activation)
        assert_same_results(torch_model, tf_model, inputs_of("AlbertForMaskedLM"))


@pytest.mark.parametrize("name", CLASSES)
def test_optional_inputs(name: str, tmp_path: Path) -> None:
    torch_model, tf_model = model_pair(name, tmp_path)
    random = np.random.default_rng(3)
    inputs = inputs_of(name)
    shape = inputs["input_ids"].shape
    heads_of_layers = random.random((SHAPE["num_hidden_layers"], SHAPE["num_attention_heads"]), dtype=np.float32)
    row = (1, *shape[1:]) if name != "AlbertForMultipleChoice" else shape
    embeds = random.standard_normal((*shape, SHAPE["embedding_size"])).astype(np.float32)
    without_ids = {key: value for key, value in inputs.items() if key != "input_ids"}
    for chosen in (
        {"input_ids": inputs["input_ids"]},
        {**inputs, "attention_mask": inputs["attention_mask"].astype(np.float32)},
        {**inputs, "position_ids": random.integers(0, SHAPE["max_position_embeddings"], shape)},
        {**inputs, "position_ids": random.integers(0, SHAPE["max_position_embeddings"], row)},
        {**inputs, "head_mask": np.array([1, 0, 1, 0.5], dtype=np.float32)},
        {**inputs, "head_mask": heads_of_layers},
        {"inputs_embeds": embeds},
        {**without_ids, "inputs_embeds": embeds},
    ):
        assert_same_results(torch_model, tf_model, chosen)


@pytest.mark.parametrize(
    ("num_labels", "problem_type", "labels"),
    [
        (1, None, np.array([0.5, -1.0, 2.0], dtype=np.float32)),
        (3, None, np.array([2, 0, 1])),
        (3, None, np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]], dtype=np.float32)),
        (3, "regression", np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3)),
        (3, "multi_label_classification", np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]], dtype=np.float32)),
    ],
)
def test_classification_losses(num_labels: int, problem_type: str | None, labels: NDArray[Any], tmp_path: Path) -> None:
    name = "AlbertForSequenceClassification"
    torch_model, tf_model = model_pair(name, tmp_path, num_labels=num_labels, problem_type=problem_type)
    assert_same_results(torch_model, tf_model, inputs_of(name, labels=labels))
    assert tf_model.config.problem_type == torch_model.config.problem_type


@pytest.mark.parametrize("name", CLASSES)
def test_tuple_output(name: str, tmp_path: Path) -> None:
    torch_model, tf_model = model_pair(name, tmp_path, output_hidden_states=True)
    inputs = inputs_of(name, **labels_of(name), return_dict=False)
    got = tf_model(**inputs)
    assert isinstance(got, tuple)
    assert_close(got, torch_model(**in_torch(inputs)), name)


@pytest.mark.parametrize("name", CLASSES)
def test_a_folder_saved_by_one_opens_in_the_other(name: str, tmp_path: Path) -> None:
    torch_model, tf_model = model_pair(name, tmp_path / "torch", num_hidden_groups=2, inner_group_num=2)
    tf_model.save_pretrained(tmp_path / "tf")
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "tf" / file).read_bytes() == (tmp_path / "torch" / file).read_bytes()
    back = type(torch_model).from_pretrained(tmp_path / "tf").named_weights()
    for key, parameter in torch_model.named_weights().items():
        assert torch.equal(back[key], parameter), key


def test_head_mask_of_inner_layers(tmp_path: Path) -> None:
    """As in Hugging Face, a group uses the masks of its first passes."""
    torch_model, tf_model = model_pair(
        "AlbertModel", tmp_path, num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2
    )
    head_mask = np.random.default_rng(5).random((4, SHAPE["num_attention_heads"]), dtype=np.float32)
    assert_same_results(torch_model, tf_model, inputs_of("AlbertModel", head_mask=head_mask, output_attentions=True))


def test_pooler_on_request(tmp_path: Path) -> None:
    config = AlbertConfig(**SHAPE)
    bare = albert_export.TFAlbertModel(config, add_pooling_layer=False)
    assert bare(inputs_of("AlbertModel")).pooler_output is None
    assert bare.named_weights().keys() == albert_export.AlbertModel(config, False).named_weights().keys()


@pytest.mark.parametrize("prefix", ["", "TF"])
def test_refusals_are_the_same(prefix: str, tmp_path: Path) -> None:
    def of(name: str) -> Any:
        return getattr(albert_export, prefix + name)

    of("AlbertForMaskedLM")(AlbertConfig(**SHAPE, num_hidden_groups=2, inner_group_num=2)).save_pretrained(tmp_path)
    model = of("AlbertForMaskedLM").from_pretrained(tmp_path)
    ids = torch.zeros(1, 4, dtype=torch.long) if prefix == "" else tf.zeros([1, 4], tf.int32)
    heads = torch.ones(4) if prefix == "" else tf.ones([4])
    with pytest.raises(UsageError, match="give either input_ids or inputs_embeds, and not both"):
        model(attention_mask=ids)
    with pytest.raises(UsageError, match="give either input_ids or inputs_embeds, and not both"):
        of("AlbertForMultipleChoice")(AlbertConfig(**SHAPE))(attention_mask=ids)
    with pytest.raises(UsageError, match="head_mask needs at least 2 passes in each group; this model has 1"):
        model(input_ids=ids, head_mask=heads)
    with pytest.raises(
        UnsupportedError,
        match="no head for question-answering; the heads that are there serve: feature-extraction, fill-",
    ):
        of("AlbertForQuestionAnswering").from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="hidden_act"):
        of("AlbertModel")(AlbertConfig(**SHAPE, hidden_act="gleu"))
    kept = of("AlbertForQuestionAnswering").from_pretrained(tmp_path, allow_random_head=True)
    assert "qa_outputs.weight" in kept.named_weights()
