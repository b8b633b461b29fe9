"""Every way in which a folder can fail to be an ALBERT: a clear message, the right exit code, and no code run."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_export.checkpoints import read_checkpoint
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, DependencyError, UsageError

CONFIG = AlbertConfig(
    vocab_size=20,
    embedding_size=4,
    hidden_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=12,
    max_position_embeddings=6,
)


def weights() -> dict[str, np.ndarray]:
    """Some of an ALBERT's weights, enough to be taken for one."""
    layer = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    return {
        "albert.embeddings.word_embeddings.weight": np.ones((20, 4), np.float32),
        "albert.embeddings.position_embeddings.weight": np.ones((6, 4), np.float32),
        "albert.embeddings.token_type_embeddings.weight": np.ones((2, 4), np.float32),
        "albert.encoder.embedding_hidden_mapping_in.weight": np.ones((8, 4), np.float32),
        f"{layer}.ffn.weight": np.ones((12, 8), np.float32),
        "qa_outputs.weight": np.ones((2, 8), np.float32),
    }


@pytest.fixture
def folder(tmp_path):
    """A readable checkpoint, for each test to spoil."""
    CONFIG.save(tmp_path)
    save(tmp_path, weights())
    assert read_checkpoint(tmp_path).tasks == ("question-answering",)
    return tmp_path


def save(folder: Path, arrays, name: str = "model.safetensors") -> None:
    (folder / name).write_bytes(safetensors.numpy.save(arrays, metadata={"format": "pt"}))


def save_pickle(folder: Path, value, name: str = "pytorch_model.bin") -> None:
    (folder / "model.safetensors").unlink(missing_ok=True)
    torch.save(value, folder / name)


def save_index(folder: Path, content) -> None:
    (folder / "model.safetensors").unlink(missing_ok=True)
    (folder / "model.safetensors.index.json").write_text(json.dumps(content))


def refused(folder: Path | str, *said: str, error: type = CheckpointError, exit_code: int = 3) -> str:
    before = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else None
    with pytest.raises(error) as caught:
        read_checkpoint(folder)
    message = str(caught.value)
    for words in said:
        assert words in message
    assert caught.value.exit_code == exit_code
    assert before == (sorted(Path(folder).iterdir()) if before is not None else None)
    return message


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no-such-folder", "hf download OWNER/NAME --local-dir no-such-folder"),
        ("albert-base-v2", "hf download albert/albert-base-v2 --local-dir albert-base-v2"),
        ("albert/albert-xlarge-v1", "hf download albert/albert-xlarge-v1 --local-dir albert-xlarge-v1"),
        ("someone/albert-ner", "hf download someone/albert-ner --local-dir albert-ner"),
    ],
)
def test_missing_folder(tmp_path, monkeypatch, path, said):
    monkeypatch.chdir(tmp_path)
    refused(path, f"there is no folder {path}", said, error=UsageError, exit_code=2)
    assert not list(tmp_path.iterdir())


def test_file_instead_of_a_folder(folder):
    refused(folder / "model.safetensors", "is a file; give the folder")


def test_path_of_a_tensorflow_checkpoint(tmp_path):
    (tmp_path / "model.ckpt-best.index").touch()
    refused(tmp_path / "model.ckpt-best", f"give the folder: {tmp_path}", error=UsageError, exit_code=2)


def test_empty_folder(tmp_path):
    refused(tmp_path, "is empty")


def test_config_without_weights(folder):
    (folder / "model.safetensors").unlink()
    refused(folder, "holds config.json, but no weights", "pytorch_model.bin", "model.ckpt")


@pytest.mark.parametrize("below", ["snapshots/0123abc", "checkpoint-500"])
def test_the_folder_above_the_checkpoint(folder, tmp_path_factory, below):
    above = tmp_path_factory.mktemp("above")
    shutil.copytree(folder, above / below)
    refused(above, "holds neither a configuration nor weights", f"did you mean {above / below}?")


def test_weights_of_another_framework(folder):
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    refused(folder, "tf_model.h5 can't be read here", "save_pretrained")


def test_weights_without_config(folder):
    (folder / "config.json").unlink()
    refused(folder, "holds model.safetensors, but no config.json")


def test_exported_bundle(folder):
    (folder / "model.safetensors").rename(folder / "model.onnx")
    (folder / "manifest.json").touch()
    refused(folder, "is an exported bundle")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "is not JSON"), (b"[]", "must hold a JSON object"), (b'{"a": "\xe9"}', "is not JSON in UTF-8")],
)
def test_damaged_config(folder, content, said):
    (folder / "config.json").write_bytes(content)
    refused(folder, str(folder / "config.json"), said)


def test_bert_checkpoint(folder):
    (folder / "config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    refused(folder, "is a BERT checkpoint's: only ALBERT is supported")


def test_bert_weights_under_an_alberts_configuration(folder):
    save(folder, {"bert.embeddings.word_embeddings.weight": np.ones((20, 8), np.float32)})
    refused(folder, "are not an ALBERT's", "'bert.embeddings.word_embeddings.weight'")


def test_no_weights_in_the_file(folder):
    save(folder, {})
    refused(folder, "none of the 0 belongs to its encoder")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_byte_of_a_safetensors_file_may_be_wrong(folder, data):
    content = bytearray(safetensors.numpy.save(weights()))
    for _ in range(data.draw(st.integers(1, 4))):
        # The header is what can go wrong; most of the rest is numbers.
        content[data.draw(st.integers(0, 700))] = data.draw(st.integers(0, 255))
    (folder / "model.safetensors").write_bytes(content)
    with contextlib.suppress(CheckpointError):
        assert read_checkpoint(folder).weights


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_safetensors(folder, kept):
    content = (folder / "model.safetensors").read_bytes()[:kept]
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, "is damaged or not a safetensors file", f"{len(content)} bytes")


def test_unsupported_number_format(folder):
    content = (folder / "model.safetensors").read_bytes()
    # Unsigned 32-bit: the same sizes, so that only the format is at fault.
    (folder / "model.safetensors").write_bytes(content.replace(b'"F32"', b'"U32"'))
    refused(folder, "is U32; supported are F32, F16, BF16 and F64")


def test_whole_numbers_for_weights(folder):
    save(folder, weights() | {"qa_outputs.weight": np.ones((2, 8), np.int64)})
    refused(folder, "qa_outputs.weight is int64, not floating point")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(folder, value):
    spoilt = weights()
    spoilt["qa_outputs.weight"][1, 3] = value
    spoilt["albert.embeddings.word_embeddings.weight"][0, 0] = value
    save(folder, spoilt)
    message = refused(folder, "qa_outputs.weight has values that are not finite")
    assert "albert.embeddings.word_embeddings.weight has" in message
    assert message.endswith("\nFetch the checkpoint again, or take one from before training diverged.")


def test_doubles_beyond_float32(folder):
    save(folder, weights() | {"qa_outputs.weight": np.full((2, 8), 1e300)})
    refused(folder, "qa_outputs.weight has values that are not finite")


def test_one_weight_under_two_names(folder):
    save(folder, weights() | {"embeddings.word_embeddings.weight": np.zeros((20, 4), np.float32)})
    refused(folder, "appears twice")


@pytest.mark.parametrize(
    ("field", "shape"),
    [
        ("vocab_size", "word_embeddings.weight has the shape [20, 4]: 20"),
        ("embedding_size", "word_embeddings.weight has the shape [20, 4]: 4"),
        ("max_position_embeddings", "position_embeddings.weight has the shape [6, 4]: 6"),
        ("type_vocab_size", "token_type_embeddings.weight has the shape [2, 4]: 2"),
        ("hidden_size", "embedding_hidden_mapping_in.weight has the shape [8, 4]: 8"),
        ("intermediate_size", "ffn.weight has the shape [12, 8]: 12"),
    ],
)
def test_another_size_than_the_configuration_says(folder, field, shape):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: 30_000_000}))
    refused(folder, f"{field} is 30000000, but albert.", shape)


def test_all_sizes_at_once(folder):
    save(folder, weights() | {"albert.embeddings.word_embeddings.weight": np.ones((21, 5), np.float32)})
    refused(folder, "vocab_size is 20", "embedding_size is 4")


def test_a_matrix_without_its_axes(folder):
    save(folder, weights() | {"albert.embeddings.word_embeddings.weight": np.ones(80, np.float32)})
    refused(folder, "word_embeddings.weight has the shape [80], and must have two axes")


class Intruder:
    """Pickled, it asks the reader to make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("form", ["zip", "plain pickle"])
def test_code_in_a_pickle_is_not_run(folder, tmp_path_factory, form):
    mark = tmp_path_factory.mktemp("elsewhere") / "was-here"
    content = {"albert.x": torch.ones(1), "y": Intruder(mark)}
    save_pickle(folder, content)
    if form == "plain pickle":
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(content["y"], protocol=2))
    refused(folder, "holds more than weights", "Nothing in it was run", "model.safetensors")
    assert not mark.exists()
    # The same file is dangerous to readers that trust it.
    if form == "plain pickle":
        pickle.loads((folder / "pytorch_model.bin").read_bytes()).close()
    else:
        torch.load(folder / "pytorch_model.bin", weights_only=False)["y"].close()
    assert mark.exists()


@pytest.mark.parametrize("new_form", [True, False])
@pytest.mark.parametrize("kept", [0, 3, 200, -1])
def test_truncated_pickle(folder, kept, new_form):
    (folder / "model.safetensors").unlink()
    tensors = {name: torch.from_numpy(array) for name, array in weights().items()}
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=new_form)
    content = (folder / "pytorch_model.bin").read_bytes()[:kept]
    (folder / "pytorch_model.bin").write_bytes(content)
    refused(folder, "damaged")


def test_zip_that_is_no_checkpoint(folder):
    (folder / "model.safetensors").unlink()
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("a/readme.txt", "hello")
    refused(folder, "damaged or not a PyTorch file")


@pytest.mark.parametrize("value", [[torch.ones(1)], {"model": {"x": torch.ones(1)}}, torch.ones(2)])
def test_pickle_of_something_else(folder, value):
    save_pickle(folder, value)
    refused(folder, "must hold a dictionary of weights")


def test_pickle_without_pytorch(folder, monkeypatch):
    save_pickle(folder, {})
    monkeypatch.setitem(sys.modules, "torch", None)
    refused(folder, "pip install 'albert-export[torch]'", error=DependencyError, exit_code=4)


@pytest.mark.parametrize(
    "shard", ["../model.safetensors", "/etc/passwd", "..", "", "sub/model.safetensors", "C:\\model.safetensors", "a\0b"]
)
def test_index_that_reaches_out_of_the_folder(folder, shard):
    inside = folder / "inside"
    inside.mkdir()
    shutil.copy(folder / "config.json", inside)
    save_index(inside, {"weight_map": {"albert.embeddings.word_embeddings.weight": shard}})
    refused(inside, "lists shards that can't be read", "is not the name of a file in the folder")


def test_missing_shards_are_all_named(folder):
    save(folder, weights(), "model-00001-of-00003.safetensors")
    names = [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    save_index(folder, {"weight_map": {"a": names[0], "b": names[1], "c": names[2]}})
    message = refused(folder, f"{names[1]} is missing", f"{names[2]} is missing")
    assert names[0] not in message


def test_weights_missing_from_their_shard(folder):
    save(folder, weights(), "one.safetensors")
    save_index(folder, {"weight_map": dict.fromkeys([*weights(), "albert.pooler.bias"], "one.safetensors")})
    refused(folder, "lists missing weights", "albert.pooler.bias in one.safetensors")


@pytest.mark.parametrize("content", [{}, {"weight_map": []}, {"weight_map": {"a": 1}}, {"weight_map": None}])
def test_index_without_a_map(folder, content):
    save_index(folder, content)
    refused(folder, 'must have a "weight_map"')


def test_index_that_is_not_json(folder):
    (folder / "model.safetensors").rename(folder / "model.safetensors.index.json")
    refused(folder, "is not JSON")


def test_link_to_nowhere(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(folder / "blob")
    refused(folder, "can't read", "No such file")


@pytest.mark.parametrize("closed", ["folder", "model.safetensors", "config.json"])
def test_no_permission(folder, closed, monkeypatch):
    path = folder if closed == "folder" else folder / closed
    if os.geteuid() == 0:
        # Root may read everything, so the refusal is played.
        forbid(monkeypatch, path)
    else:
        path.chmod(0)
    try:
        with pytest.raises(CheckpointError, match=r"can't read .*Permission denied"):
            read_checkpoint(folder)
    finally:
        path.chmod(0o700)


def forbid(monkeypatch, forbidden: Path) -> None:
    for method in ("iterdir", "read_bytes"):
        original = getattr(Path, method)

        def refuse(self, original=original):
            if self == forbidden:
                raise PermissionError(13, "Permission denied", str(self))
            return original(self)

        monkeypatch.setattr(Path, method, refuse)
