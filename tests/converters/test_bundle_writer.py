"""A bundle is written completely or not at all, and nothing that existed before is lost."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from albert_converters import bundle_writer
from albert_converters.bundle_writer import file_hashes, new_bundle, refuse_overwrite
from albert_runtime.errors import ConversionError, UsageError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(target: Path, content: str, *, force: bool = False) -> None:
    with new_bundle(target, force=force) as folder:
        (folder / "manifest.json").write_text(content)


def test_the_bundle_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "bundle"
    with new_bundle(target) as folder:
        (folder / "manifest.json").write_text("{}")
        assert not target.exists()
    assert names(target) == ["manifest.json"]
    assert names(target.parent) == ["bundle"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_when_the_block_fails(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), new_bundle(tmp_path / "bundle") as folder:
        (folder / "model.onnx").write_bytes(b"half")
        raise error
    assert names(tmp_path) == []


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="No space left"), new_bundle(tmp_path / "bundle"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert names(tmp_path) == []


def test_an_existing_folder_is_kept_without_force(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "old")
    with pytest.raises(UsageError, match=r"already exists.*--force"):
        write(tmp_path / "bundle", "new")
    assert (tmp_path / "bundle" / "manifest.json").read_text() == "old"


def test_force_replaces_a_bundle(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "old")
    write(tmp_path / "bundle", "new", force=True)
    assert (tmp_path / "bundle" / "manifest.json").read_text() == "new"
    assert names(tmp_path) == ["bundle"]


def test_force_keeps_the_old_bundle_when_the_new_one_fails(tmp_path: Path) -> None:
    write(tmp_path / "bundle", "old")
    with pytest.raises(ValueError, match="no"), new_bundle(tmp_path / "bundle", force=True):
        raise ValueError("no")
    assert (tmp_path / "bundle" / "manifest.json").read_text() == "old"
    assert names(tmp_path) == ["bundle"]


def test_force_never_replaces_what_is_not_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"meow")
    (tmp_path / "note.txt").write_text("mine")
    for name in ("photos", "note.txt"):
        with pytest.raises(UsageError, match="is not a bundle, so --force does not replace it"):
            refuse_overwrite(tmp_path / name, force=True)
    assert names(tmp_path / "photos") == ["cat.png"]


def test_an_empty_folder_may_become_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    write(tmp_path / "bundle", "new")
    assert names(tmp_path / "bundle") == ["manifest.json"]


def test_the_second_of_two_runs_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    with pytest.raises(UsageError, match="already exists"), new_bundle(target) as folder:
        (folder / "manifest.json").write_text("slow")
        write(target, "quick")
    assert (target / "manifest.json").read_text() == "quick"
    assert names(tmp_path) == ["bundle"]


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        refuse_overwrite(tmp_path / "file" / "bundle", force=False)


def test_a_read_only_file_system_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(bundle_writer.Path, "mkdir", refuse)
    with pytest.raises(UsageError, match=r"can't write to .*Read-only file system"), new_bundle(tmp_path / "bundle"):
        pass


def test_hashes_of_every_file_except_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "empty").write_bytes(b"")
    assert file_hashes(tmp_path) == {"empty": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}


def test_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with new_bundle(Path()) as part:
        (part / "file").write_text("text")
    assert (folder / "file").read_text() == "text"


def test_a_link_to_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with new_bundle(tmp_path / "link") as part:
        (part / "file").write_text("text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "file").read_text() == "text"
