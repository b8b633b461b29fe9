"""Files inside a packed bundle, and bundles and sessions that are opened from one."""

from __future__ import annotations

import os
import pickle
import struct
import zlib

import pytest

from albert_converters.packed_writer import pack_bundle
from albert_runtime import load
from albert_runtime.bundle import open_bundle, sha256_of
from albert_runtime.errors import BundleError, UsageError
from albert_runtime.packed.layout import PADDING_ID
from albert_runtime.packed.path import PackedFile, PackedPath, is_bundle
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph

REQUEST = {"question": "what is the capital of france?", "context": "the capital of france is paris ."}


@pytest.fixture
def folder(tmp_path):
    return make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())


@pytest.fixture
def packed(folder):
    return pack_bundle(folder)


def test_every_file_is_the_one_of_the_folder(folder, packed):
    files = PackedPath(PackedFile(packed))
    for file in folder.iterdir():
        inside = files / file.name
        assert inside.is_file()
        assert inside.read_bytes() == file.read_bytes()
        assert inside.stat().st_size == file.stat().st_size
        assert sha256_of(inside) == sha256_of(file)
        assert (inside.name, inside.suffix, str(inside)) == (file.name, file.suffix, f"{packed}/{file.name}")
    assert not (files / "absent.json").exists()
    with pytest.raises(FileNotFoundError):
        (files / "absent.json").read_bytes()
    with (files / "config.json").open() as stream:
        assert stream.seek(-1, os.SEEK_END) == len((folder / "config.json").read_bytes()) - 1
        assert stream.read() == b"}"


def test_a_session_answers_as_from_the_folder(folder, packed):
    session = load(str(packed))
    assert session.bundle.path == packed
    assert str(session.bundle.folder) == str(packed)
    assert session(**REQUEST) == load(folder)(**REQUEST)
    assert pickle.loads(pickle.dumps(session))(**REQUEST) == session(**REQUEST)
    assert pickle.loads(pickle.dumps(session.engine)).model_file == session.bundle.model_file


def test_a_file_that_was_replaced_is_not_read(folder, packed):
    session = load(packed)
    data = pickle.dumps(session)
    (folder / "tokenizer_config.json").write_text("{}")
    packed.write_bytes(packed.read_bytes()[:-1] + b"\1")
    with pytest.raises(BundleError, match=r"has changed since it was opened; open it again: albert_runtime\.load"):
        (session.bundle.folder / "config.json").read_bytes()
    with pytest.raises(BundleError, match="damaged"):
        pickle.loads(data)
    packed.unlink()
    with pytest.raises(UsageError, match=r"there is no file .*\.albert.*\n.*at the same path"):
        pickle.loads(data)


@pytest.mark.parametrize("name", ["manifest.json", "config.json"])
def test_a_wrong_checksum_is_refused(packed, name):
    content = packed.read_bytes()
    right = struct.pack("<L", zlib.crc32((packed.parent / "bundle" / name).read_bytes()))
    assert content.count(right) == 2
    packed.write_bytes(content.replace(right, b"\1\2\3\4"))
    with pytest.raises(BundleError, match=rf"{name} is damaged: its checksum"):
        open_bundle(packed)


def test_the_hash_decides_about_the_model(packed):
    content = packed.read_bytes()
    model = (packed.parent / "bundle" / "model.onnx").read_bytes()
    packed.write_bytes(content.replace(struct.pack("<L", zlib.crc32(model)), b"\1\2\3\4"))
    assert open_bundle(packed).model_file.exists()
    assert content.count(model) == 1
    packed.write_bytes(content.replace(model, model[:-1] + bytes([model[-1] ^ 1])))
    with pytest.raises(BundleError, match=r"model\.onnx is damaged"):
        open_bundle(packed)


def test_a_name_that_the_manifest_does_not_list(folder, packed):
    content = packed.read_bytes()
    assert content.count(b"spiece.model") > 2
    packed.write_bytes(content.replace(b"tokenizer_config.json", b"tokenizer_other_.json"))
    with pytest.raises(BundleError):
        open_bundle(packed, check=False)


def test_a_model_that_is_not_on_a_page(packed, monkeypatch):
    from albert_runtime.packed import layout

    monkeypatch.setattr(layout, "MODEL_ALIGNMENT", 64)
    with pytest.raises(BundleError, match="does not start at a multiple of 16384"):
        open_bundle(pack_bundle(packed, packed.with_name("y.albert")))
    assert PADDING_ID == 0xD935


def test_other_names_and_other_content(tmp_path, packed):
    with pytest.raises(UsageError, match="there is no file"):
        open_bundle(tmp_path / "absent.albert")
    with pytest.raises(BundleError, match="is an empty folder, not a bundle"):
        (tmp_path / "folder.albert").mkdir()
        open_bundle(tmp_path / "folder.albert")
    with pytest.raises(BundleError, match="is empty"):
        (tmp_path / "empty.albert").touch()
        open_bundle(tmp_path / "empty.albert")
    with pytest.raises(BundleError, match="is a web page"):
        (tmp_path / "page.albert").write_text("<!doctype html>")
        open_bundle(tmp_path / "page.albert")
    assert is_bundle(packed)
    renamed = packed.rename(tmp_path / "bundle.zip")
    assert not is_bundle(renamed)
    with pytest.raises(UsageError, match=r"is a packed bundle under another name; give it one that ends in \.albert"):
        open_bundle(renamed)
