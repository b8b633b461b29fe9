"""A small readable checkpoint for tests to damage, and the check that reading it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from albert_export.checkpoints import read_checkpoint
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError

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
    """Some of an ALBERT's weights, enough to be accepted as one."""
    layer = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    return {
        "albert.embeddings.word_embeddings.weight": np.ones((20, 4), np.float32),
        "albert.embeddings.position_embeddings.weight": np.ones((6, 4), np.float32),
        "albert.embeddings.token_type_embeddings.weight": np.ones((2, 4), np.float32),
        "albert.encoder.embedding_hidden_mapping_in.weight": np.ones((8, 4), np.float32),
        f"{layer}.ffn.weight": np.ones((12, 8), np.float32),
        "qa_outputs.weight": np.ones((2, 8), np.float32),
    }


def save_weights(folder: Path, arrays, name: str = "model.safetensors") -> None:
    (folder / name).write_bytes(safetensors.numpy.save(arrays, metadata={"format": "pt"}))


def save_pickle(folder: Path, value, name: str = "pytorch_model.bin") -> None:
    (folder / "model.safetensors").unlink(missing_ok=True)
    torch.save(value, folder / name)


def save_index(folder: Path, content) -> None:
    (folder / "model.safetensors").unlink(missing_ok=True)
    (folder / "model.safetensors.index.json").write_text(json.dumps(content))


def refused(folder: Path | str, *said: str, error: type = CheckpointError, exit_code: int = 3) -> str:
    """Checks that reading the folder raises `error` with these words and changes no files; returns the message."""
    before = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else None
    with pytest.raises(error) as caught:
        read_checkpoint(folder)
    message = str(caught.value)
    for words in said:
        assert words in message
    assert caught.value.exit_code == exit_code
    assert before == (sorted(Path(folder).iterdir()) if before is not None else None)
    return message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a readable checkpoint, which each test may damage."""
    CONFIG.save(tmp_path)
    save_weights(tmp_path, weights())
    assert read_checkpoint(tmp_path).tasks == ("feature-extraction", "question-answering")
    return tmp_path
