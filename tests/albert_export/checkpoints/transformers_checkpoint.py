"""Tiny checkpoints that transformers saves, and helpers that read, change and compare them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file
from safetensors.torch import save_file

TINY = {
    "vocab_size": 50,
    "embedding_size": 16,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "max_position_embeddings": 24,
}
#: the tasks that each class's checkpoint serves
SERVED = {
    "AlbertModel": ("feature-extraction",),
    "AlbertForPreTraining": ("feature-extraction", "pretraining", "fill-mask"),
    "AlbertForMaskedLM": ("feature-extraction", "fill-mask"),
    "AlbertForSequenceClassification": ("feature-extraction", "text-classification"),
    "AlbertForTokenClassification": ("feature-extraction", "token-classification"),
    "AlbertForMultipleChoice": ("feature-extraction", "multiple-choice"),
    "AlbertForQuestionAnswering": ("feature-extraction", "question-answering"),
}


def hugging_face_model(architecture: str = "AlbertForSequenceClassification", **settings):
    """A tiny model of transformers with random weights; by default, its biases and norms would be constants."""
    torch.manual_seed(0)
    model = getattr(transformers, architecture)(transformers.AlbertConfig(**{**TINY, **settings})).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def full_weights(model) -> dict[str, np.ndarray]:
    """The model's parameters by their full names, without the tied decoder."""
    prefix = "albert." if type(model).__name__ == "AlbertModel" else ""
    return {prefix + name: parameter.detach().numpy() for name, parameter in model.named_parameters()} | (
        {"predictions.bias": model.predictions.bias.detach().numpy()} if hasattr(model, "predictions") else {}
    )


def shapes_of(weights) -> dict[str, tuple[int, ...]]:
    return {name: tuple(array.shape) for name, array in weights.items()}


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def rewrite(folder: Path, change) -> None:
    """Replaces the weights of `folder` by the result of `change`."""
    tensors = {name: torch.from_numpy(array) for name, array in load_file(folder / "model.safetensors").items()}
    save_file(change(tensors), folder / "model.safetensors", metadata={"format": "pt"})


def set_config(folder: Path, **fields) -> None:
    """Sets fields of the folder's config.json; None removes one."""
    config = json.loads((folder / "config.json").read_text()) | fields
    (folder / "config.json").write_text(
        json.dumps({name: value for name, value in config.items() if value is not None})
    )
