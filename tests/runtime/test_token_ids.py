"""Token ids in place of texts: their checks, padding, and the bundles that take nothing else."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import RequestError, UsageError
from albert_runtime.self_test import check_self_test, make_self_test
from albert_runtime.tasks import TASKS
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph, write_manifest

CONFIG = {"vocab_size": 200, "max_position_embeddings": 64, "type_vocab_size": 2, "pad_token_id": 0}
TOKENIZER_FILES = ("spiece.model", "tokenizer_config.json")


def without_tokenizer(folder, task="question-answering", config=CONFIG, **fields):
    make_bundle(folder, task, model=question_answering_graph(), config=config)
    for name in TOKENIZER_FILES:
        (folder / name).unlink()
    write_manifest(folder, task=task, has_tokenizer=False, **fields)
    return folder


@pytest.fixture(params=[True, False], ids=["tokenizer", "no-tokenizer"])
def session(tmp_path, request):
    if request.param:
        make_bundle(tmp_path, "question-answering", model=question_answering_graph(), config=CONFIG)
        return albert_runtime.load(tmp_path)
    return albert_runtime.load(without_tokenizer(tmp_path))


def rows_of(task, seen, tmp_path, **fields):
    """A session without a tokenizer whose engine keeps its inputs in `seen`; each output is the sum of a row's ids."""

    def answer(inputs):
        seen.append(inputs)
        sums = inputs["input_ids"].sum(axis=-1).astype(np.float64)
        outputs = {}
        for name, axes in TASKS[task].outputs.items():
            shape = {
                "batch_size": len(sums),
                "num_choices": sums.shape[-1],
                "sequence_length": inputs["input_ids"].shape[-1],
            }
            missing = [shape.get(axis, 2) for axis in axes[sums.ndim :]]
            outputs[name] = np.broadcast_to(sums.reshape(*sums.shape, *[1] * len(missing)), (*sums.shape, *missing))
        return outputs

    return albert_runtime.load(without_tokenizer(tmp_path, task, **fields), engine=CannedEngine(task, answer))


def test_one_sequence_and_several_of_different_lengths(session):
    together = session.run_ids([[2, 14, 31, 3], (7, 9)])
    for row, ids in enumerate(([2, 14, 31, 3], np.array([7, 9]))):
        alone = session.run_ids(ids)
        for name in ("start_logits", "end_logits"):
            assert alone[name].dtype == np.float32
            assert alone[name].shape == (1, len(ids))
            np.testing.assert_array_equal(together[name][row, : len(ids)], alone[name][0])
    # padding is masked: the graph takes 100 from the logits there
    assert (together["start_logits"][1, 2:] < -50).all()


def test_arrays_of_ids_are_those_that_run_takes(session):
    arrays = session.id_arrays([[2, 14, 3], [7]], token_type_ids=[[0, 0, 1], [1]], attention_mask=[[1, 1, 0], [1]])
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "input_ids": [[2, 14, 3], [7, 0, 0]],
        "attention_mask": [[1, 1, 0], [1, 0, 0]],
        "token_type_ids": [[0, 0, 1], [1, 0, 0]],
    }
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int64)}
    np.testing.assert_array_equal(
        session.run(arrays)["end_logits"],
        session.run_ids([[2, 14, 3], [7]], [[0, 0, 1], [1]], [[1, 1, 0], [1]])["end_logits"],
    )


def test_the_padding_id_is_that_of_the_configuration(tmp_path):
    session = albert_runtime.load(without_tokenizer(tmp_path, config={**CONFIG, "pad_token_id": 7}))
    assert session.id_arrays([[5, 6], [4]])["input_ids"].tolist() == [[5, 6], [4, 7]]


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (
            [[[-1, 200, 2.5, True, "x"]]],
            ["ids 2.5, True, 'x': not a whole number", "ids -1, 200: the vocabulary's ids go from 0 to 199"],
        ),
        (
            [[[2], [], [9] * 65]],
            ["sequence 2: there are no ids", "sequence 3: there are 65 ids, and the model takes 64"],
        ),
        (
            [[2, 3], [0], [1, 2]],
            [
                "token_type_ids and input_ids have different lengths: 1 and 2",
                "attention_mask: 2: its values go from 0 to 1",
            ],
        ),
        ([[2, 3], [0, 2], [0, 0]], ["token_type_ids: 2: its values go", "attention_mask is 0 for every token"]),
        ([[[2], [3]], [[0]]], ["token_type_ids must have as many sequences as input_ids"]),
        ([[2, [3]]], ["input_ids must be a list of ids, like [2, 14, 3], or a list of such lists, not [2, [3]]"]),
        (["2 14 3"], ["not '2 14 3'"]),
        ([[[[2]]]], ["not lists that are nested 3 deep"]),
        ([[]], ["there are no ids"]),
        ([5], ["not 5"]),
    ],
)
def test_all_wrong_ids_are_named_at_once(session, arguments, problems):
    with pytest.raises(UsageError) as caught:
        session.run_ids(*arguments)
    message = str(caught.value)
    assert message.startswith("the token ids can't be used:\n  - ")
    for problem in problems:
        assert problem in message
    assert message.count("\n  - ") == len(problems), message


def test_a_long_list_of_problems_is_cut(session):
    with pytest.raises(UsageError) as caught:
        session.run_ids([[200]] * 30)
    assert str(caught.value).count("\n") == 21
    assert str(caught.value).endswith("and 10 more")


def test_choices(tmp_path):
    seen = []
    session = rows_of("multiple-choice", seen, tmp_path)
    assert session.run_ids([5])["logits"].tolist() == [[5.0]]
    assert session.run_ids([[5, 6], [7]])["logits"].tolist() == [[11.0, 7.0]]
    assert session.run_ids([[[5, 6], [7]], [[1], [2]]])["logits"].tolist() == [[11.0, 7.0], [1.0, 2.0]]
    assert [one["input_ids"].shape for one in seen] == [(1, 1, 1), (1, 2, 2), (2, 2, 2)]
    with pytest.raises(UsageError, match="different numbers of choices: 2, 1"):
        session.run_ids([[[5], [6]], [[7]]])


def test_a_graph_of_a_static_length_runs_sequences_one_by_one(tmp_path):
    seen = []
    session = rows_of("question-answering", seen, tmp_path, sequence_length=8)
    outputs = session.run_ids([[5, 6, 7], [8]])
    assert [one["input_ids"].tolist() for one in seen] == [[[5, 6, 7, 0, 0, 0, 0, 0]], [[8, 0, 0, 0, 0, 0, 0, 0]]]
    assert outputs["start_logits"].tolist() == [[18.0] * 3, [8.0] * 3]
    with pytest.raises(UsageError, match="there are 9 ids, and the model takes 8"):
        session.run_ids([1] * 9)


def test_a_bundle_without_a_tokenizer_takes_no_text(tmp_path):
    session = albert_runtime.load(without_tokenizer(tmp_path))
    assert not session.tokenizer
    assert "no tokenizer" in repr(session.tokenizer)
    says = rf"(?s)the bundle {tmp_path} has no tokenizer.*session\.run_ids\(\[2, 14, 3\]\).*--ids \"2 14 3\""
    for ask in (
        lambda: session("Where is the tower?", "The tower stands in Paris."),
        lambda: session.arrays("Where?", "There."),
        lambda: session.tokenizer("a text"),
        lambda: session.tokenizer.encode("a text"),
    ):
        with pytest.raises(UsageError, match=says):
            ask()
    (wrong,) = session.map([("Where?", "There.")], errors="return")
    assert isinstance(wrong, RequestError)
    assert "has no tokenizer" in wrong.reason


@pytest.mark.parametrize("task", TASKS)
def test_no_task_takes_texts_without_a_tokenizer(tmp_path, task):
    session = rows_of(task, [], tmp_path)
    texts = {one.name: ["a", "b"] if one.repeated else "a" for one in TASKS[task].arguments}
    with pytest.raises(UsageError, match="has no tokenizer"):
        session(**texts)


def test_a_session_without_a_tokenizer_is_copied_and_pickled(tmp_path):
    session = albert_runtime.load(without_tokenizer(tmp_path))
    for again in (copy.copy(session), pickle.loads(pickle.dumps(session))):
        np.testing.assert_array_equal(again.run_ids([2, 3])["start_logits"], session.run_ids([2, 3])["start_logits"])


def test_self_tests_of_ids(tmp_path):
    session = albert_runtime.load(without_tokenizer(tmp_path))
    vector = make_self_test(session, {"input_ids": [2, 14, 3], "token_type_ids": [0, 0, 1]}, 0.0)
    assert vector["input_ids"] == [[2, 14, 3]]
    check_self_test(session, [vector])


def test_the_manifest_has_the_field_only_without_a_tokenizer(tmp_path):
    with_tokenizer = albert_runtime.open_bundle(make_bundle(tmp_path / "a", "question-answering")).manifest
    assert "has_tokenizer" not in with_tokenizer.to_dict()
    assert albert_runtime.Manifest.from_dict(with_tokenizer.to_dict()) == with_tokenizer
    bare = albert_runtime.open_bundle(without_tokenizer(tmp_path / "b")).manifest
    assert bare.to_dict()["has_tokenizer"] is False
    assert albert_runtime.Manifest.from_dict(bare.to_dict()) == bare
    with pytest.raises(albert_runtime.BundleError, match='"has_tokenizer" must be true or false, not 0'):
        albert_runtime.Manifest.from_dict({**bare.to_dict(), "has_tokenizer": 0})
    with pytest.raises(albert_runtime.BundleError, match=r"no hash for spiece\.model"):
        albert_runtime.Manifest.from_dict({**bare.to_dict(), "has_tokenizer": True})
