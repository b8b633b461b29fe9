"""Folders in a cache of the Hugging Face hub: every file is a link to one that is called by its hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx
import pytest

from albert_export.cli.main import main
from albert_export.utils.folder_name import folder_name
from tests.conftest import CheckpointOf
from tests.tiny_onnx import matrix, node, tiny_onnx

COMMIT = "8e2f239c5f8a2c0f253781ca60135db913e5c80c"


def cached(folder: Path, cache: Path, below: str = "") -> Path:
    """Put the files of `folder` into `cache` as huggingface_hub does; returns the link my-albert to the snapshot."""
    blobs, snapshot = cache / "models--x--y" / "blobs", cache / "models--x--y" / "snapshots" / COMMIT
    blobs.mkdir(parents=True, exist_ok=True)
    (snapshot / below).mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        blob = blobs / hashlib.sha256(file.read_bytes()).hexdigest()
        blob.write_bytes(file.read_bytes())
        place = snapshot / below / file.name
        place.symlink_to(Path(*[".."] * (2 + bool(below)), "blobs", blob.name))
        assert place.is_file()
    link = cache / "my-albert"
    link.symlink_to(snapshot)
    return link


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.export
def test_a_checkpoint(
    tmp_path: Path,
    checkpoint_of: CheckpointOf,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = cached(checkpoint_of("question-answering"), tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    assert f"checkpoint {link}" in answer(capsys, "inspect", link)
    answer(capsys, "onnx", "--model", link, "--quiet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "my-albert-onnx"]
    assert "Exported from `my-albert`" in (tmp_path / "my-albert-onnx" / "README.md").read_text("utf-8")
    assert not [path for path in (tmp_path / "my-albert-onnx").iterdir() if path.is_symlink()]
    assert json.loads(answer(capsys, "verify", "my-albert-onnx", "--model", link, "--json", "--quiet"))["passed"]


def test_a_bundle(tmp_path: Path, bundle_of: CheckpointOf, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = bundle_of("question-answering")
    link = cached(bundle, tmp_path)
    request = ["--question", "who wrote it", "--context", "ada lovelace wrote it", "--json"]
    assert answer(capsys, "run", link, *request) == answer(capsys, "run", bundle, *request)
    assert f"bundle {link}" in answer(capsys, "inspect", link)
    record = json.loads(answer(capsys, "doctor", link, "--fix", tmp_path / "out.onnx", "--json", "--quiet"))
    assert record["file"] == str(link / "model.onnx")
    assert record["repair"]["repaired"]["healthy"]
    assert json.loads(answer(capsys, "verify", link, "--model", bundle, "--json", "--quiet"))["passed"]


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_weights_beside_the_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """onnx itself refuses weights in a file that is a link."""
    (tmp_path / "made").mkdir()
    model = tiny_onnx([node("MatMul", "x w", "y")], {"w": matrix(0)})
    place = str(tmp_path / "made" / "model.onnx")
    onnx.save(model, place, save_as_external_data=True, location="model.onnx_data", size_threshold=0)
    if kind == "symbolic":
        file = cached(tmp_path / "made", tmp_path, below="onnx") / "onnx" / "model.onnx"
    else:
        file = tmp_path / "made" / "model.onnx"
        (tmp_path / "second").hardlink_to(tmp_path / "made" / "model.onnx_data")
    assert "MatMul 1" in answer(capsys, "inspect", file)
    record = json.loads(answer(capsys, "doctor", file, "--fix", tmp_path / "out.onnx", "--json", "--quiet"))
    assert [result["name"] for result in record["results"]] == ["several-files"]
    repaired = onnx.load(tmp_path / "out.onnx", load_external_data=False)
    assert repaired.graph.initializer[0].raw_data == matrix(0).tobytes()


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname"])
def test_weights_elsewhere_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], location: str) -> None:
    model = tiny_onnx([node("MatMul", "x w", "y")], {"w": matrix(0)})
    (tmp_path / "made").mkdir()
    (tmp_path / "secret").write_bytes(matrix(0).tobytes())
    place = tmp_path / "made" / "model.onnx"
    onnx.save(model, str(place), save_as_external_data=True, location="weights", size_threshold=0)
    held = onnx.load(place, load_external_data=False)
    held.graph.initializer[0].external_data[0].value = location
    place.write_bytes(held.SerializeToString())
    assert main(["doctor", str(place)]) == 3
    assert "keeps weights in files outside of its folder" in capsys.readouterr().err


def test_names_are_those_that_were_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / COMMIT / "inside").mkdir(parents=True)
    (tmp_path / "my-albert").symlink_to(COMMIT)
    monkeypatch.chdir(tmp_path / COMMIT / "inside")
    assert folder_name(tmp_path / "my-albert") == "my-albert"
    assert folder_name(f"{tmp_path}/my-albert/") == "my-albert"
    assert folder_name(".") == "inside"
    assert folder_name("..") == COMMIT


@pytest.mark.parametrize("command", ["doctor", "inspect"])
def test_a_link_to_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    (tmp_path / "model.onnx").symlink_to("../../blobs/0123")
    assert main([command, str(tmp_path / "model.onnx")]) == 2
    assert "is a link to ../../blobs/0123, which is not there; fetch it again" in capsys.readouterr().err
