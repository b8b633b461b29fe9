"""OnnxExporter: the graph of each precision, and what becomes of outliers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import albert_runtime
from albert_export.checkpoints import Checkpoint, read_checkpoint
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.export import export_onnx
from albert_export.export.context import ExportContext
from albert_export.export.onnx_exporter import OnnxOptions
from albert_export.quantization.recipes import PER_CHANNEL, PLAIN
from albert_export.quantization.search_report import text_table
from albert_export.reference.registry import build_reference
from albert_export.samples.texts import calibration_corpus
from albert_export.verification import parity_report as parity
from albert_runtime.errors import AccuracyError, ParityError, UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, DemoBundleOf
from tests.demo_answers import is_right
from tools.plant_outliers import plant

CLS = "text-classification"


def context_for(checkpoint: Checkpoint) -> ExportContext:
    return ExportContext(
        checkpoint=checkpoint,
        task=TASKS[CLS],
        reference=build_reference(checkpoint, CLS),
        tokenizer=load_tokenizer(checkpoint),
        framework="torch",
        calibration_texts=calibration_corpus(),
        allow_random_head=False,
        progress=lambda step: None,
    )


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    graph = onnx.load(str(folder / "model.onnx")).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


@pytest.mark.parametrize(
    ("precision", "operator", "kind"),
    [
        ("int8", "MatMulInteger", "dynamic int8"),
        ("int4", "MatMulNBits", "blockwise int4"),
        ("int8-static", "DequantizeLinear", "static int8"),
    ],
)
def test_precisions(precision: str, operator: str, kind: str, demo_bundle_of: DemoBundleOf) -> None:
    bundle = demo_bundle_of("onnx", CLS, precision)
    session = albert_runtime.load(bundle)
    manifest = session.manifest
    operators = {node.op_type for node in onnx.load(str(bundle / "model.onnx")).graph.node}
    assert operator in operators
    assert any(kind.split()[-1] in name or kind.split()[0] in name for name in manifest.quantized["matrix_products"])
    assert manifest.quantized["quantized_share"] > 0.8
    assert manifest.quantized["needs"]["onnxruntime"] == ("1.17" if precision == "int4" else None)
    [*_, taken] = manifest.recipe_search["trials"]
    assert taken["violations"] == []
    assert taken["agreement"] >= 99
    assert taken["recipe"] == manifest.quantized["recipe"]
    assert taken["bytes"] == (bundle / "model.onnx").stat().st_size
    examples = demo_examples(CLS)
    assert all(is_right(session, one.inputs, one.expected) for one in examples)
    card = (bundle / "README.md").read_text()
    assert "## Answers kept" in card
    assert f"| {taken['recipe']} | {taken['agreement']:.1f}% |" in card


def test_every_shared_weight_is_quantized_once(tmp_path: Path, demo_bundle_of: DemoBundleOf) -> None:
    # a budget that the first recipe meets on every processor
    export_onnx(demo_checkpoint("fill-mask"), tmp_path / "bundle", precision="int8", max_drop=5)
    weights = weights_of(tmp_path / "bundle")
    # the projection of the embeddings is small, and stays in float32
    large = [array for name, array in weights.items() if array.size >= 4096 and "mapping_in" not in name]
    assert {array.dtype for array in large} == {np.dtype(np.int8)}
    contents = [array.tobytes() for array in large]
    assert len(set(contents)) == len(contents)
    vocabulary = [array for array in large if 573 in array.shape]
    assert len(vocabulary) == 1  # the embedding table is the decoder too
    float32_file = demo_bundle_of("onnx", "fill-mask", "fp32") / "model.onnx"
    size = (tmp_path / "bundle" / "model.onnx").stat().st_size
    # in so small a file, the operators take more bytes than the weights
    assert size < 0.4 * float32_file.stat().st_size


@pytest.mark.parametrize(("processor", "largest"), [(None, 63), ("avx2", 63), ("arm64", 127), ("avx512-vnni", 127)])
def test_processors_choose_the_range_of_weights(processor: str | None, largest: int, tmp_path: Path) -> None:
    # the exporter alone: on a processor of another kind, an export would find wrong answers and go on to blocks
    context = context_for(read_checkpoint(demo_checkpoint(CLS)))
    graph = OnnxOptions("int8", processor=processor).exporter_for(context).write(PER_CHANNEL, tmp_path)
    matrices = {name: array for name, array in weights_of(tmp_path).items() if "ffn" in name}
    quantized = [array for array in matrices.values() if array.dtype == np.int8]
    assert len(quantized) == 2
    assert {int(np.abs(array.astype(int)).max()) for array in quantized} == {largest}
    assert graph.quantized["processor"] == (processor or "any")


def test_exporters_made_by_the_same_options_share_nothing(tmp_path: Path) -> None:
    """Each exporter belongs to one context, so the graph of one model never reaches another model's bundle."""
    options = OnnxOptions("fp32")
    first, second = (read_checkpoint(demo_checkpoint(CLS)) for _ in range(2))
    second.weights["albert.pooler.bias"] *= np.float32(0.5)
    exporters = [options.exporter_for(context_for(checkpoint)) for checkpoint in (first, second)]
    for exporter, checkpoint in zip(exporters, (first, second), strict=True):
        exporter.write(PLAIN[0], tmp_path)
        bias = weights_of(tmp_path)["albert.pooler.bias"]
        np.testing.assert_array_equal(bias, checkpoint.weights["albert.pooler.bias"])


def test_outliers_are_split_off_where_they_only_turn_near_ties(tmp_path: Path) -> None:
    """Plain int8 keeps the answers that the planted model is sure of, but not those it is undecided about."""
    model = plant(demo_checkpoint("pretraining"), tmp_path / "planted", value=30)
    exported = export_onnx(model, tmp_path / "bundle", precision="int8", max_drop=4)
    plain, split = exported.manifest.recipe_search["trials"]
    assert plain["agreement"] >= 96
    assert plain["agreement"] - 100 * plain["near_ties"] / plain["texts"] < 96
    assert plain["violations"] == ["kept but for near ties; outlier channels can be split off"]
    assert split["recipe"] == "outlier split"
    assert split["near_ties"] < plain["near_ties"]


def test_outliers_are_split_off_where_they_cost_answers(tmp_path: Path) -> None:
    model = plant(demo_checkpoint(CLS), tmp_path / "planted", ffn=60, value=30)
    exported = export_onnx(model, tmp_path / "bundle", precision="int8")
    trials = exported.manifest.recipe_search["trials"]
    print(text_table(exported.manifest.recipe_search))
    errors = {trial["recipe"]: trial["logit_error"] for trial in trials}
    assert trials[0]["violations"], "the planted outliers should break plain int8"
    assert trials[-1]["recipe"] == "outlier split"
    assert errors["outlier split"] < errors["per-channel"] / 3
    outliers = exported.manifest.quantized["outliers"]
    assert list(outliers["ffn_channels"].values()) == [4]
    assert next(iter(outliers["rescaled_value_channels"].values())) >= 4
    floats = {name: array for name, array in weights_of(tmp_path / "bundle").items() if ".outliers." in name}
    assert {(array.dtype, array.shape) for array in floats.values()} == {(np.dtype(np.float32), (4, 96))}


def test_a_budget_that_no_recipe_keeps_is_refused_with_the_table(tmp_path: Path) -> None:
    with pytest.raises(AccuracyError) as refusal:
        export_onnx(demo_checkpoint("question-answering"), tmp_path / "bundle", precision="int4", max_drop=0)
    message = str(refusal.value)
    assert refusal.value.exit_code == 7
    assert "0 of 100 answers may differ" in message
    rows = [line for line in message.splitlines() if "answers differ" in line or "in higher precision" in line]
    assert len(rows) >= 6
    assert "Nothing was written" in message
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_fails_parity_is_refused(
    tmp_path: Path, checkpoint_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parity.RELATIVE_TOLERANCES, "int8", 1e-9)
    with pytest.raises(ParityError, match="the int8 graph"):
        export_onnx(checkpoint_of("fill-mask"), tmp_path / "bundle", precision="int8")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int4", "processor": "avx2"}, "--avx2 chooses the range of int8 weights, and int4 has none"),
        ({"precision": "fp32", "processor": "arm64"}, "--arm64 chooses"),
        ({"precision": "int8", "max_drop": -1}, "not a number of points"),
        ({"precision": "int8", "eval_data": "nowhere.tsv"}, "nowhere.tsv"),
        ({"precision": "int8", "calibration_data": "nowhere.txt"}, "nowhere.txt"),
    ],
)
def test_wrong_requests(options: dict[str, Any], message: str, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(UsageError) as refusal:
        export_onnx(checkpoint_of(CLS), tmp_path / "bundle", **options)
    assert message in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_equal_requests_give_equal_bytes(tmp_path: Path) -> None:
    for precision in ("int8", "int4"):
        one, two = (
            export_onnx(demo_checkpoint(CLS), tmp_path / f"{precision}-{name}", precision=precision).folder
            for name in ("one", "two")
        )
        assert (one / "model.onnx").read_bytes() == (two / "model.onnx").read_bytes()


def test_a_matrix_beyond_float16_stays_in_float32(tmp_path: Path) -> None:
    """Query and key are scaled against each other: the same function, with weights beyond the range of float16."""
    checkpoint = read_checkpoint(demo_checkpoint(CLS))
    layer = "albert.encoder.albert_layer_groups.0.albert_layers.0.attention."
    for matrix, factor in (("query", 1e6), ("key", 1e-6)):
        for kind in ("weight", "bias"):
            checkpoint.weights[f"{layer}{matrix}.{kind}"] *= np.float32(factor)
    exporter = OnnxOptions("int8").exporter_for(context_for(checkpoint))
    exporter.write(PER_CHANNEL.keeping("query", "value"), tmp_path)
    kinds = {name: array.dtype for name, array in weights_of(tmp_path).items()}
    assert kinds[f"{layer}query.weight"] == np.float32
    assert kinds[f"{layer}value.weight_half"] == np.float16
