from __future__ import annotations

import random

import pytest

from albert_runtime.engines.tflite_file import check_tflite_file
from albert_runtime.errors import BundleError
from albert_runtime.tasks import TASKS
from tests.runtime.lookup_graph import lookup_graph


@pytest.mark.parametrize("task", TASKS)
def test_accepts_a_graph(tmp_path, task):
    file = tmp_path / "model.tflite"
    file.write_bytes(lookup_graph(task, (-1, -1, -1)))
    check_tflite_file(file)


@pytest.mark.parametrize("content", [b"x", b"TFL3", b"\x1c\0\0\0ONNX" * 40, b"not a graph" * 100])
def test_refuses_other_files(tmp_path, content):
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.tflite is not a TFLite graph"):
        check_tflite_file(tmp_path / "model.tflite")


def test_refuses_a_graph_that_is_truncated_anywhere(tmp_path):
    whole = lookup_graph("question-answering", (1, 16))
    # Flatbuffer builders write from the end to the front: a truncated file lacks what was written first, the weights.
    for length in range(8, len(whole) - 16, 7):
        (tmp_path / "model.tflite").write_bytes(whole[:length])
        with pytest.raises(BundleError, match=f"points to places past its end, byte {length}; copy it again"):
            check_tflite_file(tmp_path / "model.tflite")


def test_damaged_bytes_cause_no_other_error(tmp_path):
    whole = lookup_graph("question-answering", (1, 16))
    chance = random.Random(0)
    refused = 0
    for _ in range(500):
        damaged = bytearray(whole)
        for place in chance.sample(range(8, len(whole)), 4):
            damaged[place] = chance.randrange(256)
        (tmp_path / "model.tflite").write_bytes(damaged)
        try:
            check_tflite_file(tmp_path / "model.tflite")
        except BundleError:
            refused += 1
    assert 100 < refused < 500


def test_files_that_can_not_be_read(tmp_path):
    for file in (tmp_path, tmp_path / "absent.tflite"):
        with pytest.raises(BundleError, match="can't read"):
            check_tflite_file(file)
