"""Bundles with several graphs: which one is opened, and that the others need not be there."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import albert_runtime
from albert_converters.packed_writer import pack_bundle, unpack_bundle
from albert_runtime.bundle import MANIFEST_FILE, open_bundle
from albert_runtime.errors import BundleError, UsageError
from albert_runtime.manifest import Manifest
from tests.runtime.tiny_bundle import make_bundle_of_two

REQUEST = {"question": "where?", "context": "the tower stands in paris and rome is not far from there"}
SECOND = "onnx/model_quantized.onnx"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle_of_two(tmp_path / "two")


def answer(bundle: Path, precision: str | None = None) -> tuple[str, float]:
    found = albert_runtime.load(bundle, precision=precision)(**REQUEST)
    return found.text, round(found.score, 6)


def test_the_graph_that_is_asked_for(folder: Path) -> None:
    assert answer(folder) == answer(folder, "fp32") != answer(folder, "int8")
    bundle = open_bundle(folder, precision="int8")
    assert bundle.precisions == ("fp32", "int8")
    assert bundle.manifest.precision == "int8"
    assert bundle.model_file == folder / SECOND
    assert "onnx/model.onnx" not in bundle.manifest.files
    assert answer(folder, "q8") == answer(folder, "int8")
    with pytest.raises(UsageError, match="no graph in 'int4'; it has: fp32, int8"):
        albert_runtime.load(folder, precision="int4")


def test_a_pickled_session_opens_the_same_graph(folder: Path) -> None:
    session = albert_runtime.load(folder, precision="int8")
    again = pickle.loads(pickle.dumps(session))
    assert again.manifest.precision == "int8"
    assert again(**REQUEST) == session(**REQUEST)


def test_only_the_files_of_the_graph_are_checked(folder: Path) -> None:
    expected = answer(folder)
    (folder / SECOND).write_bytes(b"damaged")
    assert answer(folder) == expected
    with pytest.raises(BundleError, match=r"model_quantized\.onnx .* is not the file that was exported"):
        albert_runtime.load(folder, precision="int8")
    with pytest.raises(BundleError, match=r"model_quantized\.onnx"):
        pack_bundle(folder)
    (folder / SECOND).unlink()
    assert answer(folder) == expected
    with pytest.raises(BundleError, match=r"model_quantized\.onnx is missing"):
        albert_runtime.load(folder, precision="int8")


def test_packed(folder: Path, tmp_path: Path) -> None:
    packed = pack_bundle(folder)
    for precision in ("fp32", "int8"):
        assert answer(packed, precision) == answer(folder, precision)
    copy = unpack_bundle(packed, tmp_path / "copy")
    for file in (one for one in folder.rglob("*") if one.is_file()):
        assert (copy / file.relative_to(folder)).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({"int8": {"model_file": "onnx/absent.onnx"}}, '"files" has no hash for onnx/absent.onnx'),
        ({"int8": {"opset": 18}}, 'for int8 no other graph, "model_file"'),
        ({"fp32": {"model_file": SECOND}}, 'for fp32 no other graph, "model_file"'),
        ({"int8": {"model_file": SECOND, "task": "fill-mask"}}, 'the field "task", which holds for all graphs'),
        ({"int8": {"model_file": SECOND, "opset": "18"}}, '"opset" must be a whole number or null'),
        ({"int8": SECOND}, '"variants" must be a table of precisions'),
        ([SECOND], '"variants" must be a table of precisions'),
    ],
)
def test_wrong_variants(folder: Path, variants: Any, message: str) -> None:
    record = json.loads((folder / MANIFEST_FILE).read_text())
    with pytest.raises(BundleError) as refused:
        Manifest.from_dict({**record, "variants": variants})
    assert message in str(refused.value)
