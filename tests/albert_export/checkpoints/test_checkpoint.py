"""Hugging Face checkpoints: read as transformers saves them, written as transformers reads them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import load_file
from safetensors.torch import save_file

from albert_export.checkpoints import read_checkpoint, write_checkpoint
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, UnsupportedError, UsageError
from albert_runtime.tasks import TASKS

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
    "AlbertForMaskedLM": ("fill-mask",),
    "AlbertForSequenceClassification": ("feature-extraction", "text-classification"),
    "AlbertForTokenClassification": ("token-classification",),
    "AlbertForMultipleChoice": ("feature-extraction", "multiple-choice"),
    "AlbertForQuestionAnswering": ("question-answering",),
}


def hugging_face_model(architecture: str = "AlbertForSequenceClassification", **settings):
    """A tiny model of transformers whose every weight is random (its own biases and norms start as constants)."""
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
    """Passes the weights of `folder` through `change` and saves what it returns."""
    tensors = {name: torch.from_numpy(array) for name, array in load_file(folder / "model.safetensors").items()}
    save_file(change(tensors), folder / "model.safetensors", metadata={"format": "pt"})


def set_config(folder: Path, **fields) -> None:
    """Sets fields of the folder's config.json; None removes one."""
    config = json.loads((folder / "config.json").read_text()) | fields
    (folder / "config.json").write_text(
        json.dumps({name: value for name, value in config.items() if value is not None})
    )


@pytest.mark.parametrize("architecture", SERVED)
@pytest.mark.parametrize("kind", ["safetensors", "safetensors shards", "bin", "bin shards"])
def test_reads_what_transformers_saves(tmp_path, architecture, kind):
    model = hugging_face_model(architecture)
    shard = {"max_shard_size": "8KB"} if "shards" in kind else {}
    model.save_pretrained(tmp_path, safe_serialization="safetensors" in kind, **shard)
    assert len(list(tmp_path.glob("*.index.json"))) == ("shards" in kind)

    checkpoint = read_checkpoint(tmp_path)
    assert_same(checkpoint.weights, full_weights(model))
    assert checkpoint.tasks == SERVED[architecture]
    assert checkpoint.config == AlbertConfig.from_folder(tmp_path)
    assert checkpoint.folder == tmp_path
    assert checkpoint.vocab_file is None


@pytest.mark.parametrize("architecture", SERVED)
def test_transformers_opens_what_is_written(tmp_path, architecture):
    model = hugging_face_model(architecture)
    model.save_pretrained(tmp_path / "theirs")
    checkpoint = read_checkpoint(tmp_path / "theirs")
    write_checkpoint(tmp_path / "ours", checkpoint.config, checkpoint.weights)

    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["config.json", "model.safetensors"]
    assert set(load_file(tmp_path / "ours" / "model.safetensors")) == set(
        load_file(tmp_path / "theirs" / "model.safetensors")
    )
    again, loading = type(model).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(loading.values()), loading
    ids = torch.randint(5, 50, (2, 3, 7) if "Choice" in architecture else (2, 7))
    with torch.no_grad():
        for ours, theirs in zip(again.eval()(ids).to_tuple(), model(ids).to_tuple(), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("architecture", SERVED)
def test_weights_for_every_task_of_a_checkpoint(tmp_path, architecture):
    model = hugging_face_model(architecture)
    model.save_pretrained(tmp_path)
    expected = full_weights(model)
    task = next(task for task in TASKS.values() if task.architecture == architecture)
    for name in (task.name, *task.aliases):
        assert_same(read_checkpoint(tmp_path).weights_for(name, shapes_of(expected)), expected)


@pytest.mark.parametrize(("groups", "inner"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_groups_and_inner_layers(tmp_path, groups, inner):
    model = hugging_face_model(num_hidden_layers=6, num_hidden_groups=groups, inner_group_num=inner)
    model.save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    assert_same(checkpoint.weights, full_weights(model))
    assert sum(name.endswith("attention.query.weight") for name in checkpoint.weights) == groups * inner


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("safe", [True, False])
def test_other_precisions_become_float32(tmp_path, dtype, safe):
    model = hugging_face_model().to(dtype)
    model.save_pretrained(tmp_path, safe_serialization=safe)
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model.to(torch.float32)))


def test_the_first_form_of_pytorch_files(tmp_path):
    """The published checkpoints are older than PyTorch's zip files."""
    model = hugging_face_model("AlbertForMaskedLM")
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert "predictions.decoder.weight" in model.state_dict()
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))


def test_written_precision_is_told_by_the_config(tmp_path):
    hugging_face_model().to(torch.float16).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    checkpoint = read_checkpoint(tmp_path)
    write_checkpoint(tmp_path, checkpoint.config, checkpoint.weights)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float32"
    assert {array.dtype for array in load_file(tmp_path / "model.safetensors").values()} == {np.dtype(np.float32)}


def test_float16_is_written_as_it_is(tmp_path):
    weights = {name: array.astype(np.float16) for name, array in full_weights(hugging_face_model()).items()}
    write_checkpoint(tmp_path, AlbertConfig(**TINY), weights)
    assert {array.dtype for array in load_file(tmp_path / "model.safetensors").values()} == {np.dtype(np.float16)}


def test_old_names(tmp_path):
    """Bare names, gamma and beta, and the position_ids buffer, as the first releases of transformers wrote them."""
    model = hugging_face_model("AlbertModel")
    model.save_pretrained(tmp_path)

    def age(tensors):
        old = {}
        for name, tensor in tensors.items():
            if "LayerNorm" in name or "layer_norm" in name:
                name = name.replace(".weight", ".gamma").replace(".bias", ".beta")
            old[name] = tensor
        return old | {"embeddings.position_ids": torch.arange(24)[None]}

    rewrite(tmp_path, age)
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))


def test_prefixed_encoder_without_head(tmp_path):
    """An AlbertModel whose file has the `albert.` of the full models."""
    model = hugging_face_model("AlbertModel")
    model.save_pretrained(tmp_path)
    rewrite(tmp_path, lambda tensors: {f"albert.{name}": tensor for name, tensor in tensors.items()})
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))


def test_a_decoder_that_repeats_the_embedding_is_dropped(tmp_path, caplog):
    model = hugging_face_model("AlbertForMaskedLM")
    model.save_pretrained(tmp_path)
    embedding = "albert.embeddings.word_embeddings.weight"
    rewrite(
        tmp_path,
        lambda tensors: (
            tensors
            | {
                "predictions.decoder.weight": tensors[embedding].clone(),
                "predictions.decoder.bias": tensors["predictions.bias"].clone(),
            }
        ),
    )
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))
    assert not caplog.records


def test_a_decoder_that_differs_is_settled_as_in_transformers(tmp_path, caplog):
    hugging_face_model("AlbertForMaskedLM").save_pretrained(tmp_path)
    rewrite(
        tmp_path,
        lambda tensors: (
            tensors
            | {"predictions.decoder.weight": torch.ones(50, 16), "predictions.decoder.bias": torch.full((50,), 5.0)}
        ),
    )
    theirs = transformers.AlbertForMaskedLM.from_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING, logger="albert_export"):
        weights = read_checkpoint(tmp_path).weights
    assert torch.equal(theirs.predictions.decoder.bias, torch.from_numpy(weights["predictions.bias"]))
    assert torch.equal(
        theirs.predictions.decoder.weight, torch.from_numpy(weights["albert.embeddings.word_embeddings.weight"])
    )
    assert "predictions.decoder.weight" not in weights
    assert len(caplog.records) == 2


def test_an_untied_decoder_is_refused_only_where_it_is_needed(tmp_path):
    model = hugging_face_model("AlbertForPreTraining")
    model.save_pretrained(tmp_path)
    set_config(tmp_path, tie_word_embeddings=False)
    rewrite(tmp_path, lambda tensors: tensors | {"predictions.decoder.weight": torch.ones(50, 16)})
    checkpoint = read_checkpoint(tmp_path)
    shapes = shapes_of(full_weights(model))
    with pytest.raises(CheckpointError, match=r"left over: predictions.decoder.weight.*tie_word_embeddings is false"):
        checkpoint.weights_for("pretraining", shapes)
    bare = {name: shape for name, shape in shapes.items() if name.startswith("albert.")}
    assert set(checkpoint.weights_for("feature-extraction", bare)) == set(bare)


@pytest.mark.parametrize(
    ("architecture", "settings", "tasks"),
    [
        ("AlbertForTokenClassification", {"num_labels": 3}, ("token-classification",)),
        ("AlbertForSequenceClassification", {"num_labels": 3}, ("feature-extraction", "text-classification")),
        ("AlbertForMultipleChoice", {}, ("feature-extraction", "text-classification", "multiple-choice")),
    ],
)
def test_a_classifier_without_architectures(tmp_path, architecture, settings, tasks):
    hugging_face_model(architecture, **settings).save_pretrained(tmp_path)
    set_config(tmp_path, architectures=None)
    assert read_checkpoint(tmp_path).tasks == tasks


def test_labels_come_from_the_classifier_where_the_configuration_names_none(tmp_path):
    hugging_face_model(num_labels=5).save_pretrained(tmp_path)
    set_config(tmp_path, id2label=None, label2id=None)
    config = read_checkpoint(tmp_path).config
    assert list(config.id2label.values()) == [f"LABEL_{i}" for i in range(5)]


def test_labels_that_contradict_the_classifier(tmp_path):
    hugging_face_model(num_labels=5).save_pretrained(tmp_path)
    set_config(tmp_path, id2label={"0": "no", "1": "yes"}, label2id={"no": 0, "yes": 1})
    with pytest.raises(CheckpointError, match=r"2 labels \(no, yes\), but classifier.weight has 5 rows"):
        read_checkpoint(tmp_path)


def test_multiple_choice_has_one_row_whatever_the_labels(tmp_path):
    hugging_face_model("AlbertForMultipleChoice", num_labels=4).save_pretrained(tmp_path)
    assert read_checkpoint(tmp_path).config.num_labels == 4


def test_a_head_that_is_not_there_is_refused(tmp_path):
    hugging_face_model("AlbertForPreTraining").save_pretrained(tmp_path)
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForQuestionAnswering")))
    with pytest.raises(UnsupportedError) as caught:
        read_checkpoint(tmp_path).weights_for("qa", shapes)
    assert caught.value.exit_code == 3
    for said in ("question-answering", "feature-extraction, pretraining, fill-mask", "sensitivity take --allow-random"):
        assert said in str(caught.value)


def test_a_random_head_on_request(tmp_path, caplog):
    hugging_face_model("AlbertForPreTraining").save_pretrained(tmp_path)
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForQuestionAnswering")))
    with caplog.at_level(logging.WARNING, logger="albert_export"):
        weights = read_checkpoint(tmp_path).weights_for("qa", shapes, allow_random_head=True)
    assert set(shapes) - set(weights) == {"qa_outputs.weight", "qa_outputs.bias"}
    assert "qa_outputs.weight, qa_outputs.bias keep random" in caplog.text


def test_a_random_pooler_on_request(tmp_path):
    hugging_face_model("AlbertForMaskedLM").save_pretrained(tmp_path)
    shapes = shapes_of(full_weights(hugging_face_model("AlbertModel")))
    checkpoint = read_checkpoint(tmp_path)
    with pytest.raises(UnsupportedError, match="no head for feature-extraction"):
        checkpoint.weights_for("feature-extraction", shapes)
    weights = checkpoint.weights_for("feature-extraction", shapes, allow_random_head=True)
    assert set(shapes) - set(weights) == {"albert.pooler.weight", "albert.pooler.bias"}


def test_another_tasks_classifier_is_not_taken_for_a_random_head(tmp_path):
    hugging_face_model("AlbertForSequenceClassification").save_pretrained(tmp_path)
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForTokenClassification")))
    weights = read_checkpoint(tmp_path).weights_for("ner", shapes, allow_random_head=True)
    assert not any(name.startswith("classifier.") for name in weights)


def test_missing_left_over_and_misshapen_weights_are_reported_together(tmp_path):
    hugging_face_model("AlbertForQuestionAnswering", num_hidden_groups=2).save_pretrained(tmp_path)
    set_config(tmp_path, num_hidden_groups=1)
    rewrite(
        tmp_path,
        lambda tensors: {
            name: torch.zeros(3) if name == "qa_outputs.bias" else tensor
            for name, tensor in tensors.items()
            if name != "albert.embeddings.LayerNorm.bias"
        },
    )
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForQuestionAnswering")))
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path).weights_for("qa", shapes, allow_random_head=True)
    message = str(caught.value)
    assert "missing: albert.embeddings.LayerNorm.bias [16]" in message
    assert "another shape: qa_outputs.bias is [3], and must be [2]" in message
    assert message.count("left over: albert.encoder.albert_layer_groups.1.") == 16
    assert message.count("\n") == 18


@pytest.mark.parametrize("name", ["spiece.model", "30k-clean.model", "mine.model"])
def test_the_vocabulary_is_found(tmp_path, name):
    hugging_face_model().save_pretrained(tmp_path)
    (tmp_path / name).write_bytes(b"pieces")
    assert read_checkpoint(tmp_path).vocab_file == tmp_path / name


def test_the_usual_vocabulary_comes_first_and_a_guess_is_not_made(tmp_path):
    hugging_face_model().save_pretrained(tmp_path)
    for name in ("a.model", "b.model"):
        (tmp_path / name).write_bytes(b"pieces")
    assert read_checkpoint(tmp_path).vocab_file is None
    (tmp_path / "spiece.model").write_bytes(b"pieces")
    assert read_checkpoint(tmp_path).vocab_file == tmp_path / "spiece.model"


def test_writing_copies_the_tokenizer(tmp_path):
    (tmp_path / "30k-clean.model").write_bytes(b"pieces")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    write_checkpoint(
        tmp_path / "out",
        AlbertConfig(**TINY),
        full_weights(hugging_face_model()),
        vocab_file=tmp_path / "30k-clean.model",
        tokenizer_files=[tmp_path / "tokenizer_config.json"],
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "config.json",
        "model.safetensors",
        "spiece.model",
        "tokenizer_config.json",
    ]
    assert (tmp_path / "out" / "spiece.model").read_bytes() == b"pieces"


def test_writing_a_missing_vocabulary_writes_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"none\.model is not a file"):
        write_checkpoint(
            tmp_path / "out",
            AlbertConfig(**TINY),
            full_weights(hugging_face_model()),
            vocab_file=tmp_path / "none.model",
        )
    assert not (tmp_path / "out").exists()


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    hugging_face_model().save_pretrained(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full_disk(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(UsageError, match="No space left on device"):
        write_checkpoint(tmp_path, AlbertConfig(**TINY), full_weights(hugging_face_model()))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
