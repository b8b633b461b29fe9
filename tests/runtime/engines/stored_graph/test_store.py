"""Graphs in the cache: they compute the same, what is damaged or stale is noticed, and no fault of the cache is one."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from albert_runtime.bundle import sha256_of
from albert_runtime.engines import open_engine
from albert_runtime.engines.onnx_engine import OnnxEngine
from albert_runtime.engines.stored_graph import graph_template, store
from tests.runtime.cache_files import entries
from tests.runtime.layered_onnx import save_layered, some_tokens


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_layered(tmp_path / "bundle" / "model.onnx")


def open_cached(model: Path) -> OnnxEngine:
    return OnnxEngine(model, threads=1, sha256=sha256_of(model))


def assert_right(engine: OnnxEngine, model: Path) -> None:
    expected = OnnxEngine(model, threads=1).run(some_tokens())
    got = engine.run(some_tokens())
    assert expected.keys() == got.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(got[name], array)


def forbid_making(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, a graph can only be taken from the cache."""

    def make(*_: object) -> None:
        raise AssertionError("it was made again")

    monkeypatch.setattr(store, "make_template", make)


def test_the_first_session_stores_and_the_next_one_finds(cache: Path, model: Path, monkeypatch) -> None:
    first = open_cached(model)
    [file] = entries(cache)
    assert first.is_stored
    assert_right(first, model)
    assert cache.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o077 == 0
    forbid_making(monkeypatch)
    second = open_cached(model)
    assert second.is_stored
    assert_right(second, model)
    assert (second.input_names, second.output_names) == (first.input_names, first.output_names)


def test_weights_stay_in_the_file_of_the_model(cache: Path, tmp_path: Path) -> None:
    model = save_layered(tmp_path / "model.onnx", passes=12)
    assert_right(open_cached(model), model)
    [file] = entries(cache)
    weights = 64 * 16 * 4 + 16 * 16 * 4
    assert model.stat().st_size > weights
    assert file.stat().st_size < model.stat().st_size - weights + 1500


def test_without_a_hash_nothing_is_stored(cache: Path, model: Path) -> None:
    assert not OnnxEngine(model).is_stored
    assert not open_engine(model).is_stored  # type: ignore[attr-defined]
    assert not cache.exists()


@pytest.mark.parametrize("value", ["off", "OFF", ""])
def test_switched_off(model: Path, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALBERT_CACHE", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    engine = open_cached(model)
    assert not engine.is_stored
    assert_right(engine, model)
    assert not (tmp_path / "xdg").exists()


@pytest.mark.parametrize("place", [0, 7, 8, 39, 40, 60, -200, -1])
def test_a_flipped_byte(cache: Path, model: Path, place: int, caplog: pytest.LogCaptureFixture) -> None:
    open_cached(model)
    [file] = entries(cache)
    good = file.read_bytes()
    damaged = bytearray(good)
    damaged[place] ^= 1
    file.write_bytes(damaged)
    with caplog.at_level(logging.DEBUG, "albert_runtime"):
        engine = open_cached(model)
    assert "is damaged and will be made again" in caplog.text
    assert_right(engine, model)
    assert file.read_bytes() == good


@pytest.mark.parametrize("kept", [0, 5, 40, 100, -1])
def test_a_truncated_file(cache: Path, model: Path, kept: int) -> None:
    open_cached(model)
    [file] = entries(cache)
    good = file.read_bytes()
    file.write_bytes(good[:kept])
    assert_right(open_cached(model), model)
    assert file.read_bytes() == good


def test_a_folder_in_place_of_the_file(cache: Path, model: Path) -> None:
    open_cached(model)
    [file] = entries(cache)
    file.unlink()
    file.mkdir()
    engine = open_cached(model)
    assert engine.is_stored  # in this process; it can't be written
    assert_right(engine, model)


def test_a_sound_file_with_other_content(cache: Path, model: Path) -> None:
    open_cached(model)
    [file] = entries(cache)
    for content in (b"x", b"\x02\0\0\0[]no graph", b"\x09\0\0\0[[1,2,3]]"):
        store.write_cached(file.stem, content)
        engine = open_cached(model)
        assert not engine.is_stored
        assert_right(engine, model)


def test_other_versions_and_processors_find_nothing(cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_cached(model)
    for number, (owner, name, value) in enumerate(
        [
            (onnxruntime, "__version__", "0.0"),
            (onnxruntime, "get_build_info", lambda: "another build"),
            (store, "_processor", lambda: ["another processor"]),
            (store, "_FORMAT", 0),
        ],
        start=2,
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            assert_right(open_cached(model), model)
            assert len(entries(cache)) == number


def test_another_model_of_the_same_name(cache: Path, model: Path) -> None:
    open_cached(model)
    save_layered(model, seed=5)
    engine = open_cached(model)
    assert_right(engine, model)
    assert len(entries(cache)) == 2


def test_the_processor_is_known() -> None:
    assert all(store._processor())
    assert store._processor() == store._processor()


@pytest.mark.parametrize("obstacle", ["a file", "below a file", "others may write", "no home"])
def test_no_folder_to_write_to(tmp_path: Path, model: Path, obstacle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    if obstacle == "others may write":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        folder.write_text("not a folder")
    monkeypatch.setenv("ALBERT_CACHE", str(folder / "sub" if obstacle == "below a file" else folder))
    if obstacle == "no home":
        monkeypatch.delenv("ALBERT_CACHE")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    engine = open_cached(model)
    assert not engine.is_stored
    assert_right(engine, model)
    if folder.is_dir():
        assert not list(folder.iterdir())


def test_an_optimization_that_fails(cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk: the model is opened without the cache."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "make_template", full)
    engine = open_cached(model)
    assert not engine.is_stored
    assert_right(engine, model)
    assert entries(cache) == []


def test_a_full_disk_when_the_file_is_written(cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    engine = open_cached(model)
    assert engine.is_stored
    assert_right(engine, model)
    assert entries(cache) == []


def test_changed_weights_are_kept_in_the_cache(cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template may hold weights, if they are few; of a model with many, it is remembered that nothing is kept."""
    monkeypatch.setattr(graph_template, "_raw_data_in", lambda *_: {})
    assert_right(open_cached(model), model)
    [file] = entries(cache)
    assert file.stat().st_size > 64 * 16 * 4
    file.unlink()
    monkeypatch.setattr(graph_template, "_MOST_NEW_BYTES", 100)
    for _ in range(2):
        engine = open_cached(model)
        assert not engine.is_stored
        assert_right(engine, model)
        forbid_making(monkeypatch)
    assert len(entries(cache)) == 1


def test_a_model_behind_a_link(cache: Path, model: Path, tmp_path: Path) -> None:
    """As in the cache of the Hugging Face hub."""
    (tmp_path / "blobs").mkdir()
    model.rename(tmp_path / "blobs" / "0123")
    model.symlink_to(Path("..") / "blobs" / "0123")
    engine = open_cached(model)
    assert engine.is_stored
    assert_right(engine, model)
