"""Google's TF1 checkpoints: which one of a folder is read, and what is refused."""

from __future__ import annotations

import contextlib
import shutil
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_export.checkpoints import ReadOptions, read_checkpoint
from albert_export.checkpoints.checkpoint import choose_task, default_task
from albert_export.checkpoints.weight_names import ENCODER, HEADS
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, DependencyError, UnsupportedError, UsageError

pytest.importorskip("tensorflow")

from tests.google_checkpoint import random_variables, save_google


def test_the_table_of_weight_names_has_every_name_once():
    rows = [*ENCODER, *(row for head in HEADS.values() for row in head)]
    assert len({row.hugging_face for row in rows}) == len(rows) == len({row.google for row in rows})


def test_equal_sizes_give_an_identity_mapping(tmp_path):
    """Google's encoder has no mapping of embeddings if embedding_size equals hidden_size."""
    variables = random_variables("squad", embedding_size=32)
    assert "bert/encoder/embedding_hidden_mapping_in/kernel" not in variables
    save_google(tmp_path, variables, embedding_size=32)
    weights = read_checkpoint(tmp_path).weights
    np.testing.assert_array_equal(weights["albert.encoder.embedding_hidden_mapping_in.weight"], np.eye(32))
    np.testing.assert_array_equal(weights["albert.encoder.embedding_hidden_mapping_in.bias"], np.zeros(32))


def test_vocabulary_and_unknown_fields(tmp_path):
    save_google(tmp_path, random_variables())
    (tmp_path / "30k-clean.model").write_bytes(b"pieces")
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.vocab_file == tmp_path / "30k-clean.model"
    assert checkpoint.config.extra["net_structure_type"] == 0
    assert AlbertConfig.from_dict(checkpoint.config.to_dict()) == checkpoint.config


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["model.ckpt-9", "model.ckpt-1000"], "model.ckpt-1000"),
        (["model.ckpt-1000", "model.ckpt-best"], "model.ckpt-best"),
        (["model.ckpt", "model.ckpt-0"], "model.ckpt-0"),
        (["albert_model.ckpt-20", "albert_model.ckpt-3"], "albert_model.ckpt-20"),
        (["model.ckpt-30000"], "model.ckpt-30000"),
    ],
)
def test_which_of_several_checkpoints_is_read(tmp_path, names, read):
    for name in names:
        variables = random_variables("none")
        variables["bert/pooler/dense/bias"][:] = name == read
        save_google(tmp_path, variables, name, slots=False)
    assert read_checkpoint(tmp_path).weights["albert.pooler.bias"].all()


def test_missing_and_left_over_variables_are_reported_together(tmp_path):
    variables = random_variables(num_hidden_groups=2)
    del variables["bert/embeddings/LayerNorm/beta"]
    del variables["cls/predictions/output_bias"]
    save_google(tmp_path, variables)  # the configuration says one group
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path)
    message = str(caught.value)
    assert "missing: bert/embeddings/LayerNorm/beta" in message
    assert "missing: cls/predictions/output_bias" in message
    assert message.count("left over: bert/encoder/transformer/group_1/inner_group_0/") == 16
    assert message.count("\n") == 18
    assert "adam" not in message


def test_other_peoples_variables_are_named(tmp_path):
    variables = random_variables("classifier") | {"crf/transitions": np.ones((3, 3), np.float32)}
    save_google(tmp_path, variables)
    with pytest.raises(CheckpointError, match=r"- crf/transitions \[3, 3\]"):
        read_checkpoint(tmp_path)
    checkpoint = read_checkpoint(tmp_path, ReadOptions(ignore=("crf/*",)))
    assert checkpoint.tasks == ("feature-extraction", "text-classification")
    assert checkpoint.account.ignored == ("crf/transitions",)
    assert len(checkpoint.account.unneeded) == 2 * len(variables) + 1


def test_a_head_under_another_name(tmp_path):
    variables = random_variables("squad")
    renamed = {name.replace("cls/squad/", "my/head/"): array for name, array in variables.items()}
    save_google(tmp_path / "other", renamed)
    save_google(tmp_path / "usual", variables)
    found = read_checkpoint(tmp_path / "other", ReadOptions.from_texts(["my/head=cls/squad"]))
    usual = read_checkpoint(tmp_path / "usual")
    assert found.tasks == usual.tasks == ("feature-extraction", "question-answering")
    np.testing.assert_array_equal(found.weights["qa_outputs.weight"], usual.weights["qa_outputs.weight"])


def test_another_scope(tmp_path):
    """Estimators of others put everything below a scope of their own."""
    save_google(tmp_path, {f"tower_0/{name}": array for name, array in random_variables("squad").items()})
    assert read_checkpoint(tmp_path).tasks == ("feature-extraction", "question-answering")


@pytest.mark.parametrize(("head", "rows"), [("classifier", 3), ("race", 1)])
def test_the_heads_of_run_classifier_and_run_race(tmp_path, head, rows):
    variables = random_variables(head)
    save_google(tmp_path, variables)
    checkpoint = read_checkpoint(tmp_path)
    np.testing.assert_array_equal(checkpoint.weights["classifier.weight"], variables["output_weights"])
    np.testing.assert_array_equal(checkpoint.weights["classifier.bias"], variables["output_bias"])
    assert checkpoint.config.num_labels == rows
    if head == "race":
        assert choose_task(checkpoint, "mc").name == "multiple-choice"
        with pytest.raises(UsageError, match="--task multiple-choice"):
            default_task(checkpoint)
    else:
        assert default_task(checkpoint).name == "text-classification"


def test_the_squad_v2_head_is_refused_only_if_it_is_asked_for(tmp_path):
    save_google(tmp_path, random_variables("squad v2"))
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.tasks == ("feature-extraction",)
    shapes = {name: array.shape for name, array in checkpoint.weights.items()}
    assert checkpoint.weights_for("feature-extraction", shapes).keys() == shapes.keys()
    with pytest.raises(UnsupportedError, match="Google's SQuAD 2 head") as caught:
        checkpoint.weights_for("qa", {**shapes, "qa_outputs.weight": (2, 32), "qa_outputs.bias": (2,)})
    assert caught.value.exit_code == 3


def test_wrong_size(tmp_path):
    save_google(tmp_path, random_variables(vocab_size=51))
    with pytest.raises(CheckpointError, match="vocab_size is 50"):
        read_checkpoint(tmp_path)


def test_not_finite(tmp_path):
    variables = random_variables()
    variables["bert/pooler/dense/bias"][3] = np.nan
    save_google(tmp_path, variables)
    with pytest.raises(CheckpointError, match="bert/pooler/dense/bias has values that are not finite"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("damage", ["no data", "short data", "short index", "empty index"])
def test_damaged_files(tmp_path, damage):
    save_google(tmp_path, random_variables())
    data, index = tmp_path / "model.ckpt-best.data-00000-of-00001", tmp_path / "model.ckpt-best.index"
    if damage == "no data":
        data.unlink()
    elif damage == "short data":
        data.write_bytes(data.read_bytes()[:5000])
    elif damage == "short index":
        index.write_bytes(index.read_bytes()[:500])
    else:
        index.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"model\.ckpt-best is damaged or incomplete|\.index is empty"):
        read_checkpoint(tmp_path)


def test_flipped_bytes(tmp_path):
    save_google(tmp_path, random_variables(), slots=False)
    data = tmp_path / "model.ckpt-best.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 0xFF
    data.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_bytes_of_the_index_may_be_wrong(tmp_path, data):
    index = tmp_path / "model.ckpt-best.index"
    if not index.exists():
        save_google(tmp_path, random_variables("squad"))
        shutil.copy(index, tmp_path / "whole")
    content = bytearray((tmp_path / "whole").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    index.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(CheckpointError):
        assert read_checkpoint(tmp_path).weights


def test_without_configuration(tmp_path):
    save_google(tmp_path, random_variables())
    (tmp_path / "albert_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds model\.ckpt-best\.index, but no config\.json"):
        read_checkpoint(tmp_path)


def test_without_tensorflow(tmp_path, monkeypatch):
    save_google(tmp_path, random_variables())
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(DependencyError, match=r"pip install 'albert-export\[tf\]'") as caught:
        read_checkpoint(tmp_path)
    assert caught.value.exit_code == 4
