"""Each check reports the models that have its error, and no others; the repair shares equal weights."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from albert_converters.doctor.diagnosis import CheckResult
from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.doctor import diagnose_tflite
from albert_runtime.errors import UnsupportedError
from tests.conftest import CheckpointOf
from tests.tiny_tflite import TinyGraph, TinyModel, looping_model, scores_of_tokens, two_linear_layers

Examine = Callable[..., dict[str, CheckResult]]
MATRIX = np.random.default_rng(0).standard_normal((16, 16)).astype(np.float32)
OTHER = np.random.default_rng(1).standard_normal((16, 16)).astype(np.float32)


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    """Return a function that examines a model and returns the results by name."""

    def run(model: schema.ModelT, name: str = "model.tflite") -> dict[str, CheckResult]:
        (tmp_path / name).write_bytes(tflite_model.dumps(model))
        return {result.name: result for result in diagnose_tflite(tmp_path / name).results}

    return run


def small(build: Callable[[TinyGraph, int], int], **inputs: tuple[list[int], type]) -> schema.ModelT:
    """A model of one graph with the inputs x `[batch, 16]` and `inputs`; its output is what `build` returns for x."""
    tiny = TinyModel()
    graph = tiny.graph()
    x = graph.input("x", [-1, 16])
    given = {name: graph.input(name, axes, dtype) for name, (axes, dtype) in inputs.items()}
    y = build(graph, x)
    graph.outputs(y)
    tiny.sign({"x": x, **given}, {"y": y})
    return tiny.model


def binary(operator: str, constant: np.ndarray) -> Callable[[TinyGraph, int], int]:
    def build(graph: TinyGraph, x: int) -> int:
        y = graph.tensor("y", [-1, 16])
        graph.operator(operator, [x, graph.constant("number", constant)], [y])
        return y

    return build


def test_healthy_models(examine: Examine) -> None:
    assert examine(two_linear_layers(MATRIX, OTHER)) == {}
    assert examine(looping_model(MATRIX)) == {}


def test_our_own_exports_are_healthy(tflite_bundle_of: CheckpointOf) -> None:
    for task in ("question-answering", "fill-mask"):
        diagnosis = diagnose_tflite(tflite_bundle_of(task) / "model.tflite")
        assert diagnosis.errors == ()
        assert not {"misread-operators", "bitcasts"} & {result.name for result in diagnosis.results}
        assert diagnosis.vocabulary_size == 30000


def test_duplicated_weights_are_shared(examine: Examine, tmp_path: Path) -> None:
    result = examine(two_linear_layers(MATRIX, MATRIX))["duplicated-weights"]
    assert result.is_error
    assert result.wasted_bytes == MATRIX.nbytes
    done, content = diagnose_tflite(tmp_path / "model.tflite").repair()
    assert done == ["shared equal weights: 1,024 bytes"]
    (tmp_path / "repaired.tflite").write_bytes(content)
    assert diagnose_tflite(tmp_path / "repaired.tflite").results == ()
    assert diagnose_tflite(tmp_path / "repaired.tflite").repair()[0] == []


def test_packed_files_are_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(tflite_model.dumps(two_linear_layers(MATRIX, MATRIX)))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("labels.txt", "no\nyes")
    with pytest.raises(UnsupportedError, match=r"labels\.txt"):
        diagnose_tflite(file).repair()


def test_transposed_copies(examine: Examine) -> None:
    result = examine(two_linear_layers(MATRIX, MATRIX.T.copy()))["transposed-copies"]
    assert result.where == ("second: 1,024 bytes",)
    assert not result.repairable


def test_operators_that_older_readers_take_for_others(examine: Examine, tmp_path: Path) -> None:
    model = two_linear_layers(MATRIX, OTHER)
    model.operatorCodes[0].deprecatedBuiltinCode = 0
    result = examine(model)["misread-operators"]
    assert (result.where, result.is_error) == (("FULLY_CONNECTED",), False)
    done, content = diagnose_tflite(tmp_path / "model.tflite").repair()
    assert done == ["wrote the codes of operators for older readers too"]
    (tmp_path / "repaired.tflite").write_bytes(content)
    assert diagnose_tflite(tmp_path / "repaired.tflite").results == ()


def test_bitcasts(examine: Examine) -> None:
    def build(graph: TinyGraph, x: int) -> int:
        y = graph.tensor("y", [-1, 16], np.int32)
        graph.operator("BITCAST", [x], [y])
        return y

    assert examine(small(build))["bitcasts"].what == "1 BITCAST"


def test_hidden_weights(examine: Examine) -> None:
    def build(graph: TinyGraph, x: int) -> int:
        seen, y = graph.tensor("seen", [16, 16]), graph.tensor("y", [-1, 16])
        order = graph.constant("order", np.int32([1, 0]))
        graph.operator("TRANSPOSE", [graph.constant("w", MATRIX), order], [seen], schema.TransposeOptionsT())
        graph.fully_connected(x, seen, y)
        return y

    assert examine(small(build))["hidden-weights"].where == ("w",)


def test_files_that_claim_int8(examine: Examine) -> None:
    found = examine(two_linear_layers(MATRIX, OTHER), "model_int8.tflite")
    assert set(found) == {"claims-int8"}
    assert "0 of 2 matmuls" in found["claims-int8"].what
    assert examine(two_linear_layers(MATRIX.astype(np.int8), OTHER.astype(np.int8)), "model_int8.tflite") == {}


def test_unrolled_layers(examine: Examine) -> None:
    def build(graph: TinyGraph, x: int) -> int:
        weight = graph.constant("w", np.concatenate([MATRIX] * 16, axis=1)[:, :16])
        for _ in range(12):
            y = graph.tensor("y", [-1, 16])
            graph.fully_connected(x, weight, y)
            x = y
        return y

    found = examine(small(build))
    assert not found["unrolled-layers"].is_error
    assert "read by 12 matmuls" in found["unrolled-layers"].what


def test_custom_operators(examine: Examine) -> None:
    def build(name: str) -> Callable[[TinyGraph, int], int]:
        def add(graph: TinyGraph, x: int) -> int:
            y = graph.tensor("y", [-1, 16])
            graph.operator(name, [x], [y])
            return y

        return add

    found = examine(small(build("FlexErf")))["custom-operators"]
    assert found.is_error
    assert found.where == ("FlexErf: 1",)
    assert "TensorFlow up to 2.18" in found.costs
    assert "library of their own" in examine(small(build("MyOwn")))["custom-operators"].costs


def test_outputs_of_sizes_that_only_a_run_tells(examine: Examine, tflite_bundle_of: CheckpointOf) -> None:
    def build(graph: TinyGraph, x: int) -> int:
        shape, y = graph.tensor("shape", [2], np.int32), graph.tensor("y", [-1, 16])
        graph.operator("SHAPE", [x], [shape], schema.ShapeOptionsT(outType=schema.TensorType.INT32))
        graph.operator("RESHAPE", [x, shape], [y], schema.ReshapeOptionsT())
        return y

    found = examine(small(build))["dynamic-outputs"]
    assert not found.is_error
    assert found.where == ("y ['any', 16]",)
    assert "--sequence-length N" in found.remedy
    ours = {result.name: result for result in diagnose_tflite(tflite_bundle_of("fill-mask") / "model.tflite").results}
    assert ours["dynamic-outputs"].where == ("logits ['any', 'any', 30000]",)
    static = scores_of_tokens(np.ones(100, np.float32), np.ones(100, np.float32), length=384)
    assert "dynamic-outputs" not in examine(static)


def test_frozen_shapes_and_missing_inputs(examine: Examine) -> None:
    scores = np.arange(100, dtype=np.float32)
    found = examine(scores_of_tokens(scores, scores + 1, length=384))
    assert not found["frozen-shapes"].is_error
    assert "exactly 384 tokens, 1 at a time" in found["frozen-shapes"].what
    assert examine(scores_of_tokens(scores, scores + 1, length=5))["frozen-shapes"].is_error
    assert "missing-token-type-ids" not in found
    alone = small(binary("ADD", np.float32([1.0])), input_ids=([-1, -1], np.int64))
    assert set(examine(alone)) == {"missing-attention-mask", "missing-token-type-ids", "int64-ids"}


@pytest.mark.parametrize("operator", ["ADD", "MUL", "SUB"])
def test_masks_beyond_float16(examine: Examine, operator: str) -> None:
    assert set(examine(small(binary(operator, np.float32([-3.4e38]))))) == {"mask-overflows-float16"}
    assert examine(small(binary(operator, np.float32([-10000.0])))) == {}


def test_epsilons_that_vanish(examine: Examine) -> None:
    def build(epsilon: float) -> Callable[[TinyGraph, int], int]:
        def add(graph: TinyGraph, x: int) -> int:
            sums, y = graph.tensor("sum", [-1, 16]), graph.tensor("y", [-1, 16])
            graph.operator("ADD", [x, graph.constant("epsilon", np.float32([epsilon]))], [sums])
            graph.operator("RSQRT", [sums], [y])
            return y

        return add

    assert set(examine(small(build(1e-12)))) == {"epsilon-vanishes-in-float16"}
    assert examine(small(build(1e-5))) == {}
