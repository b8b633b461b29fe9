from __future__ import annotations

import json

import pytest

from albert_runtime.bundle import open_bundle, sha256_of
from albert_runtime.errors import BundleError, UsageError
from tests.runtime.tiny_bundle import make_bundle


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path / "bundle", "text-classification", model=b"graph", config={"hidden_size": 4})


def test_opens(bundle):
    opened = open_bundle(bundle)
    assert opened.manifest.task == opened.task.name == "text-classification"
    assert opened.model_file == bundle / "model.onnx"
    assert opened.config["hidden_size"] == 4
    assert opened.id2label == {0: "bad", 1: "good"}


def test_accepts_a_str(bundle):
    assert open_bundle(str(bundle)).folder == bundle


def test_sha256_of_more_than_one_piece(tmp_path):
    file = tmp_path / "zeros"
    file.write_bytes(bytes((1 << 20) + 1))
    # coreutils: head -c 1048577 /dev/zero | sha256sum
    assert sha256_of(file) == "2cb74edba754a81d121c9db6833704a8e7d417e5b13d1a19f4a52f007d644264"


@pytest.mark.parametrize("change", [lambda content: content + b"\0", lambda content: b"G" + content[1:]])
def test_refuses_a_changed_file(bundle, change):
    model = bundle / "model.onnx"
    model.write_bytes(change(model.read_bytes()))
    with pytest.raises(BundleError, match=r"model.onnx \(\d bytes\) is not the file that was exported"):
        open_bundle(bundle)
    open_bundle(bundle, check=False)


def test_lists_every_missing_and_damaged_file(bundle):
    (bundle / "spiece.model").unlink()
    (bundle / "config.json").write_text("{}")
    with pytest.raises(BundleError) as caught:
        open_bundle(bundle)
    assert "spiece.model is missing" in str(caught.value)
    assert "config.json (2 bytes) is not" in str(caught.value)


def test_missing_files_are_reported_even_without_the_check_of_hashes(bundle):
    (bundle / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx is missing"):
        open_bundle(bundle, check=False)


@pytest.mark.parametrize("content", [b"not json", b"\xff\xfe{", b"[" * 100_000])
@pytest.mark.parametrize("name", ["manifest.json", "config.json"])
def test_refuses_invalid_json(bundle, name, content):
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} is not valid JSON"):
        open_bundle(bundle, check=False)


def test_refuses_a_config_that_is_not_an_object(bundle):
    (bundle / "config.json").write_text("[1]")
    with pytest.raises(BundleError, match="must hold a JSON object, not list"):
        open_bundle(bundle, check=False)


def test_refuses_a_newer_format(bundle):
    record = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**record, "format_version": 2}))
    with pytest.raises(BundleError, match="pip install --upgrade albert-runtime"):
        open_bundle(bundle)


@pytest.mark.parametrize("change", [{"format_version": 2}, {"max_length": -1}, {"colour": 1}])
def test_a_wrong_manifest_is_reported_with_its_folder(bundle, change):
    record = json.loads((bundle / "manifest.json").read_text())
    if "colour" in change:
        del record["labels"]
    (bundle / "manifest.json").write_text(json.dumps({**record, **change}))
    with pytest.raises(BundleError) as caught:
        open_bundle(bundle)
    assert str(caught.value).startswith(f"{bundle}: the ")


def test_a_missing_folder(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        open_bundle(tmp_path / "absent")


def test_a_name_that_no_folder_can_have():
    with pytest.raises(UsageError, match="can't look into"):
        open_bundle("x" * 5000)


def test_a_file_of_a_bundle_points_to_its_folder(bundle):
    with pytest.raises(UsageError, match=f"give the whole folder: {bundle}"):
        open_bundle(bundle / "model.onnx")


def test_an_empty_folder(tmp_path):
    with pytest.raises(BundleError, match="is an empty folder"):
        open_bundle(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "model.ckpt-best.index"])
def test_the_message_about_a_checkpoint_says_how_to_export_it(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(BundleError, match=f"albert-export onnx --model {tmp_path}"):
        open_bundle(tmp_path)


def test_a_folder_with_other_files(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(BundleError, match=r"it has no manifest\.json"):
        open_bundle(tmp_path)
