"""The memory that exports of large shapes take, above that of the frameworks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from albert_export import AlbertConfig
from tools.published_sizes import export_apart, make_checkpoint

#: xlarge's matrices. Fewer passes through the shared layer take less time, and no less memory for weights
_CONFIG = {"hidden_size": 2048, "num_attention_heads": 16, "intermediate_size": 8192, "num_hidden_layers": 2}


@pytest.mark.slow
@pytest.mark.export
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_tflite_export_takes_three_times_the_checkpoint(tmp_path: Path) -> None:
    """TensorFlow's converter holds its file twice, without the checkpoint beside it; the rest takes less than that.

    Nothing here is left to chance: resident memory varies by a few megabytes between runs.
    """
    make_checkpoint(AlbertConfig(**_CONFIG), tmp_path / "checkpoint")
    got = export_apart(tmp_path / "checkpoint", "tflite", tmp_path)
    assert 200 < got["checkpoint_mb"] < 250
    assert 2 < got["ratio"] < 3, got  # below 2, the tool misses something
