"""The folder of a readable checkpoint, for tests that damage it."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_export.checkpoints import read_checkpoint
from tests.albert_export.checkpoints.damaged_checkpoint import CONFIG, save_weights, weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a readable checkpoint, which each test may damage."""
    CONFIG.save(tmp_path)
    save_weights(tmp_path, weights())
    assert read_checkpoint(tmp_path).tasks == ("question-answering",)
    return tmp_path
