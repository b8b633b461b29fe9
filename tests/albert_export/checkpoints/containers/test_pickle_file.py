"""Files that PyTorch saved: weights inside of trainers' dictionaries are found by their names, and no code is run."""

from __future__ import annotations

import argparse
import contextlib
import re

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_export.checkpoints import ReadOptions, read_checkpoint
from albert_export.checkpoints.containers import NOT_READ
from albert_export.checkpoints.containers.pickle_file import read_pickle
from albert_runtime.errors import CheckpointError
from tests.albert_export.checkpoints.transformers_checkpoint import assert_same, full_weights, hugging_face_model


@pytest.fixture
def saved(tmp_path):
    """A folder with config.json alone, and the model whose weights a test saves there."""
    model = hugging_face_model("AlbertForSequenceClassification", num_labels=3)
    model.config.architectures = ["AlbertForSequenceClassification"]
    model.config.save_pretrained(tmp_path)
    return tmp_path, model


def optimizer_of(model) -> dict[str, object]:
    optimizer = torch.optim.AdamW(model.parameters())
    sum(parameter.sum() for parameter in model.parameters()).backward()
    optimizer.step()
    return optimizer.state_dict()


LAYOUTS = {
    "plain": lambda state, model: state,
    "state_dict": lambda state, model: {"state_dict": state},
    "net": lambda state, model: {"net": state, "acc": 91.2, "epoch": 3},
    "model": lambda state, model: {"model": state, "optimizer": optimizer_of(model), "step": 7},
    "Lightning": lambda state, model: {
        "epoch": 1,
        "global_step": 100,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {f"model.{name}": tensor for name, tensor in state.items()},
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 2}}}},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.9)}},
        "optimizer_states": [optimizer_of(model)],
        "lr_schedulers": [{"base_lrs": [2e-5]}],
        "hyper_parameters": {"lr": 2e-5},
    },
    "two levels": lambda state, model: {"checkpoint": {"weights": state}},
    "encoder and head apart": lambda state, model: {
        "encoder": {name.removeprefix("albert."): one for name, one in state.items() if name.startswith("albert.")},
        "classifier": {name.removeprefix("classifier."): one for name, one in state.items() if "classifier" in name},
    },
}


NAMES = ("pytorch_model.bin", "best.pt", "model.pth", "epoch=3-step=100.ckpt", "ckpt.t7")


@pytest.mark.parametrize(("layout", "name"), [*((one, NAMES[0]) for one in LAYOUTS), *(("net", one) for one in NAMES)])
def test_weights_in_dictionaries_of_trainers(saved, layout, name):
    folder, model = saved
    expected = {key: array.copy() for key, array in full_weights(model).items()}
    state = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    torch.save(LAYOUTS[layout](state, model), folder / name)
    checkpoint = read_checkpoint(folder)
    assert_same(checkpoint.weights, expected)
    assert checkpoint.tasks == ("feature-extraction", "text-classification")
    assert checkpoint.account.file == name


def test_what_trainers_save_is_accounted_for(saved):
    folder, model = saved
    torch.save(LAYOUTS["Lightning"](model.state_dict(), model), folder / "last.ckpt")
    unneeded = read_checkpoint(folder).account.unneeded
    assert {"epoch", "optimizer_states", "callbacks", "loops", "hyper_parameters"} <= unneeded.keys()


def test_an_averaged_model_beside_the_model_is_not_chosen_silently(saved):
    folder, model = saved
    averaged = {name: tensor * 2 for name, tensor in model.state_dict().items()}
    torch.save({"model": model.state_dict(), "ema": averaged}, folder / "both.pt")
    with pytest.raises(CheckpointError, match=r"has 2 encoders, whose names begin with 'model\.albert\.' and 'ema"):
        read_checkpoint(folder)
    assert_same(read_checkpoint(folder, ReadOptions(ignore=("ema.*",))).weights, full_weights(model))


def test_a_second_dictionary_of_weights_is_not_left_out(saved):
    folder, model = saved
    torch.save({"model": model.state_dict(), "crf": {"transitions": torch.ones(3, 3)}}, folder / "both.pt")
    with pytest.raises(CheckpointError, match=r"- crf\.transitions \[3, 3\]"):
        read_checkpoint(folder)


def test_weights_of_something_else_say_what_was_found(saved):
    folder, _ = saved
    torch.save({"state_dict": {"conv1.weight": torch.ones(2), "fc.bias": torch.ones(2)}}, folder / "model.pt")
    with pytest.raises(CheckpointError, match=r"none of the 2 .* 'state_dict\.conv1\.weight', 'state_dict\.fc\.bias'"):
        read_checkpoint(folder)


def test_several_files_are_not_chosen_from(saved):
    folder, model = saved
    for name in ("a.ckpt", "b.ckpt"):
        torch.save(model.state_dict(), folder / name)
    with pytest.raises(CheckpointError, match=r"holds a\.ckpt, b\.ckpt, and it is not clear which"):
        read_checkpoint(folder)


def test_files_of_trainers_are_no_weights(saved):
    folder, model = saved
    torch.save(model.state_dict(), folder / "weights.pt")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "rng_state_0.pth", "training_args.bin", "scaler.pt"):
        torch.save({"x": torch.ones(1)}, folder / name)
    assert_same(read_checkpoint(folder).weights, full_weights(model))


@pytest.mark.parametrize("new_form", [True, False])
def test_refused_objects_are_named_and_not_run(saved, new_form):
    folder, model = saved
    content = {"state_dict": model.state_dict(), "hyper_parameters": argparse.Namespace(lr=2e-5)}
    torch.save(content, folder / "last.ckpt", _use_new_zipfile_serialization=new_form)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(folder)
    message = str(caught.value)
    assert "last.ckpt holds more than weights (argparse.Namespace)" in message
    assert "Nothing in it was run" in message
    # What the message says to type does work.
    [line] = re.findall(r"^  (torch\.save\(.*\))$", message, re.MULTILINE)
    exec(line.replace('"last.ckpt"', repr(str(folder / "last.ckpt"))).replace('"pytorch', f'"{folder}/pytorch'))
    assert_same(read_checkpoint(folder).weights, full_weights(model))


def test_small_files_that_claim_to_be_large(saved):
    folder, _ = saved
    torch.save({"encoder.albert_layer_groups.x": torch.ones(1).expand(10**12)}, folder / "model.pt")
    assert (folder / "model.pt").stat().st_size < 5000
    with pytest.raises(CheckpointError, match="repeats its numbers"):
        read_checkpoint(folder)


def test_a_dictionary_that_contains_itself(tmp_path):
    content = {"x": torch.ones(1), "list": [1, (2, torch.zeros(2))]}
    content["self"] = content
    torch.save(content, tmp_path / "loop.pt")
    found = list(read_pickle(tmp_path / "loop.pt"))
    assert [name for name, array in found if array is not NOT_READ][:2] == ["x", "list.1.1"]
    assert len(found) < 50


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), new_form=st.booleans())
def test_any_bytes_may_be_wrong(saved, data, new_form):
    folder, model = saved
    torch.save({"state_dict": model.state_dict()}, folder / "x.pt", _use_new_zipfile_serialization=new_form)
    content = bytearray((folder / "x.pt").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        # The names and sizes are at the beginning; most of the rest is numbers.
        content[data.draw(st.integers(0, 6000))] = data.draw(st.integers(0, 255))
    (folder / "x.pt").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with contextlib.suppress(CheckpointError):
        assert read_checkpoint(folder).weights


def test_sparse_weights(saved):
    folder, _ = saved
    torch.save({"classifier.weight": torch.eye(2).to_sparse()}, folder / "model.pt")
    with pytest.raises(CheckpointError, match=r"classifier\.weight is sparse, quantized"):
        read_checkpoint(folder)


def test_float8_is_refused_by_name(saved):
    folder, _ = saved
    torch.save({"classifier.weight": torch.ones(2).to(torch.float8_e4m3fn)}, folder / "model.pt")
    with pytest.raises(CheckpointError, match=r"classifier\.weight is torch\.float8_e4m3fn; supported are"):
        read_checkpoint(folder)
