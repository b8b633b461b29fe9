from __future__ import annotations

import copy
import json
import logging

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import BundleError
from albert_runtime.self_test import check_self_test, make_self_test
from albert_runtime.tasks import TASKS
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph, write_manifest

INPUTS = {"question": "where is the tower?", "context": "The tower stands in Paris, not in London."}


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path, "question-answering", model=question_answering_graph())


@pytest.fixture
def vector(bundle):
    made = make_self_test(albert_runtime.load(bundle), INPUTS, 1e-4)
    return json.loads(json.dumps(made))


def test_a_vector_is_small_and_holds_the_outputs(bundle, vector):
    session = albert_runtime.load(bundle)
    arrays = session.arrays(**INPUTS)
    assert vector["input_ids"] == arrays["input_ids"].tolist()
    starts = vector["outputs"]["start_logits"]
    assert starts["shape"] == list(arrays["input_ids"].shape)
    assert starts["values"] == session.run(arrays)["start_logits"].ravel()[starts["indices"]].tolist()
    assert (starts["indices"][0], starts["indices"][-1]) == (0, arrays["input_ids"].size - 1)
    assert len(starts["indices"]) == 16


def test_every_task_makes_vectors_that_pass(tmp_path):
    rng = np.random.default_rng(0)
    requests = {
        "feature-extraction": {"text": "a film"},
        "pretraining": {"first": "a film", "second": "a [MASK]"},
        "fill-mask": {"text": "a [MASK]"},
        "text-classification": {"text": "a film"},
        "token-classification": {"text": "a film"},
        "multiple-choice": {"prompt": "a film", "choices": ["good", "bad"]},
        "question-answering": INPUTS,
    }
    assert sorted(requests) == sorted(TASKS)
    for task, request in requests.items():
        names = TASKS[task].outputs
        engine = CannedEngine(task, {name: rng.normal(size=(1, 6, 5)) for name in names})
        session = albert_runtime.load(make_bundle(tmp_path / task, task), engine=engine)
        check_self_test(session, [make_self_test(session, request, 0.0)])


def test_what_a_vector_leaves_out_is_neither_logged_nor_counted_as_said(tmp_path, caplog):
    task, request, length = "text-classification", {"text": "film " * 100}, 64
    engine = CannedEngine(task, {"logits": np.zeros((1, 2))})
    made = make_self_test(albert_runtime.load(make_bundle(tmp_path / "first", task), engine=engine), request, 0.0)
    assert len(made["input_ids"][0]) == length
    caplog.clear()
    with caplog.at_level(logging.WARNING, "albert_runtime"):
        session = albert_runtime.load(make_bundle(tmp_path / "second", task, self_test=(made,)), engine=engine)
        assert caplog.messages == []
        for _ in range(2):
            session("film " * 80)
    assert caplog.messages == [
        "the text has 82 tokens and the model takes 64: 18 tokens at the end were left out (said once for each session)"
    ]


def test_loading_computes_the_vectors_again(bundle, vector):
    write_manifest(bundle, task="question-answering", self_test=(vector,))
    albert_runtime.load(bundle)
    # Another graph, with a manifest that has the right hashes.
    (bundle / "model.onnx").write_bytes(question_answering_graph(seed=1))
    write_manifest(bundle, task="question-answering", self_test=(vector,))
    with pytest.raises(BundleError, match=r"vector 1 of 1: start_logits differs by [\d.]+, allowed is 0\.0001"):
        albert_runtime.load(bundle)
    albert_runtime.load(bundle, verify=False)


def test_within_the_tolerance(bundle, vector):
    session = albert_runtime.load(bundle)
    vector["outputs"]["end_logits"]["values"][3] += 0.01
    with pytest.raises(BundleError, match=r"end_logits differs by 0\.01"):
        check_self_test(session, [vector])
    check_self_test(session, [{**vector, "tolerance": 0.011}])


def test_nan_does_not_match(bundle, vector):
    nothing = np.full((1, len(vector["input_ids"][0])), np.nan)
    engine = CannedEngine("qa", {"start_logits": nothing, "end_logits": nothing})
    session = albert_runtime.load(bundle, engine=engine)
    with pytest.raises(BundleError, match="start_logits differs by nan"):
        check_self_test(session, [vector])


def test_other_ids_and_other_shapes(bundle, vector):
    session = albert_runtime.load(bundle)
    other_ids = copy.deepcopy(vector)
    other_ids["input_ids"][0][2] += 1
    with pytest.raises(BundleError, match=r"vector 2 of 2: the tokenizer gives ids 2 .* was made with ids 2 "):
        check_self_test(session, [vector, other_ids])
    vector["outputs"]["start_logits"]["shape"] = [1, 2]
    with pytest.raises(BundleError, match=r"start_logits has the shape \[1, \d+\].*made with \[1, 2\]"):
        check_self_test(session, [vector])


@pytest.mark.parametrize(
    "damage",
    [
        {"inputs": {"text": "a film"}},
        {"inputs": {"question": "", "context": ""}},
        {"inputs": None},
        {"outputs": {"logits": {"shape": [1], "indices": [0], "values": [0.0]}}},
        {"outputs": {"start_logits": {}}},
        {"tolerance": "small"},
    ],
)
def test_malformed_vectors(bundle, vector, damage):
    with pytest.raises(BundleError, match="vector 1 of 1 does not fit a question-answering session"):
        check_self_test(albert_runtime.load(bundle), [{**vector, **damage}])


def test_indices_outside_the_output(bundle, vector):
    vector["outputs"]["start_logits"]["indices"][0] = 10**6
    with pytest.raises(BundleError, match="does not fit"):
        check_self_test(albert_runtime.load(bundle), [vector])
