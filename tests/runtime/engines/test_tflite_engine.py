from __future__ import annotations

import sys
import types
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import albert_runtime
from albert_runtime.engines import Engine, open_engine
from albert_runtime.engines.tflite_engine import LiteRTEngine, TensorFlowLiteEngine, TFLiteRuntimeEngine
from albert_runtime.engines.tflite_operators import lack_of_operators
from albert_runtime.errors import BundleError, DependencyError, OperatorError, UsageError
from albert_runtime.postprocessing.probabilities import softmax
from albert_runtime.tasks import INPUT_NAMES, TASKS
from tests.runtime.lookup_graph import lookup_graph, table
from tests.runtime.tiny_bundle import LABELS, make_bundle

#: task -> the arguments of a call, with a text of more than 16 tokens if the task allows that
LONG = "the tower stands in paris and ada lovelace lived in london " * 4
REQUESTS = {
    "feature-extraction": (LONG,),
    "pretraining": ("she wrote", "the [MASK] of france"),
    "fill-mask": ("a [MASK] film",),
    "text-classification": ("a good film", LONG),
    "token-classification": (LONG,),
    "multiple-choice": ("he opened", ["the film", "the door", "a good capital of france"]),
    "question-answering": ("where is ada", LONG),
}


@pytest.fixture
def engine_of(tmp_path):
    """A function that loads a graph of `lookup_graph` into LiteRT."""

    def load(*arguments, **options):
        (tmp_path / "model.tflite").write_bytes(lookup_graph(*arguments, **options))
        return LiteRTEngine(tmp_path / "model.tflite", threads=1)

    return load


def random_ids(*shape, seed=0):
    """Inputs with ids below 199, a third of them padding."""
    draw = np.random.default_rng(seed)
    return {
        "input_ids": draw.integers(0, 199, shape),
        "attention_mask": (draw.random(shape) > 1 / 3).astype(np.int64),
        "token_type_ids": draw.integers(0, 2, shape),
    }


def looked_up(inputs, name, width=None):
    """The values of an output of `lookup_graph` that has a sequence axis."""
    index = inputs["input_ids"] * inputs["attention_mask"] + inputs["token_type_ids"]
    return table(name, width)[index] + np.float32(0.1)


class TestNames:
    def test_binds_by_name_and_ignores_other_arrays(self, engine_of):
        engine = engine_of("question-answering", (-1, -1))
        assert isinstance(engine, Engine)
        assert engine.input_names == INPUT_NAMES
        assert sorted(engine.output_names) == ["end_logits", "start_logits"]
        inputs = random_ids(2, 5)
        outputs = engine.run({"more": np.zeros(1), **dict(reversed(inputs.items()))})
        assert sorted(outputs) == ["end_logits", "start_logits"]
        for name, output in outputs.items():
            np.testing.assert_array_equal(output, looked_up(inputs, name))
            assert output.dtype == np.float32

    def test_task_library_names(self, engine_of):
        names = {"inputs": ("ids", "mask", "segment_ids")}
        engine = engine_of("question-answering", (1, 5), **names)
        assert engine.input_names == INPUT_NAMES
        inputs = random_ids(1, 5)
        np.testing.assert_array_equal(engine.run(inputs)["end_logits"], looked_up(inputs, "end_logits"))

    def test_task_library_probabilities_become_logits_of_equal_softmax(self, engine_of):
        engine = engine_of("token-classification", (1, 5), outputs=["probability"])
        assert engine.output_names == ("logits",)
        inputs = random_ids(1, 5)
        # The graph looks up random numbers; scaled, those above 0 are probabilities.
        given = np.maximum(looked_up(inputs, "logits", 2), 0)
        some = given.sum(axis=-1) > 0
        shares = given[some] / given[some].sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(softmax(engine.run(inputs)["logits"][some]), shares, atol=1e-6)

    @pytest.mark.parametrize("dtype", [np.int32, np.int64])
    @pytest.mark.parametrize("given", [np.int32, np.int64, np.float64])
    def test_inputs_are_converted_to_the_declared_type(self, engine_of, dtype, given):
        engine = engine_of("question-answering", (-1, -1), dtype=dtype)
        inputs = random_ids(2, 6)
        strided = {name: np.asfortranarray(array.astype(given)) for name, array in inputs.items()}
        np.testing.assert_array_equal(engine.run(strided)["start_logits"], looked_up(inputs, "start_logits"))

    def test_lists_all_missing_inputs(self, engine_of):
        with pytest.raises(UsageError, match=r"(?s)attention_mask \[any, 8\], int32.*token_type_ids"):
            engine_of("fill-mask", (-1, 8)).run({"input_ids": np.zeros((1, 2))})

    def test_inputs_must_be_numbers(self, engine_of):
        with pytest.raises(UsageError, match="takes arrays of numbers"):
            engine_of("fill-mask", (-1, -1)).run({**random_ids(1, 1), "input_ids": np.array([["a"]])})


class TestShapes:
    def test_any_shape_after_any_other(self, engine_of):
        engine = engine_of("question-answering", (-1, -1))
        for seed, shape in enumerate([(1, 1), (1, 384), (8, 3), (1, 384), (2, 512), (1, 1), (1, 1)]):
            inputs = random_ids(*shape, seed=seed)
            np.testing.assert_array_equal(engine.run(inputs)["end_logits"], looked_up(inputs, "end_logits"))

    def test_a_graph_for_one_sequence_computes_several_one_at_a_time(self, engine_of):
        static, dynamic = (engine_of("feature-extraction", shape) for shape in ((1, 6), (-1, -1)))
        inputs = random_ids(3, 6)
        expected = dynamic.run(inputs)
        for name, output in static.run(inputs).items():
            np.testing.assert_array_equal(output, expected[name])

    @pytest.mark.parametrize("shape", [(1, 1, 6), (-1, 1, 6), (1, -1, 6), (1, 3, 6), (-1, -1, -1)])
    def test_a_graph_for_one_choice_computes_several_one_at_a_time(self, engine_of, shape):
        inputs = random_ids(2, 3, 6)
        outputs = engine_of("multiple-choice", shape).run(inputs)
        expected = (looked_up(inputs, "logits") - np.float32(0.1)).sum(axis=-1) + 0.1
        np.testing.assert_allclose(outputs["logits"], expected, atol=1e-5)

    def test_a_static_graph_names_the_shapes_that_it_takes(self, engine_of):
        with pytest.raises(UsageError, match=r"input_ids is \[1, 5\], the graph takes \[1, 6\]"):
            engine_of("fill-mask", (1, 6)).run(random_ids(1, 5))
        with pytest.raises(UsageError, match=r"input_ids is \[1, 3, 6\], the graph takes \[any, 4, 6\]"):
            engine_of("multiple-choice", (-1, 4, 6)).run(random_ids(1, 3, 6))

    @pytest.mark.parametrize("shape", [(5,), (1, 2, 3), (0, 5), (5, 0)])
    def test_shapes_that_no_graph_takes(self, engine_of, shape):
        with pytest.raises(UsageError, match=r"does not take.*\n  - input_ids is .*, the graph takes \[any, any\]"):
            engine_of("fill-mask", (-1, -1)).run(random_ids(*shape))

    def test_inputs_must_have_the_same_shape(self, engine_of):
        inputs = random_ids(2, 5)
        with pytest.raises(UsageError, match=r"attention_mask is \[1, 5\], input_ids is \[2, 5\]"):
            engine_of("fill-mask", (-1, -1)).run({**inputs, "attention_mask": inputs["attention_mask"][:1]})

    def test_the_engine_works_after_a_shape_that_fails(self, engine_of):
        def mask_of_seven(model):
            # The ids are multiplied by seven ones instead of the mask, so the graph takes only seven tokens.
            graph = model.subgraphs[0]
            seven = schema.BufferT(data=np.ones(7, np.int32).view(np.uint8))
            model.buffers.append(seven)
            graph.tensors.append(schema.TensorT(name="seven", shape=[7], type=2, buffer=len(model.buffers) - 1))
            graph.operators[0].inputs[1] = len(graph.tensors) - 1

        engine = engine_of("question-answering", (-1, -1), change=mask_of_seven)
        inputs = {**random_ids(1, 7), "attention_mask": np.ones((1, 7))}
        for _ in range(2):
            with pytest.raises(UsageError, match=r"can't run model\.tflite on inputs of \[1, 5\]: .*broadcast"):
                engine.run(random_ids(1, 5))
            np.testing.assert_array_equal(engine.run(inputs)["end_logits"], looked_up_all(inputs))


def looked_up_all(inputs):
    return looked_up({**inputs, "attention_mask": np.ones_like(inputs["input_ids"])}, "end_logits")


class TestSharing:
    def test_outputs_belong_to_the_caller(self, engine_of):
        engine = engine_of("question-answering", (-1, -1))
        inputs = random_ids(1, 8)
        kept = [engine.run(inputs)["end_logits"]]
        for seed in range(4):
            kept.append(engine.run(random_ids(1, 8 + seed, seed=seed))["end_logits"])
        np.testing.assert_array_equal(kept[0], looked_up(inputs, "end_logits"))
        kept[0][:] = 0
        np.testing.assert_array_equal(engine.run(inputs)["end_logits"], looked_up(inputs, "end_logits"))

    def test_threads_share_it(self, engine_of):
        engine = engine_of("question-answering", (-1, -1))
        batches = [random_ids(3, seed + 2, seed=seed) for seed in range(24)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(engine.run, batches * 8))
        for number, outputs in enumerate(together):
            np.testing.assert_array_equal(outputs["end_logits"], looked_up(batches[number % 24], "end_logits"))

    def test_the_same_shape_is_not_resized_again(self, engine_of, monkeypatch):
        engine = engine_of("question-answering", (-1, -1))
        changes = []
        resize = engine._resize
        monkeypatch.setattr(engine, "_resize", lambda shapes: (changes.append(shapes["input_ids"]), resize(shapes)))
        for length in (4, 4, 9, 9, 4):
            engine.run(random_ids(1, length))
        assert changes == [(1, 4), (1, 9), (1, 4)]


class TestRefusals:
    @pytest.mark.parametrize("ids", [[[500, 1]], [[-1, 1]]])
    def test_an_id_outside_the_vocabulary_is_a_usage_error(self, engine_of, ids):
        engine = engine_of("fill-mask", (-1, -1))
        inputs = {"input_ids": np.array(ids), "attention_mask": np.ones((1, 2)), "token_type_ids": np.zeros((1, 2))}
        for _ in range(2):
            with pytest.raises(
                UsageError, match=r"on inputs of \[1, 2\].*gather.*an id is none of the model's"
            ) as caught:
                engine.run(inputs)
            # The interpreter repeats its previous messages, but the error message must not.
            assert str(caught.value).count("failed to invoke") == 1
        assert engine.run(random_ids(1, 2))["logits"].shape == (1, 2, 200)

    @pytest.mark.parametrize("engine_class", [LiteRTEngine, TFLiteRuntimeEngine])
    @pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9])
    def test_a_truncated_graph(self, tmp_path, engine_class, share, monkeypatch):
        monkeypatch.setattr(engine_class, "version", "2.14")
        whole = lookup_graph("question-answering", (1, 16))
        (tmp_path / "model.tflite").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(BundleError, match=r"model\.tflite"):
            engine_class(tmp_path / "model.tflite")

    @pytest.mark.parametrize("content", [b"not a graph" * 100, b"\x1c\0\0\0TFL3" + bytes(1000)])
    def test_files_that_are_not_graphs(self, tmp_path, content):
        (tmp_path / "model.tflite").write_bytes(content)
        with pytest.raises(BundleError, match=r"litert \d.* can't load .*model\.tflite: .*; export the model again"):
            LiteRTEngine(tmp_path / "model.tflite")

    def test_files_that_can_not_be_read(self, tmp_path):
        for file in (tmp_path, tmp_path / "absent.tflite"):
            with pytest.raises(BundleError, match="can't load"):
                LiteRTEngine(file)

    def test_a_numpy_that_the_old_runtime_was_not_built_for(self, tmp_path, monkeypatch):
        def interpreter(**_):
            raise SystemError("<built-in method CreateWrapperFromFile> returned a result with an exception set")

        monkeypatch.setitem(sys.modules, "tflite_runtime", types.SimpleNamespace(__version__="2.14.0"))
        monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", types.SimpleNamespace(Interpreter=interpreter))
        (tmp_path / "model.tflite").write_bytes(lookup_graph("fill-mask", (1, 4)))
        with pytest.raises(DependencyError, match=r"tflite-runtime 2\.14\.0 does not .* pip install 'numpy<2'"):
            open_engine(tmp_path / "model.tflite", name="tflite-runtime")

    def test_a_graph_without_a_signature(self, engine_of):
        with pytest.raises(BundleError, match="it has no signature"):
            engine_of("fill-mask", (1, 4), change=lambda model: setattr(model, "signatureDefs", []))

    @pytest.mark.parametrize(
        ("change", "operator", "advice"),
        [
            ({"version": 99}, "MUL, version 99", "pip install --upgrade ai-edge-litert"),
            ({"builtinCode": 999}, "number 999", "pip install --upgrade ai-edge-litert"),
            ({"customCode": "FlexErf", "builtinCode": 32}, "FlexErf", r"'tensorflow<2\.19'.*--engine tf-lite"),
            ({"customCode": "Rhyme", "builtinCode": 32}, "Rhyme", "albert-export tflite"),
        ],
    )
    def test_operators_that_it_lacks(self, engine_of, change, operator, advice):
        def spoil(model):
            # the code of MUL, the first operator
            vars(model.operatorCodes[0]).update(change, deprecatedBuiltinCode=min(127, change.get("builtinCode", 18)))
            if "customCode" in change:
                vars(model.subgraphs[0].operators[0]).update(builtinOptionsType=0, builtinOptions=None)

        with pytest.raises(
            OperatorError, match=rf"(?s)litert .* lacks operators of .*- {operator}.*{advice}"
        ) as caught:
            engine_of("fill-mask", (1, 4), change=spoil)
        assert caught.value.exit_code == 9


def test_a_type_that_an_operator_lacks():
    """The message of LiteRT below 1.4 and tflite-runtime 2.14 about an fp16 bundle for the target litert."""
    problems, advice = lack_of_operators("Type 'FLOAT16' is not supported by gather. Node number 2", "tflite-runtime")
    assert problems == ["GATHER of float16"]
    assert "--target tflite-runtime" in advice


class TestSessions:
    """Whole sessions on a graph of a static length, whose answers must be those of a dynamic graph."""

    @pytest.fixture
    def load(self, tmp_path):
        def load(task, shape, **fields):
            labels = len(LABELS.get(task, "ab"))
            graph = lookup_graph(task, shape, labels=labels)
            bundle = make_bundle(tmp_path / "bundle", task, model=graph, model_file="model.tflite", **fields)
            return albert_runtime.load(bundle, threads=1)

        return load

    @pytest.mark.parametrize("task", TASKS)
    def test_every_task_at_a_static_length(self, load, task):
        axes = len(TASKS[task].input_axes)
        dynamic = load(task, (-1,) * axes, max_length=16)
        static = load(task, (1,) * (axes - 1) + (16,), sequence_length=16)
        assert static.engine.name == "litert"
        expected, answer = dynamic(*REQUESTS[task]), static(*REQUESTS[task])
        if task == "feature-extraction":
            np.testing.assert_allclose(answer.vector, expected.vector, atol=1e-5)
            np.testing.assert_array_equal(answer.tokens, expected.tokens)
        elif task in ("text-classification", "multiple-choice"):
            # A sum over 16 positions is added up in another order than a sum over fewer.
            np.testing.assert_allclose(scores(answer), scores(expected), atol=1e-5)
        else:
            assert answer == expected

    def test_says_which_engine_runs(self, load):
        session = load("question-answering", (-1, -1))
        assert f"on litert {session.engine.version}>" in repr(session)

    def test_threads_share_a_session(self, load):
        session = load("question-answering", (1, 16), sequence_length=16)
        alone = session(*REQUESTS["question-answering"])
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: session(*REQUESTS["question-answering"]), range(24))) == {alone}


def scores(answer):
    return answer.scores if hasattr(answer, "scores") else [one.score for one in answer]


@pytest.mark.slow
def test_tf_lite_gives_the_same_outputs_and_prints_nothing(tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes(lookup_graph("question-answering", (-1, -1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        engine = open_engine(file, name="tf-lite", threads=1)
    assert isinstance(engine, TensorFlowLiteEngine)
    inputs = random_ids(2, 7)
    np.testing.assert_array_equal(engine.run(inputs)["end_logits"], looked_up(inputs, "end_logits"))
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(BundleError, match=r"tf-lite \d.* can't load"):
        open_engine(file, name="tf-lite")
