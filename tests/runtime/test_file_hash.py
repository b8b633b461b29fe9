"""The SHA-256 of files, computed at once or by a thread."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest

from albert_converters.packed_writer import pack_bundle
from albert_runtime.bundle import open_bundle
from albert_runtime.errors import BundleError
from albert_runtime.file_hash import HashAhead, sha256_of
from albert_runtime.packed.path import PackedFile, PackedPath
from tests.runtime.tiny_bundle import make_bundle

CONTENT = bytes(range(256)) * 9000


@pytest.mark.parametrize("size", [0, 1, len(CONTENT)])
def test_both_ways(tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(CONTENT[:size])
    expected = hashlib.sha256(CONTENT[:size]).hexdigest()
    assert sha256_of(file) == expected
    ahead = HashAhead(file)
    assert ahead.result() == ahead.result() == expected


@pytest.mark.parametrize("model", [b"", b"x", CONTENT])
def test_files_of_a_packed_bundle(tmp_path: Path, model: bytes) -> None:
    packed = pack_bundle(make_bundle(tmp_path / "a", "fill-mask", model=model), tmp_path / "a.albert")
    folder = PackedPath(PackedFile(packed))
    for name, expected in open_bundle(packed).manifest.files.items():
        assert HashAhead(folder / name).result() == sha256_of(folder / name) == expected


def test_errors_are_raised_by_the_result(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        HashAhead(tmp_path / "missing").result()
    packed = pack_bundle(make_bundle(tmp_path / "a", "fill-mask", model=CONTENT), tmp_path / "a.albert")
    model = PackedPath(PackedFile(packed), "model.onnx")
    packed.write_bytes(packed.read_bytes() + b"more")
    with pytest.raises(BundleError, match="has changed"):
        HashAhead(model).result()


def test_a_bundle_that_is_opened_for_an_engine(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "a", "fill-mask", model=CONTENT)
    bundle = open_bundle(folder, for_engine=True)
    assert bundle.finish_check() == bundle.manifest.files["model.onnx"]
    assert pickle.loads(pickle.dumps(bundle)).finish_check() == bundle.manifest.files["model.onnx"]
    assert open_bundle(folder).finish_check() is None
    assert open_bundle(folder, check=False, for_engine=True).finish_check() is None
    (folder / "model.onnx").write_bytes(CONTENT[:-1])
    damaged = open_bundle(folder, for_engine=True)
    with pytest.raises(BundleError, match=r"model\.onnx \(2303999 bytes\) is not the file that was exported"):
        damaged.finish_check()
    (folder / "config.json").write_text("{ }")
    with pytest.raises(BundleError) as caught:
        open_bundle(folder, for_engine=True)
    assert "model.onnx" in str(caught.value)
    assert "config.json" in str(caught.value)
    (folder / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx is missing"):
        open_bundle(folder, for_engine=True)
