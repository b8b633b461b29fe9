"""The cache folder: where it is, and what it keeps. What its faults do to sessions is in engines/stored_graph."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import albert_runtime
from albert_runtime import user_cache
from albert_runtime.user_cache import cache_folder, clear_cache, read_cached, temporary_folder, write_cached


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALBERT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/albert-runtime"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/albert-runtime"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache/albert-runtime"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, "home/Library/Caches/albert-runtime"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/albert-runtime"),
        ("win32", {}, None),
        ("linux", {"ALBERT_CACHE": "/given"}, "/given"),
        ("linux", {"ALBERT_CACHE": "off"}, None),
    ],
)
def test_where_it_is(
    platform: str, variables: dict[str, str], expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALBERT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path / "home"), **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert cache_folder() == (None if expected is None else tmp_path / expected)


def test_the_public_names() -> None:
    assert albert_runtime.cache_folder is cache_folder
    assert albert_runtime.clear_cache is clear_cache


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_what_was_written_is_read(cache: Path, content: bytes) -> None:
    write_cached("name", content)
    assert read_cached("name") == content


@given(st.binary(max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_what_was_not_written_is_not_read(cache: Path, content: bytes) -> None:
    write_cached("name", b"good")
    (cache / "name.cached").write_bytes(content)
    assert read_cached("name") is None


def test_the_oldest_files_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_cache, "_MOST_FILES", 3)
    for number in range(3):
        write_cached(str(number), b"content")
        os.utime(cache / f"{number}.cached", (1000 + number, 1000 + number))
    assert read_cached("0") == b"content"  # it is the newest now
    write_cached("3", b"content")
    assert {one.name for one in cache.iterdir()} == {"0.cached", "2.cached", "3.cached"}


def test_the_largest_size(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_cache, "_MOST_BYTES", 1000)
    write_cached("first", bytes(600))
    os.utime(cache / "first.cached", (1000, 1000))
    write_cached("second", bytes(600))
    assert [one.name for one in cache.iterdir()] == ["second.cached"]


def test_what_killed_processes_left(cache: Path) -> None:
    write_cached("name", b"content")
    fresh, old, folder = (cache / f".unfinished-{name}" for name in ("fresh", "old", "folder"))
    fresh.touch()
    old.touch()
    folder.mkdir()
    (folder / "weights").touch()
    for one in (old, folder):
        os.utime(one, (time.time() - 7200,) * 2)
    write_cached("name", b"content")
    assert sorted(one.name for one in cache.iterdir()) == [".unfinished-fresh", "name.cached"]


def test_clearing_leaves_other_files(cache: Path) -> None:
    assert clear_cache() == 0
    write_cached("name", b"content")
    (cache / "notes.txt").touch()
    assert clear_cache() == 1
    assert [one.name for one in cache.iterdir()] == ["notes.txt"]


def test_a_temporary_folder_goes(cache: Path) -> None:
    with temporary_folder() as folder:
        assert folder is not None
        assert folder.parent == cache
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").touch()
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user(cache: Path) -> None:
    write_cached("name", b"content")
    os.chown(cache, 12345, 12345)
    assert read_cached("name") is None
    write_cached("other", b"content")
    assert [one.name for one in cache.iterdir()] == ["name.cached"]
