"""The TensorFlow reference: training with Keras, the loop, conversion to TFLite, its engine, and building it."""

from __future__ import annotations

import concurrent.futures
import importlib
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from albert_export import AlbertConfig, read_checkpoint
from albert_export.reference import registry
from albert_export.reference.registry import build_reference, installed_framework, reference_engine
from albert_runtime.engines import Engine
from albert_runtime.errors import DependencyError, UsageError
from albert_runtime.tasks import CHOICES, INPUT_NAMES, TASKS
from tests.conftest import TINY, CheckpointOf, save_tiny

tf = pytest.importorskip("tensorflow")
import keras  # type: ignore[import-untyped]  # noqa: E402

from albert_export.reference import tf_albert, tf_heads  # noqa: E402

SMALL: dict[str, Any] = {**TINY, "vocab_size": 60, "num_hidden_layers": 1}
IDS = np.random.default_rng(0).integers(1, 60, (8, 6))
IDS[3:, 4:] = 0
INPUTS = {"input_ids": IDS, "attention_mask": (IDS > 0).astype(np.int64)}
LABELS = np.array([0, 1] * 4)
FROM_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def classifier(**options: Any) -> Any:
    return tf_heads.TFAlbertForSequenceClassification(AlbertConfig(**{**SMALL, **options}))


def answerer(**options: Any) -> Any:
    return tf_heads.TFAlbertForQuestionAnswering(AlbertConfig(**{**SMALL, **options}))


@pytest.fixture(autouse=True)
def equal_random_numbers() -> None:
    keras.utils.set_random_seed(1)


def fit(model: Any, *data: Any, **compiled: Any) -> list[float]:
    """The loss at each of five steps on all of the data."""
    # The model runs eagerly, since tracing the gradient takes longer than these steps.
    model.compile(keras.optimizers.SGD(0.02), **{"run_eagerly": True, **compiled})
    return model.fit(*data, epochs=5, batch_size=8, verbose=0).history["loss"]


class TestTraining:
    def test_the_models_own_loss_falls(self, tmp_path: Path) -> None:
        model = answerer(classifier_dropout_prob=0.0)
        labelled = {**INPUTS, "start_positions": LABELS, "end_positions": LABELS + 2}
        before = float(model(labelled).loss)
        losses = fit(model, labelled)
        assert losses[0] == pytest.approx(before, abs=1e-6)
        assert losses == sorted(losses, reverse=True)
        model.save_pretrained(tmp_path)  # compile and fit added attributes to the model
        after = tf_heads.TFAlbertForQuestionAnswering.from_pretrained(tmp_path)(labelled).loss
        assert float(after) == float(model(labelled).loss) < losses[-1]
        assert model.evaluate(labelled, batch_size=8, verbose=0) == pytest.approx(float(after), abs=1e-6)

    def test_training_in_a_graph(self) -> None:
        losses = fit(classifier(), {**INPUTS, "labels": LABELS}, run_eagerly=False)
        assert losses[-1] < losses[0]

    def test_a_compiled_loss_sees_the_logits(self) -> None:
        model = classifier(classifier_dropout_prob=0.0)
        own = float(model(INPUTS, labels=LABELS).loss)
        model.compile(loss=FROM_LOGITS, metrics=["accuracy"], run_eagerly=True)
        loss, accuracy = model.evaluate(INPUTS, LABELS, batch_size=8, verbose=0)
        assert loss == pytest.approx(own, abs=1e-6)
        assert accuracy == np.mean(model(INPUTS).logits.numpy().argmax(-1) == LABELS)
        losses = fit(model, INPUTS, LABELS, loss=FROM_LOGITS, metrics=["accuracy"])
        assert losses[0] == pytest.approx(own, abs=1e-6)
        assert losses == sorted(losses, reverse=True)

    def test_a_compiled_loss_of_several_outputs(self) -> None:
        model = answerer()
        targets = {"start_logits": LABELS, "end_logits": LABELS + 2}
        own = float(model(INPUTS, start_positions=LABELS, end_positions=LABELS + 2).loss)
        model.compile(loss=dict.fromkeys(targets, FROM_LOGITS), run_eagerly=True)
        both, *each = model.evaluate(INPUTS, targets, batch_size=8, verbose=0)
        assert both == pytest.approx(2 * own, abs=1e-5)
        assert both == pytest.approx(sum(each), abs=1e-5)
        losses = fit(model, INPUTS, targets, loss=FROM_LOGITS)  # one loss for both outputs
        assert losses == sorted(losses, reverse=True)

    def test_predict_gives_arrays_by_name(self) -> None:
        model = answerer()
        got = model.predict(INPUTS, verbose=0)
        assert {name: array.shape for name, array in got.items()} == dict.fromkeys(
            ("start_logits", "end_logits"), (8, 6)
        )
        assert np.abs(got["end_logits"] - model(INPUTS).end_logits).max() <= 1e-5

    @pytest.mark.parametrize(
        ("inputs", "compiled", "message"),
        [
            (INPUTS, {}, "was given neither labels nor targets"),
            ({**INPUTS, "labels": LABELS}, {"loss": FROM_LOGITS}, "there are no targets beside the inputs"),
            ({**INPUTS, "labels": LABELS}, {"metrics": ["accuracy"]}, "there are no targets beside the inputs"),
        ],
    )
    def test_missing_labels_and_targets_are_refused(self, inputs: Any, compiled: Any, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            fit(classifier(), inputs, **compiled)

    @pytest.mark.parametrize(
        "option", ["hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob"]
    )
    def test_dropout_is_on_only_in_training(self, option: str) -> None:
        model = classifier(**{"classifier_dropout_prob": 0.0, option: 0.5})
        once, again = (model(INPUTS).logits.numpy() for _ in range(2))
        assert np.array_equal(once, again)
        once, again = (model(INPUTS, training=True).logits.numpy() for _ in range(2))
        assert not np.array_equal(once, again)

    def test_the_row_of_padding_is_zero_and_not_trained(self) -> None:
        model = classifier()
        table = model.albert.embeddings.word_embeddings.weight
        before = table.numpy()
        assert not before[0].any()
        assert before[1:].all()
        fit(model, {**INPUTS, "labels": LABELS})
        assert not table.numpy()[0].any()
        assert np.abs(table.numpy() - before)[IDS[0]].min() > 0


DEPTHS = [
    {"num_hidden_layers": 3, "hidden_act": "gelu"},
    {"num_hidden_layers": 4, "num_hidden_groups": 3, "inner_group_num": 2},
]


def graph_of(model: Any, task: str, looped: bool) -> Any:
    """The model as a traced function with dynamic shapes."""
    shape = [None] * len(TASKS[task].input_axes)
    names = tuple(TASKS[task].outputs)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.int32, name) for name in INPUT_NAMES])
    def graph(*arrays: Any) -> dict[str, Any]:
        outputs = model(**dict(zip(INPUT_NAMES, arrays, strict=True)))
        return {name: outputs[name] for name in names}

    encoder = getattr(model, "albert", model).encoder
    encoder.looped = looped
    try:
        return graph.get_concrete_function()
    finally:
        encoder.looped = False


def arrays_of(shape: tuple[int, ...]) -> dict[str, NDArray[np.int32]]:
    random = np.random.default_rng(len(shape))
    kept = random.integers(1, shape[-1] + 1, (*shape[:-1], 1))
    return {
        "input_ids": random.integers(0, 60, shape, dtype=np.int32),
        "attention_mask": (np.arange(shape[-1]) < kept).astype(np.int32),
        "token_type_ids": random.integers(0, 2, shape, dtype=np.int32),
    }


class TestLoop:
    @pytest.mark.parametrize("depth", DEPTHS)
    def test_equals_unrolled(self, depth: dict[str, Any]) -> None:
        model = tf_albert.TFAlbertModel(AlbertConfig(**{**SMALL, "max_position_embeddings": 48, **depth}))
        layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
        looped = graph_of(model, "feature-extraction", looped=True)
        loops = [node for node in looped.graph.as_graph_def().node if node.op in ("While", "StatelessWhile")]
        assert len(loops) == model.config.num_hidden_groups
        for shape in ((1, 1), (3, 7), (2, 48)):
            arrays = arrays_of(shape)
            expected = model(arrays)
            got = looped(*(tf.constant(arrays[name]) for name in INPUT_NAMES))
            for name, array in got.items():
                assert np.abs(array - expected[name]).max() <= 1e-5
        head_mask = np.random.default_rng(2).random((layers, heads), dtype=np.float32)
        if layers // model.config.num_hidden_groups >= model.config.inner_group_num:
            expected = model(arrays, head_mask=head_mask)
            model.encoder.looped = True
            got = model(arrays, head_mask=head_mask, output_hidden_states=True, output_attentions=True)
            assert np.abs(got.last_hidden_state - expected.last_hidden_state).max() <= 1e-5
            assert (got.hidden_states, got.attentions) == (None, None)

    @pytest.mark.parametrize(
        ("task", "looped", "depth"),
        [
            ("question-answering", True, DEPTHS[0]),
            ("fill-mask", True, DEPTHS[1]),
            ("multiple-choice", True, {"num_hidden_layers": 2, "hidden_act": "silu"}),
            ("text-classification", False, {"num_hidden_layers": 2}),
        ],
    )
    def test_converts_to_builtin_operators_with_dynamic_shapes(
        self, task: str, looped: bool, depth: dict[str, Any]
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]
        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

        model = getattr(tf_heads, f"TF{TASKS[task].architecture}")(AlbertConfig(**{**SMALL, **depth}))
        constant = convert_variables_to_constants_v2(graph_of(model, task, looped), lower_control_flow=False)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([constant])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        interpreter = Interpreter(model_content=converter.convert())
        operators = [operator["op_name"] for operator in interpreter._get_ops_details()]
        assert operators.count("WHILE") == (model.config.num_hidden_groups if looped else 0)
        assert not any(name.startswith("Flex") for name in operators)
        # Every product with a weight is the operator that engines run fast.
        if not looped:
            assert operators.count("BATCH_MATMUL") == 2 * model.config.num_hidden_layers
            assert operators.count("FULLY_CONNECTED") == 3 + 6 * model.config.num_hidden_layers
        choices = CHOICES in TASKS[task].input_axes
        for shape in ((1, 1), (3, 7), (2, 48)):
            arrays = arrays_of((shape[0], 3, shape[1]) if choices else shape)
            places = {detail["name"].split(":")[0].removeprefix("serving_default_"): detail["index"]
                      for detail in interpreter.get_input_details()}  # fmt: skip
            for name, array in arrays.items():
                interpreter.resize_tensor_input(places[name], array.shape)
            interpreter.allocate_tensors()
            for name, array in arrays.items():
                interpreter.set_tensor(places[name], array)
            interpreter.invoke()
            got = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
            outputs = model(arrays)
            expected = [outputs[name].numpy() for name in sorted(TASKS[task].outputs)]
            for left, right in zip(got, expected, strict=True):
                assert left.shape == right.shape
                assert np.abs(left - right).max() <= 1e-5 * max(1, np.abs(right).max())


class TestEngine:
    def test_it_gives_the_answers_of_the_torch_engine(self, checkpoint_of: CheckpointOf) -> None:
        for name in ("question-answering", "multiple-choice"):
            task, checkpoint = TASKS[name], read_checkpoint(checkpoint_of(name))
            engines = [
                reference_engine(build_reference(checkpoint, name, framework=framework), task, framework)
                for framework in ("torch", "tf")
            ]
            assert isinstance(engines[1], Engine)
            assert (engines[1].name, engines[1].version) == ("tensorflow", tf.__version__)
            shapes = [(1, 1), (3, 7), (2, 48)] if name == "question-answering" else [(1, 2, 5), (2, 3, 8)]
            requests = [{key: value.astype(np.int64) for key, value in arrays_of(shape).items()} for shape in shapes]
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                results = list(pool.map(engines[1].run, requests))
            for request, got in zip(requests, results, strict=True):
                expected = engines[0].run(request)
                assert tuple(got) == engines[1].output_names == tuple(task.outputs)
                for key in expected:
                    assert np.abs(got[key] - expected[key]).max() <= 1e-5 * max(1, np.abs(expected[key]).max())


class TestBuilding:
    def test_a_random_head_is_always_the_same(self, tmp_path: Path) -> None:
        checkpoint = read_checkpoint(save_tiny(tmp_path, "fill-mask", vocab_size=60))
        state = random.getstate()
        first, second = (
            build_reference(checkpoint, "qa", allow_random_head=True, framework="tf").qa_outputs.weight.numpy()
            for _ in range(2)
        )
        assert random.getstate() == state
        assert np.array_equal(first, second)
        assert first.std() > 0.1

    @pytest.mark.parametrize(("framework", "package"), [("torch", "torch"), ("tf", "tensorflow")])
    def test_without_its_framework(
        self, framework: str, package: str, checkpoint_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checkpoint = read_checkpoint(checkpoint_of("fill-mask"))
        for name in [name for name in sys.modules if name.startswith(f"albert_export.reference.{framework}_")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(DependencyError, match=rf"pip install 'albert-export\[{framework}\]'"):
            build_reference(checkpoint, "fill-mask", framework=framework)

    def test_the_framework_that_is_installed_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        installed = {"tensorflow"}
        monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: name if name in installed else None)
        assert installed_framework("tf") == installed_framework("torch") == "tf"
        installed.add("torch")
        assert installed_framework("torch") == "torch"
        installed.clear()
        with pytest.raises(DependencyError, match=r"needs PyTorch or TensorFlow.*albert-export\[tf\]"):
            installed_framework("tf")

    def test_keras_on_another_backend(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        monkeypatch.delitem(sys.modules, "albert_export.reference.tf_layers")
        with pytest.raises(DependencyError, match=r"Keras runs on jax here.*KERAS_BACKEND=tensorflow"):
            importlib.import_module("albert_export.reference.tf_layers")
