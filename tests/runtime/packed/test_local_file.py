"""Engines get a model that lies inside a packed bundle: by a path, or as bytes that are never copied."""

from __future__ import annotations

import gc
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from albert_converters.packed_writer import pack_bundle
from albert_runtime import load
from albert_runtime.engines import open_engine
from albert_runtime.engines.tflite_engine import LiteRTEngine, TensorFlowLiteEngine
from albert_runtime.errors import BundleError, UsageError
from albert_runtime.packed import local_file as local_file_module
from albert_runtime.packed.local_file import _copies_ahead, copy_ahead, local_file, streamed_file
from albert_runtime.packed.path import PackedFile, PackedPath
from tests.runtime.lookup_graph import lookup_graph
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph

TASK = "question-answering"
REQUEST = {"question": "where is ada", "context": "ada lovelace lived in london"}


def model_in(packed: Path, name: str) -> PackedPath:
    return PackedPath(PackedFile(packed)) / name


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    return pack_bundle(make_bundle(tmp_path / "onnx", TASK, model=question_answering_graph()))


@pytest.fixture
def tflite(tmp_path: Path) -> Path:
    folder = make_bundle(tmp_path / "tflite", TASK, model=lookup_graph(TASK, (-1, -1)), model_file="model.tflite")
    return pack_bundle(folder)


def test_the_file_of_a_folder_is_used_as_it_is(tmp_path):
    with local_file(tmp_path / "model.onnx") as file:
        assert file == tmp_path / "model.onnx"


@pytest.mark.parametrize("lacking", ["", "memfd_create", "sendfile"])
@pytest.mark.parametrize("can_stream", [True, False])
def test_a_local_copy_has_the_bytes_of_the_model_and_goes_away(onnx, monkeypatch, lacking, can_stream):
    if not can_stream:
        monkeypatch.delattr(os, "splice", raising=False)
    if lacking:
        monkeypatch.delattr(os, lacking)
    with local_file(model_in(onnx, "model.onnx")) as file:
        assert file.read_bytes() == question_answering_graph()
    assert not file.exists()
    assert load(onnx)(**REQUEST) == load(onnx.with_suffix(""))(**REQUEST)


def copies_in_memory() -> int:
    return sum(
        "memfd:albert-model" in str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()
    )


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory (os.memfd_create)")
def test_a_copy_that_was_begun_is_taken_and_goes_away(tflite, monkeypatch):
    before = copies_in_memory()
    for taken in (True, False):
        file = model_in(tflite, "model.tflite")
        copy_ahead(file)
        _copies_ahead[file.packed].finished()  # the thread holds the file as long as it runs
        if taken:
            monkeypatch.setattr(local_file_module, "_copy", None)  # there is no second copy
            with local_file(file) as path:
                assert path.read_bytes() == file.read_bytes()
                assert copies_in_memory() == before + 1
            monkeypatch.undo()
        del file
        gc.collect()
        assert copies_in_memory() == before


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory (os.memfd_create)")
def test_a_copy_that_failed_is_made_again(tflite, monkeypatch):
    file = model_in(tflite, "model.tflite")
    with monkeypatch.context() as patched:
        patched.setattr(os, "memfd_create", lambda name: os.open("/dev/full-of-nothing", os.O_RDONLY))
        copy_ahead(file)
        assert _copies_ahead[file.packed].finished() is None
    with local_file(file) as path:
        assert path.read_bytes() == file.read_bytes()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory (os.memfd_create)")
def test_nothing_is_copied_for_an_engine_that_is_there_already(tflite):
    engine = load(tflite).engine
    before = copies_in_memory()
    session = load(tflite, engine=engine)
    assert session.bundle.folder.packed not in _copies_ahead
    assert copies_in_memory() == before


def test_nothing_is_copied_for_onnx_or_from_a_folder(onnx, tmp_path):
    copy_ahead(tmp_path / "model.tflite")
    file = model_in(onnx, "model.onnx")
    copy_ahead(file)
    assert file.packed not in _copies_ahead


@pytest.mark.skipif(not hasattr(os, "splice"), reason="this system can't move pages into a pipe (os.splice)")
def test_a_stream_ends_whether_it_was_read_or_not(tmp_path):
    content = bytes(range(256)) * 4096
    packed = pack_bundle(make_bundle(tmp_path / "bundle", TASK, model=content))
    for read in (content, content[:9], b""):
        with streamed_file(model_in(packed, "model.onnx")) as path:
            with path.open("rb", buffering=0) as stream:
                parts = []
                while sum(map(len, parts)) < len(read):
                    parts.append(stream.read(len(read)))
            assert b"".join(parts) == read


def test_without_space_for_the_copy(onnx, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "memfd_create", full)
    monkeypatch.delattr(os, "splice", raising=False)
    with pytest.raises(UsageError, match=r"there is no space for a copy of .*model\.onnx: No space left on device"):
        open_engine(model_in(onnx, "model.onnx"))


@pytest.mark.parametrize("engine_class", [LiteRTEngine, TensorFlowLiteEngine])
def test_tflite_answers_as_from_the_folder(tflite, engine_class):
    name = engine_class.name
    session = load(tflite, engine=name)
    expected = load(tflite.with_suffix(""), engine=name)
    assert session(**REQUEST) == expected(**REQUEST)
    again = pickle.loads(pickle.dumps(session.engine))
    arrays = session.arrays(**REQUEST)
    for key, output in expected.engine.run(arrays).items():
        np.testing.assert_array_equal(again.run(arrays)[key], output)


def test_memory_goes_with_the_engine(tflite):
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("this system has no /proc/self/maps")
    before = maps.read_text().count("memfd:albert-model")
    for _ in range(5):
        engine = open_engine(model_in(tflite, "model.tflite"))
        assert maps.read_text().count("memfd:albert-model") >= before + 1
    del engine
    gc.collect()
    assert maps.read_text().count("memfd:albert-model") <= before


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
def test_a_model_that_is_none_is_refused(tmp_path, suffix):
    name = f"model.{suffix}"
    packed = pack_bundle(make_bundle(tmp_path / "bundle", TASK, model=b"no model" * 9, model_file=name))
    with pytest.raises(BundleError, match=rf"can't load .*bundle\.albert/{name}"):
        load(packed)
    gc.collect()


def test_a_forked_process_reads_the_model_again(onnx):
    session = load(onnx)
    expected = session(**REQUEST)
    child = os.fork()
    if not child:
        os._exit(0 if session(**REQUEST) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
