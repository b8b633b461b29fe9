"""Hostile and damaged packed bundles: each is refused with a message, and nothing that a size declares is read."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_converters.packed_writer import pack_bundle
from albert_runtime.bundle import open_bundle
from albert_runtime.errors import AlbertError, BundleError
from albert_runtime.packed.directory import read_directory
from albert_runtime.packed.layout import DIRECTORY_RECORD, END_RECORD, LOCAL_HEADER
from tests.runtime.tiny_bundle import make_bundle


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = make_bundle(tmp_path_factory.mktemp("packed") / "bundle", "fill-mask", model=b"weights" * 50)
    return pack_bundle(folder).read_bytes()


def archive(*entries: tuple[str, bytes], alignment: int = 64, method: int = 0, flags: int = 0) -> bytes:
    """A packed file with these entries, which may be wrong in one way."""
    data, directory = bytearray(), bytearray()
    for name, body in entries:
        encoded, place = name.encode(), len(data)
        padding = -(place + LOCAL_HEADER.size + len(encoded) + 4) % alignment
        shared = (10, flags, method, 0, 33, zlib.crc32(body), len(body), len(body))
        data += LOCAL_HEADER.pack(b"PK\3\4", *shared, len(encoded), padding + 4) + encoded
        data += struct.pack("<2H", 0xD935, padding) + bytes(padding) + body
        directory += DIRECTORY_RECORD.pack(b"PK\1\2", 10, *shared, len(encoded), 0, 0, 0, 0, 0, place) + encoded
    end = END_RECORD.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(data), 0)
    return bytes(data + directory + end)


def problem(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        read_directory(io.BytesIO(data), "x.albert")
    return str(caught.value)


def patched(data: bytes, place: int, form: str, *values: int) -> bytes:
    return data[:place] + struct.pack(form, *values) + data[place + struct.calcsize(form) :]


def first_record(data: bytes) -> int:
    return int(END_RECORD.unpack(data[-END_RECORD.size :])[6])


def test_reads_the_entries_in_their_order():
    entries = read_directory(io.BytesIO(archive(("manifest.json", b"{}"), ("a/b", b"xyz"))), "x.albert")
    assert [(entry.name, entry.size, entry.start % 64) for entry in entries.values()] == [
        ("manifest.json", 2, 0),
        ("a/b", 3, 0),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive(("manifest.json", b""), ("../x", b"")), "'../x' is not the name of a file"),
        (archive(("manifest.json", b""), ("/etc/x", b"")), "'/etc/x' is not the name of a file"),
        (archive(("manifest.json", b""), ("a\\b", b"")), "is not the name of a file"),
        (archive(("manifest.json", b""), ("C:x", b"")), "'C:x' is not the name of a file"),
        (archive(("manifest.json", b""), ("a//b", b"")), "'a//b' is not the name of a file"),
        (archive(("manifest.json", b""), ("folder/", b"")), "'folder/' is not the name of a file"),
        (archive(("manifest.json", b""), ("a", b"1"), ("a", b"2")), "a is there twice"),
        (archive(("manifest.json", b""), ("a", b"1"), ("A", b"2")), "A is there twice"),
        (archive(("a", b"1"), ("manifest.json", b"")), "its first file is a, and must be manifest.json"),
        (archive(("manifest.json", b"{}"), method=8), "it is compressed (method 8)"),
        (archive(("manifest.json", b"{}"), flags=1), "it is encrypted"),
        (archive(("manifest.json", b"{}"), flags=8), "a data descriptor"),
        (archive(("manifest.json", b"{}"), flags=0x40), "its flags are 0x40"),
        (archive(("manifest.json", b"{}"), alignment=1), "as if another tool had packed it"),
        (archive(), "its directory names 0 files"),
        (archive(("manifest.json", b"{}")) + b"\0", "it does not end as a packed bundle does"),
        (b"\0" + archive(("manifest.json", b"{}")), "its directory is not where its end says"),
        (b"", "it is cut short"),
    ],
)
def test_refuses(data, words):
    message = problem(data)
    assert words in message
    assert "albert-export pack" in message


def test_refuses_sizes_and_places_that_contradict_each_other():
    data = archive(("manifest.json", b"{}"), ("a", b"xyz"))
    record = first_record(data)
    second = record + DIRECTORY_RECORD.size + len("manifest.json")
    assert "sizes don't agree" in problem(patched(data, record + 24, "<L", 9))
    assert "don't agree" in problem(patched(data, record + 16, "<L", 1))  # the CRC-32 of the directory only
    assert "overlaps the file before it" in problem(patched(data, second + 42, "<L", 0))
    assert "does not follow" in problem(patched(data, second + 42, "<L", 9999))
    assert "its header is damaged" in problem(b"PX" + data[2:])
    both = patched(patched(data, record + 20, "<2L", 1 << 31, 1 << 31), 18, "<2L", 1 << 31, 1 << 31)
    assert "reaches past the end" in problem(both)
    end = len(data) - END_RECORD.size
    assert "ZIP64" in problem(patched(data, end + 16, "<L", 0xFFFFFFFF))
    assert "ZIP64" in problem(patched(data, end + 8, "<2H", 0xFFFF, 0xFFFF))
    assert "several parts" in problem(patched(data, end + 4, "<H", 1))
    assert "comment" in problem(patched(data, end + 20, "<H", 4))
    assert "its directory is damaged" in problem(patched(data, end + 8, "<2H", 1, 1))


def test_declared_sizes_take_no_memory():
    data = archive(("manifest.json", b"{}"))
    record = first_record(data)
    data = patched(patched(data, record + 20, "<2L", 0xFFFFFFF0, 0xFFFFFFF0), 18, "<2L", 0xFFFFFFF0, 0xFFFFFFF0)
    tracemalloc.start()
    try:
        problem(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_of_another_tool_is_refused(tmp_path, compression):
    folder = make_bundle(tmp_path / "bundle", "fill-mask")
    with zipfile.ZipFile(tmp_path / "x.albert", "w", compression) as other:
        for name in ("manifest.json", "model.onnx", "config.json"):
            other.write(folder / name, name)
    with pytest.raises(BundleError, match="albert-export pack"):
        open_bundle(tmp_path / "x.albert")


def opened(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    open_bundle(file)


def test_truncated_at_every_place(tmp_path, content):
    ends = {*range(0, 400), *range(len(content) - 700, len(content)), *range(0, len(content), 997)}
    for end in sorted(ends):
        with pytest.raises(AlbertError):
            opened(tmp_path / "x.albert", content[:end])


# The local headers' padding holds nothing that is read.
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**9), value=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path, content, place, value):
    place %= len(content)
    changed = bytearray(content)
    changed[place] ^= value
    file = tmp_path / "x.albert"
    try:
        opened(file, bytes(changed))
    except BundleError:
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        bundle = open_bundle(file)
        for name in packed.namelist():
            assert (bundle.folder / name).read_bytes() == packed.read(name)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused(data, with_end):
    data = b"PK\3\4" + data + (END_RECORD.pack(b"PK\5\6", 0, 0, 1, 1, 46, len(data) % 99, 0) if with_end else b"")
    assert "is not a packed bundle, or is damaged" in problem(data)
