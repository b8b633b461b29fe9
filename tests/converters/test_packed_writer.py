"""Packed bundles are written and unpacked: bytes, places, and what is refused."""

from __future__ import annotations

import errno
import os
import zipfile

import pytest

from albert_converters.packed_writer import pack_bundle, unpack_bundle
from albert_runtime.bundle import open_bundle
from albert_runtime.errors import BundleError, ConversionError, UsageError
from tests.runtime.tiny_bundle import make_bundle


@pytest.fixture
def folder(tmp_path):
    return make_bundle(tmp_path / "bundle", "fill-mask", model=b"weights")


def test_other_readers_find_the_files_where_they_were_promised(folder):
    packed = pack_bundle(folder)
    assert packed == folder.with_name("bundle.albert")
    entries = open_bundle(packed).folder.packed.entries
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(entries)
        assert archive.namelist()[0] == "manifest.json"
        for name in archive.namelist():
            assert archive.read(name) == (folder / name).read_bytes()
            assert archive.getinfo(name).date_time == (1980, 1, 1, 0, 0, 0)
    assert all(entry.start % 64 == 0 for entry in entries.values())
    assert entries["model.onnx"].start % 16_384 == 0


def test_the_same_folder_gives_the_same_bytes(folder):
    first = pack_bundle(folder).read_bytes()
    for file in folder.iterdir():
        os.utime(file, (0, 0))
    (folder / "notes.txt").write_text("not in the manifest")
    assert pack_bundle(folder, folder.with_name("y.albert")).read_bytes() == first
    assert pack_bundle(folder.with_name("y.albert"), folder.with_name("z.albert")).read_bytes() == first


def test_unpacking_gives_the_folder(folder, tmp_path):
    copy = unpack_bundle(pack_bundle(folder), tmp_path / "copy")
    assert {file.name: file.read_bytes() for file in copy.iterdir()} == {
        file.name: file.read_bytes() for file in folder.iterdir()
    }
    with pytest.raises(UsageError, match="already exists"):
        unpack_bundle(tmp_path / "bundle.albert", copy)


def test_refused_targets(folder, tmp_path):
    packed = pack_bundle(folder)
    with pytest.raises(UsageError, match="already exists; choose another --output, or give --force"):
        pack_bundle(folder)
    assert pack_bundle(folder, force=True) == packed
    with pytest.raises(UsageError, match=r"must end in \.albert"):
        pack_bundle(folder, tmp_path / "x.zip")
    with pytest.raises(UsageError, match="there is no folder"):
        pack_bundle(folder, tmp_path / "absent" / "x.albert")
    (tmp_path / "x.albert").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        pack_bundle(folder, tmp_path / "x.albert", force=True)
    (folder / "config.json").write_text("{ }")
    with pytest.raises(BundleError, match="damaged"):
        pack_bundle(folder, force=True)


def test_a_full_disk_leaves_nothing(folder, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConversionError, match="No space left on device; nothing was kept of it; free some space"):
        pack_bundle(folder)
    assert [file.name for file in folder.parent.iterdir()] == ["bundle"]
