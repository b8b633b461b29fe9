"""Google's head for SQuAD v2.0 gives the numbers of Google's graph, and its answers are those of Google's script."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import torch

import albert_export
from albert_export.checkpoints import read_checkpoint, write_checkpoint
from albert_export.evaluation import find_model
from albert_runtime.tasks import TASKS

tf = pytest.importorskip("tensorflow")


from tests.conftest import TINY, VOCABULARY  # noqa: E402
from tests.google_checkpoint import GOOGLE_CONFIG, encoder_variables, save_google  # noqa: E402
from tests.google_squad_v2 import GoogleHead, features, head_shapes, pad, sigmoid, write_predictions  # noqa: E402

SETTINGS = {**GOOGLE_CONFIG, **{name: value for name, value in TINY.items() if name != "initializer_range"}}
HEAD = TASKS["question-answering"].with_head("beam-search")
FRAMEWORKS = {"torch": "", "tf": "TF"}
CONTEXT = (
    "The old lighthouse stands on a narrow island north of the harbour. Its keeper, a quiet man from Norway, "
    "climbed the two hundred steps every evening to light the lamp, and every morning to put it out. In 1911 a "
    "storm broke the lower windows, and the sea carried his small boat away. He waited eleven days for help."
)
QUESTIONS = ("Who climbed the steps?", "When did a storm break the windows?", "What is the capital of Peru?")


@pytest.fixture(scope="module")
def variables():
    generator = np.random.default_rng(3)
    shapes = encoder_variables(SETTINGS) | head_shapes(SETTINGS["hidden_size"])
    return {
        name: (0.4 * generator.standard_normal(shape) + name.endswith("gamma")).astype(np.float32)
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory, variables):
    folder = tmp_path_factory.mktemp("google") / "squad_v2"
    save_google(folder, variables, **SETTINGS)
    shutil.copy(VOCABULARY, folder)
    return folder


@pytest.fixture(scope="module")
def models(folder):
    name = "AlbertForQuestionAnsweringBeamSearch"
    return {key: getattr(albert_export, prefix + name).from_pretrained(folder) for key, prefix in FRAMEWORKS.items()}


@pytest.fixture(scope="module")
def session(folder):
    return find_model(folder).open()


def batch(lengths, length, seed=0):
    """(inputs, p_mask): [CLS] question [SEP] context [SEP] and padding, the mask written token by token."""
    generator = np.random.default_rng(seed)
    arrays = {name: np.zeros((len(lengths), length), np.int64) for name in ("input_ids", "attention_mask", "segments")}
    p_mask = np.ones((len(lengths), length), np.int64)
    for row, tokens in enumerate(lengths):
        question = int(generator.integers(1, tokens - 3))  # leaves one token for the context
        arrays["input_ids"][row, :tokens] = generator.integers(5, 30000, tokens)
        arrays["attention_mask"][row, :tokens] = 1
        arrays["segments"][row, question + 2 : tokens] = 1
        p_mask[row, 0] = 0
        p_mask[row, question + 2 : tokens - 1] = 0
    arrays["token_type_ids"] = arrays.pop("segments")
    return arrays, p_mask


def run(models, framework, arrays, **labels):
    if framework == "torch":
        with torch.inference_mode():
            made = {name: torch.from_numpy(np.asarray(array)) for name, array in {**arrays, **labels}.items()}
            return {
                name: np.asarray(value) for name, value in vars(models["torch"](**made)).items() if value is not None
            }
    made = {name: tf.constant(array, tf.int32) for name, array in {**arrays, **labels}.items()}
    return {name: value.numpy() for name, value in vars(models["tf"](**made)).items() if hasattr(value, "numpy")}


def hidden_states(models, arrays):
    with torch.inference_mode():
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return models["torch"].albert(**tensors).last_hidden_state.numpy()


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("lengths", "length"), [([5], 5), ([7], 7), ([12, 6, 9], 12), ([20, 48, 33, 5], 48), ([31, 30], 40)]
)
def test_the_head_is_googles(models, variables, framework, lengths, length):
    arrays, p_mask = batch(lengths, length, seed=length)
    expected = GoogleHead(variables, hidden_states(models, arrays), p_mask).predictions(5, 5)
    got = run(models, framework, arrays)
    assert set(HEAD.outputs) <= set(got)
    for name, array in expected.items():
        assert got[name].shape == array.shape, name
        if name.endswith("index"):
            np.testing.assert_array_equal(got[name], array, err_msg=name)
        else:
            possible = array > -1e29  # Google gives -1e30 to what can't be in an answer, and the product -1e4
            np.testing.assert_allclose(got[name][possible], array[possible], atol=1e-5, rtol=1e-5, err_msg=name)
            assert (got[name][~possible] < -9e3).all()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_mask_may_be_given(models, variables, framework):
    arrays, p_mask = batch([20, 14], 20)
    p_mask[:, 10:13] = 1
    expected = GoogleHead(variables, hidden_states(models, arrays), p_mask).predictions(5, 5)
    got = run(models, framework, arrays, p_mask=p_mask)
    np.testing.assert_array_equal(got["end_top_index"], expected["end_top_index"])
    np.testing.assert_allclose(got["cls_logits"], expected["cls_logits"], atol=1e-5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_loss_is_googles(models, variables, framework):
    arrays, p_mask = batch([20, 14, 17], 20)
    starts = np.array([np.flatnonzero(row == 0)[2] for row in p_mask])
    starts[1] = 0
    labels = {
        "start_positions": starts,
        "end_positions": np.where(starts == 0, 0, starts + 1),
        "is_impossible": np.array([0, 1, 0]),
    }
    expected = GoogleHead(variables, hidden_states(models, arrays), p_mask).loss(*labels.values())
    got = run(models, framework, arrays, **labels)
    np.testing.assert_allclose(got["loss"], expected, rtol=1e-5)
    without = run(models, framework, arrays, **{name: labels[name] for name in ("start_positions", "end_positions")})
    assert 0 < float(without["loss"]) < float(got["loss"])
    assert "start_top_index" not in got


def test_every_weight_gets_the_same_gradient_in_both(models):
    arrays, p_mask = batch([20, 14, 17], 20)
    starts = np.array([np.flatnonzero(row == 0)[1] for row in p_mask])
    labels = {"start_positions": starts, "end_positions": starts + 1, "is_impossible": np.array([0, 1, 0])}
    model = models["torch"]
    model(**{name: torch.from_numpy(array) for name, array in {**arrays, **labels}.items()}).loss.backward()
    weights = models["tf"].named_weights()
    with tf.GradientTape() as tape:
        made = {name: tf.constant(array, tf.int32) for name, array in {**arrays, **labels}.items()}
        loss = models["tf"](**made).loss
    gradients = tape.gradient(loss, [weight.value for weight in weights.values()])
    for (name, parameter), gradient in zip(model.named_weights().items(), gradients, strict=True):
        expected, got = parameter.grad.numpy(), tf.convert_to_tensor(gradient).numpy()
        np.testing.assert_allclose(got, expected, atol=1e-5 * max(1.0, np.abs(expected).max()), err_msg=name)
    model.zero_grad()


def test_keras_trains_with_the_models_own_loss(folder):
    model = albert_export.TFAlbertForQuestionAnsweringBeamSearch.from_pretrained(folder)
    arrays, p_mask = batch([20, 14, 17], 20)
    starts = np.array([np.flatnonzero(row == 0)[1] for row in p_mask])
    labels = {"start_positions": starts, "end_positions": starts + 1, "is_impossible": np.array([0, 1, 0])}
    model.answer_class.dropout.rate = 0.0  # so that the loss falls in every step
    model.compile("sgd")
    history = model.fit({**arrays, **labels}, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_a_hugging_face_folder_holds_the_same_model(folder, models, tmp_path):
    checkpoint = read_checkpoint(folder)
    assert checkpoint.tasks == ("feature-extraction", "question-answering")
    write_checkpoint(tmp_path / "converted", checkpoint.config, checkpoint.weights)
    models["tf"].save_pretrained(tmp_path / "saved")
    arrays, _ = batch([20, 14], 20)
    expected = run(models, "torch", arrays)
    for name in ("converted", "saved"):
        model = albert_export.AlbertForQuestionAnsweringBeamSearch.from_pretrained(tmp_path / name)
        for output, array in run({"torch": model}, "torch", arrays).items():
            np.testing.assert_array_equal(array, expected[output], err_msg=output)


@pytest.mark.parametrize("doc_stride", [8, 20])
@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_those_of_googles_script(session, models, variables, question, doc_stride, monkeypatch):
    made = features(session.tokenizer, question, CONTEXT, max_seq_length=40, doc_stride=doc_stride)
    assert len(made) > 2
    arrays = {
        "input_ids": pad([one.ids for one in made], 0),
        "attention_mask": pad([[1] * len(one.ids) for one in made], 0),
        "token_type_ids": pad([one.segment_ids for one in made], 0),
    }
    head = GoogleHead(variables, hidden_states(models, arrays), pad([one.p_mask for one in made], 1))
    outputs = head.predictions(5, 5)
    results = [{name: array[row] for name, array in outputs.items()} for row in range(len(made))]
    options = {"n_best_size": 20, "max_answer_length": 30}
    nbest, best, score_null = write_predictions(made, results, CONTEXT, **options)
    asked = {"max_seq_len": 40, "doc_stride": doc_stride, "max_answer_len": 30, "align_to_words": False}

    answers = session(question, CONTEXT, 20, **asked, handle_impossible_answer=False)
    assert [one.text for one in answers] == [text for text, _ in nbest]
    np.testing.assert_allclose(np.log([one.score for one in answers]), [score for _, score in nbest], atol=1e-4)
    assert answers[0].text == best
    assert all(CONTEXT[one.start : one.end] == one.text for one in answers)
    assert answers[0].null_score == pytest.approx(sigmoid(score_null), abs=1e-6)
    assert session.null_odds(answers[0]) == pytest.approx(score_null, abs=1e-4)

    for threshold in (score_null - 0.1, score_null + 0.1):
        _, prediction, _ = write_predictions(made, results, CONTEXT, **options, null_score_diff_threshold=threshold)
        monkeypatch.setattr(session, "manifest", dataclasses.replace(session.manifest, null_threshold=threshold))
        answer = session(question, CONTEXT, **asked)
        assert answer.text == prediction
        assert (answer.text == "") == (threshold < score_null)
        ranked = session(question, CONTEXT, 500, **asked)
        assert (ranked[0] if threshold < score_null else ranked[-1]).text == ""
