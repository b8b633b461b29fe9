"""What each precision makes of a tiny model: which layers it quantizes, how near outputs are, what is stored once."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.builtin_operators import old_code, operators_without_options
from albert_converters.tflite.convert import to_tflite
from albert_converters.tflite.inspection import inspect_tflite
from albert_converters.tflite.quantize import quantize
from albert_export.export.tf_embedding_lookup import int8_rows
from albert_export.export.tf_function import SHARED_LAYERS, head_pattern, trace_reference
from albert_export.quantization.gptq import input_hessians
from albert_export.quantization.tf_linears import run_with_forward_hooks, temporary_int4_weights
from albert_export.targets import PRECISIONS
from albert_runtime.errors import ConversionError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf
from tests.tiny_graph import difference, inputs_of, plan_of, reference_of, run_tflite
from tests.tiny_tflite import TinyModel, two_linear_layers

#: a task with every kind of linear layer: shared layers, pooler, a tied decoder, and a small head
TASK = "pretraining"
QUANTIZED = [precision for precision in PRECISIONS if precision != "fp32"]
SAMPLES = [inputs_of(TASK, rows=1, length=length, seed=length) for length in (5, 16, 32, 48)]
IDENTITY = np.eye(16, dtype=np.float32)


class Files:
    """The float32 and the quantized file of each precision; each is converted once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reference = reference_of(folder, TASK)
        self.table = self.reference.albert.embeddings.word_embeddings.weight.numpy()
        self._files: dict[str, tuple[bytes, bytes]] = {}

    def __getitem__(self, precision: str) -> tuple[bytes, bytes]:
        if precision not in self._files:
            int4_weights: Any = contextlib.nullcontext()
            if precision == "int4":
                hessians = input_hessians(lambda hook: run_with_forward_hooks(self.reference, SAMPLES, hook))
                int4_weights = temporary_int4_weights(self.reference, hessians)
            with int4_weights:
                before = to_tflite(trace_reference(self.reference, TASKS[TASK], plan_of(self.folder, TASK, precision)))
            after = before
            if precision != "fp32":
                after = self.quantized(before, precision)
            self._files[precision] = before, after
        return self._files[precision]

    def quantized(self, before: bytes, precision: str) -> bytes:
        samples = SAMPLES if precision == "int8-static" else []
        return quantize(
            before,
            precision,
            shared_layers=SHARED_LAYERS,
            floats=head_pattern(TASKS[TASK]) if precision == "int8-static" else "",
            calibration=samples,
        )


@pytest.fixture(scope="module")
def files(checkpoint_of: CheckpointOf) -> Files:
    return Files(checkpoint_of(TASK))


def facts(content: bytes, folder: Path) -> dict[str, Any]:
    file = folder / "model.tflite"
    file.write_bytes(content)
    return inspect_tflite(file)


def fully_connected(content: bytes) -> list[tuple[str, str, int]]:
    """Return the output's name, the type of the weights and the operator's version of each FULLY_CONNECTED."""
    model = tflite_model.loads(content)
    return [
        (
            tflite_model.text(graph.tensors[operator.outputs[0]].name),
            tflite_model.type_name(graph.tensors[operator.inputs[1]]),
            model.operatorCodes[operator.opcodeIndex].version,
        )
        for graph in model.subgraphs
        for operator in graph.operators
        if tflite_model.operator_name(model, operator) == "FULLY_CONNECTED"
    ]


@pytest.mark.parametrize(
    ("precision", "arithmetic"),
    [
        # the mapping of embeddings, the pooler, both heads, the decoder's dense layer, and six of the shared layer
        ("fp16", {"float, float16 weights": 11}),
        ("int8", {"dynamic": 11}),
        ("int4", {"dynamic": 11}),
        # unrolled, three times the six
        ("int8-static", {"static": 22, "float": 1}),
    ],
)
def test_the_arithmetic_of_each_precision(
    precision: str, arithmetic: dict[str, int], files: Files, tmp_path: Path
) -> None:
    found = facts(files[precision][1], tmp_path)
    assert found["arithmetic"] == arithmetic
    assert found["duplicated_weights"] == []
    # the two logits of sentence order stay float, since values beyond the calibrated range would be clipped
    assert found["float_products"] == (["sop_logits"] if precision == "int8-static" else [])
    assert "QUANTIZE" in found["operators"] or precision != "int8-static"


@pytest.mark.parametrize("precision", ["fp16", "int8", "int4", "int8-static"])
def test_large_weights_are_quantized_as_small_ones(
    precision: str, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quantizer gets a model without its large weights, but has to run a static one."""
    before, after = files[precision]
    monkeypatch.setattr("albert_converters.tflite.detached_weights._LEAST_BYTES", 100)
    assert files.quantized(before, precision) == after


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [
        ("fp16", 2e-3),  # 11 bits, in three passes over random weights that are not small
        ("int8", 0.05),  # rounding errs by 1/254 of a row's largest value, and three passes add up
        ("int4", 0.05),  # against the same 4-bit weights in float32: only int8 arithmetic differs, as above
        ("int8-static", 0.1),  # one scale for all tokens of all inputs
    ],
)
def test_outputs_are_near_those_of_the_float32_graph(precision: str, tolerance: float, files: Files) -> None:
    before, after = files[precision]
    for arrays in SAMPLES:
        off = difference(run_tflite(after, **arrays), run_tflite(before, **arrays))
        assert 0 < off < tolerance


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_word_embeddings_are_stored_once(precision: str, files: Files, tmp_path: Path) -> None:
    """The lookup and the decoder of masked words read the same buffer."""
    table = files.table
    forms = {
        "float32": table,
        "float16": table.astype(np.float16),
        "int8": int8_rows(table)[0],
    }
    wanted = {"fp32": "float32", "fp16": "float16"}.get(precision, "int8")
    content = files[precision][1]
    assert {name: content.count(form.tobytes()) for name, form in forms.items()} == {
        name: int(name == wanted) for name in forms
    }
    assert facts(content, tmp_path)["weight_bytes"][wanted] >= table.size * forms[wanted].itemsize


@pytest.mark.parametrize("precision", PRECISIONS)
def test_other_readers_find_all_that_they_need(precision: str, files: Files) -> None:
    """No BITCAST, and for each operator its options, and its code in the field that OpenVINO reads."""
    model = tflite_model.loads(files[precision][1])
    assert list(operators_without_options(model)) == []
    assert [code.deprecatedBuiltinCode for code in model.operatorCodes] == [
        old_code(one) for one in model.operatorCodes
    ]
    names = {tflite_model.operator_name(model, one) for graph in model.subgraphs for one in graph.operators}
    assert "BITCAST" not in names
    assert {"GATHER", "FULLY_CONNECTED", "CAST"} <= names


def test_int4_is_for_the_shared_layers(files: Files) -> None:
    kinds = {name: kind for name, kind, _ in fully_connected(files["int4"][1])}
    shared = {name for name in kinds if SHARED_LAYERS in name}
    assert {kinds[name] for name in shared} == {"int4"}
    assert len(shared) == 6
    assert {kinds[name] for name in kinds.keys() - shared} == {"int8"}


def test_operator_versions_keep_older_engines_out(files: Files) -> None:
    """tflite-runtime 2.14 would load per-channel dynamic int8 of an older version, and compute wrong results."""
    for precision in ("int8", "int4"):
        assert {version >= 12 for _, _, version in fully_connected(files[precision][1])} == {True}
    for precision in ("fp32", "fp16", "int8-static"):
        assert {version >= 12 for _, _, version in fully_connected(files[precision][1])} == {False}


@pytest.mark.parametrize("precision", QUANTIZED)
def test_nothing_is_printed(precision: str, files: Files, capfd: pytest.CaptureFixture[str]) -> None:
    before, after = files[precision]
    capfd.readouterr()
    assert files.quantized(before, precision) == after  # equal models give equal bytes
    out, err = capfd.readouterr()
    assert out == ""
    messages = [line for line in err.splitlines() if "Created TensorFlow Lite XNNPACK delegate" not in line]
    assert messages == []


@pytest.mark.parametrize("place", [0, 7, 15])
def test_ranges_hold_every_peak(place: int) -> None:
    """A moving average would turn a peak of 100 in one sample of sixteen into 8."""
    model = tflite_model.dumps(two_linear_layers(IDENTITY, 2 * IDENTITY))
    quiet = np.linspace(-1, 1, 16, dtype=np.float32)[None]
    samples = [{"x": quiet} for _ in range(16)]
    samples[place] = {"x": 100 * quiet}
    y = run_tflite(quantize(model, "int8-static", calibration=samples), x=100 * quiet)["y"]
    np.testing.assert_allclose(y, 200 * quiet, atol=400 / 255)


def test_static_ranges_need_inputs() -> None:
    with pytest.raises(ConversionError, match=r"int8-static finds the ranges .* none were given"):
        quantize(tflite_model.dumps(two_linear_layers(IDENTITY, IDENTITY)), "int8-static")


@pytest.mark.parametrize("precision", QUANTIZED)
def test_a_model_without_linear_layers_is_refused(precision: str) -> None:
    tiny = TinyModel()
    graph = tiny.graph()
    x, y = graph.input("x", [-1, 16]), graph.tensor("y", [-1, 16])
    graph.operator("MUL", [x, graph.constant("weights", np.ones(16, np.float32))], [y], schema.MulOptionsT())
    graph.outputs(y)
    tiny.sign({"x": x}, {"y": y})
    samples = [{"x": np.ones((1, 16), np.float32)}]
    with pytest.raises(ConversionError, match=f"quantizing to {precision} changed nothing") as caught:
        quantize(tflite_model.dumps(tiny.model), precision, calibration=samples)
    assert caught.value.exit_code == 5


def test_int4_that_finds_no_shared_layers_is_refused() -> None:
    model = tflite_model.dumps(two_linear_layers(IDENTITY, IDENTITY))
    with pytest.raises(ConversionError, match="quantizing to int4 changed nothing"):
        quantize(model, "int4", shared_layers="no such layer")


def test_a_failure_of_the_quantizer_is_reported() -> None:
    with pytest.raises(ConversionError, match=r"can't make int8 of the model: .+"):
        quantize(b"not a model", "int8")
