"""Files in place of others: each kind is recognized, and every reader of the runtime says what it was given."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from albert_runtime import AlbertTokenizer, load, open_bundle
from albert_runtime.engines import open_engine
from albert_runtime.errors import AlbertError, BundleError, UnsupportedError
from albert_runtime.failed_downloads import failed_download
from tests.runtime.lookup_graph import lookup_graph
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph

#: what `git clone` leaves without Git LFS; the format is that of git-lfs/docs/spec.md
LFS_POINTER = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 46747112
"""
WEB_PAGE = b"""\n<!DOCTYPE html>\n<html class="">\n<head><title>model.safetensors</title></head></html>\n"""


def tar_archive() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("albert_base/model.ckpt-best.index"))
    return content.getvalue()


def zip_archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("model.onnx", "x")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LFS_POINTER, ["pointer of Git LFS (133 bytes)", "46,747,112 bytes", "git lfs install && git lfs pull"]),
        (LFS_POINTER.replace(b"\n", b"\r\n"), ["pointer of Git LFS", "46,747,112"]),
        (LFS_POINTER[:60], ["pointer of Git LFS", "hf download OWNER/NAME --local-dir"]),
        (b"version https://hawser.github.com/spec/v1\noid sha256:1\nsize 5\n", ["pointer of Git LFS"]),
        (b"/annex/objects/SHA256E-s4--9f.bin\n", ["git-annex", "git annex get file"]),
        (b"../../blobs/" + b"a1" * 32, ["a link that was copied as text", "hf download"]),
        (WEB_PAGE, ["is a web page", "login", '"resolve" in place of "blob"', "hf download"]),
        (b"<!-- saved -->\n<html>", ["is a web page"]),
        (b"\xef\xbb\xbf<HTML><body>404</body>", ["is a web page"]),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', ["is a web page"]),
        (b"Entry not found", ["refused the download ('Entry not found')"]),
        (b"404: Not Found", ["refused the download"]),
        (b"Invalid username or password.", ["refused the download", "hf auth login"]),
        (b'{"error":"Repository not found"}', ["refused the download"]),
        (b"", ["is empty (0 bytes)"]),
        (zip_archive(), ["a zip archive; unpack it first: unzip file"]),
        (tar_archive(), ["a tar archive; unpack it first: tar -xf file"]),
        (gzip.compress(tar_archive(), mtime=0), ["a gzip archive; unpack it first: tar -xf file"]),
        (gzip.compress(b"x" * 99, mtime=0), ["a gzip archive; unpack it first: gunzip file"]),
        (gzip.compress(tar_archive(), mtime=0)[:40], ["a gzip archive; unpack it first: gunzip file"]),
    ],
)
def test_recognized(tmp_path: Path, content: bytes, said: list[str]) -> None:
    (tmp_path / "file").write_bytes(content)
    message = failed_download(tmp_path / "file")
    assert message is not None
    assert message.startswith(f"{tmp_path / 'file'} is ")
    for part in said:
        assert part in message


@pytest.mark.parametrize(
    "content",
    [
        question_answering_graph(),
        lookup_graph("question-answering", (-1, -1, -1)),
        b'{"model_type": "albert"}',
        b"PK\x03\x04\x00\x00\x08\x08" + bytes(22) + b"archive/data.pkl",  # a PyTorch file that was cut short
        b"The forbidden city. Not a pointer: version https://git-lfs.github.com/spec/v1",
        b"<unk>\n[CLS]\n",
        b"error",
    ],
)
def test_not_taken_for_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert failed_download(tmp_path / "file") is None


def test_no_file_at_all(tmp_path: Path) -> None:
    assert failed_download(tmp_path) is None
    assert failed_download(tmp_path / "absent") is None
    (tmp_path / "link").symlink_to("../blobs/123")
    assert "link is a link to ../blobs/123, which is not there" in (failed_download(tmp_path / "link") or "")


@pytest.mark.parametrize("content", [LFS_POINTER, WEB_PAGE, b"", zip_archive()])
@pytest.mark.parametrize("name", ["model.onnx", "model.tflite"])
def test_graphs(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BundleError, match=r"a pointer of Git LFS|a web page|is empty|unpack it first"):
        open_engine(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["manifest.json", "config.json", "tokenizer_config.json", "spiece.model", "model.onnx"]
)
@pytest.mark.parametrize("verify", [True, False])
def test_files_of_a_bundle(tmp_path: Path, name: str, verify: bool) -> None:
    bundle = make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())
    (bundle / name).write_bytes(LFS_POINTER)
    with pytest.raises(UnsupportedError, match=rf"{name} is a pointer of Git LFS(.|\n)*git lfs pull"):
        load(bundle, verify=verify)


def test_an_archive_in_place_of_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(zip_archive())
    with pytest.raises(AlbertError, match=r"unpack it first: unzip bundle\.zip"):
        open_bundle(tmp_path / "bundle.zip")


@pytest.mark.parametrize("name", ["spiece.model", "tokenizer_config.json", "special_tokens_map.json"])
def test_files_of_a_tokenizer(tmp_path: Path, name: str) -> None:
    folder = make_bundle(tmp_path / "bundle", "question-answering")
    (folder / "tokenizer_config.json").unlink()
    (folder / name).write_bytes(LFS_POINTER)
    with pytest.raises(UnsupportedError, match=f"{name} is a pointer of Git LFS"):
        AlbertTokenizer.from_folder(folder)
