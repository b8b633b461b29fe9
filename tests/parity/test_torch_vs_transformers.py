"""The PyTorch reference against transformers 4.57: outputs and losses agree to 1e-5, gradients to 2e-5."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

import albert_export

TOLERANCE = 1e-5
#: Gradients sum over a batch in an order that depends on the processor; with AVX-512 one differs by 1.0014e-5.
GRADIENT_TOLERANCE = 2e-5
BATCH, CHOICES, LENGTH = 3, 4, 12
SHAPE = {
    "vocab_size": 90,
    "embedding_size": 16,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 24,
    # larger than the default, so that mistakes become visible
    "initializer_range": 0.3,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "classifier_dropout_prob": 0.0,
    "num_labels": 2,
}
DEPTHS = {
    "one-group": {"num_hidden_layers": 3, "num_hidden_groups": 1, "inner_group_num": 1},
    "two-groups": {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 1},
    "three-groups": {"num_hidden_layers": 4, "num_hidden_groups": 3, "inner_group_num": 1},
    "inner-groups": {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2},
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


def model_pair(name: str, tmp_path: Any, **options: Any) -> tuple[Any, Any]:
    """Hugging Face's model with random weights, and our model that reads them from its folder."""
    torch.manual_seed(7)
    config = transformers.AlbertConfig(**{**SHAPE, **DEPTHS["one-group"], **options}, attn_implementation="eager")
    theirs = getattr(transformers, name)(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():  # including biases and LayerNorms
            parameter.add_(torch.randn_like(parameter) * 0.1)
    theirs.save_pretrained(tmp_path)
    return theirs, getattr(albert_export, name).from_pretrained(tmp_path)


def inputs_of(name: str, **extra: Any) -> dict[str, Any]:
    """Random ids with ragged padding and two token types."""
    generator = torch.Generator().manual_seed(11)
    shape = (BATCH, CHOICES, LENGTH) if name == "AlbertForMultipleChoice" else (BATCH, LENGTH)
    mask = torch.ones(shape, dtype=torch.long)
    mask[0, ..., 9:] = 0
    mask[1, ..., 2:] = 0
    return {
        "input_ids": torch.randint(0, SHAPE["vocab_size"], shape, generator=generator),
        "attention_mask": mask,
        "token_type_ids": torch.randint(0, 2, shape, generator=generator),
        **extra,
    }


def labels_of(name: str) -> dict[str, torch.Tensor]:
    words = torch.tensor([[5, -100, 7] + [-100] * (LENGTH - 3)] * BATCH)
    return {
        "AlbertModel": {},
        "AlbertForPreTraining": {"labels": words, "sentence_order_label": torch.tensor([0, 1, 1])},
        "AlbertForMaskedLM": {"labels": words},
        "AlbertForSequenceClassification": {"labels": torch.tensor([0, 1, 1])},
        "AlbertForTokenClassification": {"labels": words.clamp(max=1)},
        "AlbertForMultipleChoice": {"labels": torch.tensor([3, 0, 2])},
        # one position is outside of the text and must not count
        "AlbertForQuestionAnswering": {
            "start_positions": torch.tensor([1, 4, 99]),
            "end_positions": torch.tensor([2, 6, 99]),
        },
    }[name]


def assert_close(ours: Any, theirs: Any, what: str, tolerance: float = TOLERANCE) -> None:
    if isinstance(theirs, tuple):
        assert len(ours) == len(theirs), what
        for index, (left, right) in enumerate(zip(ours, theirs, strict=True)):
            assert_close(left, right, f"{what}[{index}]", tolerance)
        return
    assert ours.shape == theirs.shape, what
    difference = (ours - theirs).abs().max().item()
    assert difference <= tolerance, f"{what} differs by {difference}"


def assert_same_results(ours: Any, theirs: Any, inputs: dict[str, Any]) -> None:
    expected, got = theirs(**inputs), ours(**inputs)
    compared = [key for key in expected if expected[key] is not None]
    assert compared
    for key in compared:
        assert_close(got[key], expected[key], key)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
@pytest.mark.parametrize("name", CLASSES)
def test_outputs_losses_and_gradients(name: str, activation: str, depth: str, tmp_path: Any) -> None:
    theirs, ours = model_pair(name, tmp_path, hidden_act=activation, **DEPTHS[depth])
    inputs = inputs_of(name, **labels_of(name), output_attentions=True, output_hidden_states=True)
    assert_same_results(ours, theirs, inputs)

    for model in (theirs, ours):
        result = model(**inputs)
        loss = result.loss if name != "AlbertModel" else result.pooler_output.sum() + result[0].square().mean()
        loss.backward()
    gradients = {key: value.grad for key, value in theirs.named_parameters() if value.grad is not None}
    assert gradients
    for key, parameter in ours.named_parameters():
        if key in gradients:
            scale = max(1.0, gradients[key].abs().max().item())  # relative for large gradients
            assert_close(parameter.grad / scale, gradients[key] / scale, f"gradient of {key}", GRADIENT_TOLERANCE)
    # Our tied decoder has no weight of its own, and its bias is predictions.bias.
    names = {key for key, _ in ours.named_parameters()}
    assert set(gradients) - names <= {"predictions.decoder.bias", "predictions.decoder.weight"}


@pytest.mark.parametrize("activation", ["relu", "silu", "swish", "tanh", "gelu_pytorch_tanh"])
def test_other_activations(activation: str, tmp_path: Any) -> None:
    theirs, ours = model_pair("AlbertForMaskedLM", tmp_path, hidden_act=activation)
    assert_same_results(ours, theirs, inputs_of("AlbertForMaskedLM"))


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("optional", ["bare", "position_ids", "head_mask", "head_mask_of_layers", "inputs_embeds"])
def test_optional_inputs(name: str, optional: str, tmp_path: Any) -> None:
    theirs, ours = model_pair(name, tmp_path, **DEPTHS["inner-groups"])
    inputs = inputs_of(name)
    shape = inputs["input_ids"].shape
    generator = torch.Generator().manual_seed(3)
    if optional == "bare":
        inputs = {"input_ids": inputs["input_ids"]}
    elif optional == "position_ids":
        inputs["position_ids"] = torch.randint(0, SHAPE["max_position_embeddings"], shape, generator=generator)
    elif optional == "head_mask":
        inputs["head_mask"] = torch.tensor([1.0, 0.0, 1.0, 0.5])
    elif optional == "head_mask_of_layers":
        inputs["head_mask"] = torch.rand(4, 4, generator=generator)
    else:
        del inputs["input_ids"]
        inputs["inputs_embeds"] = torch.randn(*shape, SHAPE["embedding_size"], generator=generator)
    assert_same_results(ours, theirs, inputs)


@pytest.mark.parametrize(
    ("num_labels", "problem_type", "labels"),
    [
        (1, None, torch.tensor([0.5, -1.0, 2.0])),
        (3, None, torch.tensor([2, 0, 1])),
        (3, None, torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]])),
        (3, "regression", torch.randn(3, 3, generator=torch.Generator().manual_seed(5))),
        (3, "multi_label_classification", torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]])),
    ],
)
def test_classification_losses(num_labels: int, problem_type: str | None, labels: torch.Tensor, tmp_path: Any) -> None:
    name = "AlbertForSequenceClassification"
    theirs, ours = model_pair(name, tmp_path, num_labels=num_labels, problem_type=problem_type)
    assert_same_results(ours, theirs, inputs_of(name, labels=labels))
    assert ours.config.problem_type == theirs.config.problem_type


@pytest.mark.parametrize("name", CLASSES)
def test_tuple_output(name: str, tmp_path: Any) -> None:
    theirs, ours = model_pair(name, tmp_path)
    inputs = inputs_of(name, **labels_of(name), return_dict=False)
    expected, got = theirs(**inputs), ours(**inputs)
    assert isinstance(got, tuple)
    assert_close(got, expected, name)


@pytest.mark.parametrize("name", CLASSES)
def test_what_we_save_opens_in_transformers(name: str, tmp_path: Any) -> None:
    _, ours = model_pair(name, tmp_path / "first", **DEPTHS["three-groups"])
    ours.save_pretrained(tmp_path / "second")
    theirs, report = getattr(transformers, name).from_pretrained(
        tmp_path / "second", attn_implementation="eager", output_loading_info=True
    )
    assert report["missing_keys"] == []
    assert report["unexpected_keys"] == []
    assert_same_results(ours, theirs.eval(), inputs_of(name))


def test_default_attention_of_transformers_agrees_too(tmp_path: Any) -> None:
    _, ours = model_pair("AlbertForQuestionAnswering", tmp_path)
    sdpa = transformers.AlbertForQuestionAnswering.from_pretrained(tmp_path, attn_implementation="sdpa").eval()
    assert_same_results(ours, sdpa, inputs_of("AlbertForQuestionAnswering"))
