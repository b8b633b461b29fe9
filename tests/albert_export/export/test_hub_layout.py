"""The layout `hub`: its files, its refusals, and that it appears complete or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import albert_runtime
from albert_export.export import export_onnx
from albert_export.export.hub_layout import hub_config, write_sentence_transformers
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.pooling import EmbeddingOptions
from tests.conftest import CheckpointOf


def test_two_precisions(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    export_onnx(checkpoint_of("feature-extraction"), folder, layout="hub", precision=["fp16", "fp32"])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["precision"], manifest["model_file"]) == ("fp16", "onnx/model_fp16.onnx")
    assert manifest["variants"]["fp32"]["model_file"] == "onnx/model.onnx"
    on_disk = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert on_disk == {"manifest.json", *manifest["files"]}
    assert manifest["embedding"]["pooling"] == "mean"
    assert json.loads((folder / "1_Pooling/config.json").read_text())["pooling_mode_mean_tokens"] is True
    for precision in ("fp16", "fp32"):
        assert albert_runtime.load(folder, precision=precision).manifest.precision == precision
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        export_onnx(checkpoint_of("feature-extraction"), folder, layout="hub")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        export_onnx(checkpoint_of("feature-extraction"), folder, layout="hub", force=True)
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("damaged", ["{", "[]", '{"files": 3}', "[" * 100_000])
def test_a_damaged_bundle_is_not_replaced(checkpoint_of: CheckpointOf, tmp_path: Path, damaged: str) -> None:
    (tmp_path / "manifest.json").write_text(damaged)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds files that are not the bundle's: notes\.txt"):
        export_onnx(checkpoint_of("fill-mask"), tmp_path, layout="hub", force=True)


@pytest.mark.parametrize(("layout", "precisions"), [("bundle", ["fp32", "int8"]), ("wide", ["fp32"]), ("hub", ["fp9"])])
def test_refusals(checkpoint_of: CheckpointOf, tmp_path: Path, layout: str, precisions: list[str]) -> None:
    with pytest.raises(UsageError, match=r"hub|fp9"):
        export_onnx(checkpoint_of("fill-mask"), tmp_path / "out", layout=layout, precision=precisions)
    assert not (tmp_path / "out").exists()


def test_only_token_classification_is_called_bert() -> None:
    assert hub_config({"model_type": "albert"}, "token-classification")["model_type"] == "bert"
    assert hub_config({"model_type": "albert"}, "fill-mask")["model_type"] == "albert"


def test_sentence_transformers_has_no_pooler(tmp_path: Path) -> None:
    assert not write_sentence_transformers(tmp_path, EmbeddingOptions(), max_length=64, hidden=8)
    assert not any(tmp_path.iterdir())
    options = EmbeddingOptions(pooling="cls", normalize=True)
    assert write_sentence_transformers(tmp_path, options, max_length=64, hidden=8)
    types = [module["type"].rpartition(".")[2] for module in json.loads((tmp_path / "modules.json").read_text())]
    assert types == ["Transformer", "Pooling", "Normalize"]
    assert json.loads((tmp_path / "1_Pooling/config.json").read_text())["pooling_mode_cls_token"] is True
