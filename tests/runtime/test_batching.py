from __future__ import annotations

import itertools
import pickle
import threading

import numpy as np
import pytest

import albert_runtime
from albert_export.samples.requests import sample_requests
from albert_runtime import RequestError, UsageError
from albert_runtime.batching import MAX_BATCH_TOKENS, BatchSettings
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.tasks import TASKS
from tests.batched_answers import largest_difference
from tests.conftest import CheckpointOf, DemoBundleOf
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph
from tools.batch_benchmark import score_difference


def scored_by_length(inputs):
    """Logits that depend on the sequence alone: its number of tokens, and that number doubled."""
    lengths = inputs["attention_mask"].sum(axis=-1)
    return {"logits": np.stack([lengths, 2 * lengths], axis=-1)}


@pytest.fixture
def session(tmp_path):
    engine = CannedEngine("text-classification", scored_by_length)
    config = {"problem_type": "regression"}
    return albert_runtime.load(make_bundle(tmp_path, "text-classification", config=config), engine=engine)


def words(count):
    return " ".join(["film"] * count)


def values(answers):
    """The number of tokens that each answer was computed from."""
    return [min(one.score for one in answer) for answer in answers]


LENGTHS = [5, 1, 30, 2, 2, 17, 1, 9]


class TestForms:
    def test_a_list_gives_a_list_in_order(self, session):
        texts = [words(length) for length in LENGTHS]
        answers = session(texts)
        assert isinstance(answers, list)
        assert values(answers) == [length + 2 for length in LENGTHS]
        assert answers == [session(text) for text in texts]
        assert session([]) == []

    def test_an_array_is_a_list(self, session):
        assert values(session(np.array(["film", "a film"]))) == [3, 4]

    def test_a_generator_gives_an_iterator(self, session):
        answers = session(words(length) for length in LENGTHS)
        assert iter(answers) is answers
        assert values(answers) == [length + 2 for length in LENGTHS]

    @pytest.mark.parametrize("pair", [("a film", "a door"), {"text": "a film", "text_pair": "a door"}])
    def test_pairs(self, session, pair):
        assert session([pair, pair]) == [session("a film", "a door")] * 2
        assert session.engine.runs[0]["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1]] * 2

    def test_options_hold_for_every_request(self, session):
        assert session(["a film"], text_pair="a door") == [session("a film", "a door")]

    @pytest.mark.parametrize("request_", ["a film", ("a", "b"), {"text": "a"}, b"bytes", 5, None])
    def test_a_single_request_is_not_a_batch(self, session, request_):
        with pytest.raises(UsageError, match="requests must be a list"):
            session.map(request_)

    @pytest.mark.parametrize("option", [{"max_batch_tokens": 0}, {"look_ahead": True}, {"errors": "ignore"}])
    def test_wrong_options(self, session, option):
        with pytest.raises(UsageError, match=next(iter(option))):
            session.map(["a film"], **option)


class TestBatches:
    def test_sequences_are_sorted_and_fit_the_budget(self, session):
        list(session.map([words(length) for length in LENGTHS], max_batch_tokens=32))
        shapes = [run["input_ids"].shape for run in session.engine.runs]
        assert shapes == [(1, 32), (1, 19), (2, 11), (4, 4)]

    def test_little_is_padded(self, session):
        texts = [words(length) for length in np.random.default_rng(0).integers(1, 60, 256)]
        list(session.map(texts, max_batch_tokens=512))
        sizes = sum(run["input_ids"].size for run in session.engine.runs)
        tokens = sum(run["attention_mask"].sum() for run in session.engine.runs)
        assert len(session.engine.runs) < 30
        assert tokens / sizes > 0.9

    def test_no_more_is_read_than_the_look_ahead(self, session):
        read = []
        source = (read.append(number) or words(1 + number % 7) for number in itertools.count())
        answers = session.map(source, look_ahead=10)
        assert read == []
        assert values(itertools.islice(answers, 10)) == [3 + number % 7 for number in range(10)]
        assert len(read) == 10
        next(answers)
        assert len(read) == 20

    def test_long_texts_end_a_window_early(self, session):
        read = []
        answers = session.map((read.append(1) or words(62) for _ in range(10_000)), look_ahead=10_000)
        next(answers)
        assert len(read) == 32_768 // 64

    def test_batch_invariant_runs_each_request_alone(self, session):
        list(session.map([words(3)] * 4, batch_invariant=True))
        assert [run["input_ids"].shape for run in session.engine.runs] == [(1, 5)] * 4

    def test_a_static_length_runs_row_by_row(self, tmp_path):
        engine = CannedEngine("text-classification", scored_by_length)
        bundle = make_bundle(tmp_path, "text-classification", config={"problem_type": "regression"}, sequence_length=16)
        session = albert_runtime.load(bundle, engine=engine)
        assert values(session([words(1), words(8), words(50)])) == [3, 10, 16]
        assert [run["input_ids"].shape for run in engine.runs] == [(1, 16)] * 3

    def test_windows_of_answers(self, session):
        windows = list(session.map_windows([words(1)] * 7, BatchSettings(look_ahead=3)))
        assert [len(window) for window in windows] == [3, 3, 1]

    def test_choices_of_several_requests_share_a_batch(self, tmp_path):
        def logits(inputs):
            return {"logits": inputs["attention_mask"].sum(axis=-1)}

        session = albert_runtime.load(
            make_bundle(tmp_path, "multiple-choice"), engine=CannedEngine("multiple-choice", logits)
        )
        requests = [("he opened", ["the door", "a good film"]), ("a film", ["good", "bad", "not good or bad"])]
        assert session(requests) == [session(*request) for request in requests]
        assert session.engine.runs[0]["input_ids"].shape[:2] == (5, 1)

    def test_windows_of_a_long_context_run_in_batches(self, tmp_path):
        session = albert_runtime.load(
            make_bundle(tmp_path, "question-answering", model=question_answering_graph()), threads=1
        )
        requests = [
            {"question": "where?", "context": f"the {word} stands in Paris " * repeats}
            for word, repeats in (("tower", 40), ("film", 1), ("capital", 15))
        ]
        assert session(requests, top_k=3) == [session(**request, top_k=3) for request in requests]


class TestRunsAtOnce:
    """Engines with several threads compute two runs at once."""

    @pytest.fixture
    def both(self, session):
        """A barrier that only two runs at once get over; it breaks if there is one run at a time."""
        both = threading.Barrier(2, timeout=30)

        def waits_for_another(inputs):
            both.wait()
            return scored_by_length(inputs)

        session.engine = CannedEngine("text-classification", waits_for_another)
        session.engine.threads = 2
        return both

    @pytest.mark.parametrize("options", [{"max_batch_tokens": 8}, {"batch_invariant": True}])
    def test_of_a_map(self, session, both, options):
        texts = [words(length) for length in LENGTHS]
        assert values(session(texts, **options)) == [length + 2 for length in LENGTHS]

    def test_of_the_sequences_of_one_request(self, session, both):
        encodings = [session.prepare(words(length)).encodings[0] for length in LENGTHS]
        rows = list(session.run_each(encodings))
        assert [row["logits"][0] for row in rows] == [length + 2 for length in LENGTHS]

    def test_one_thread_computes_one_run(self, session):
        session.engine.threads = 1
        assert session.runs_at_once(8) == 1

    def test_long_runs_are_computed_one_at_a_time(self, session):
        session.engine.threads = 2
        assert [session.runs_at_once(tokens) for tokens in (MAX_BATCH_TOKENS, MAX_BATCH_TOKENS + 1)] == [2, 1]

    def test_answers_are_the_same_to_the_bit(self, tmp_path):
        folder = make_bundle(tmp_path, "question-answering", model=question_answering_graph())
        requests = [
            {"question": "where?", "context": f"the {word} stands in Paris " * repeats}
            for word, repeats in itertools.product(("tower", "film"), range(1, 50, 7))
        ]
        answers = {
            threads: albert_runtime.load(folder, threads=threads).map(requests, batch_invariant=True, top_k=3)
            for threads in (1, 2)
        }
        assert list(answers[1]) == list(answers[2])


class TestWrongRequests:
    def test_the_answers_before_it_come_first(self, session):
        answers = session.map(["film", "a film", "", "film"])
        assert values([next(answers), next(answers)]) == [3, 4]
        with pytest.raises(RequestError, match="request 2: text is empty") as caught:
            next(answers)
        assert (caught.value.index, caught.value.reason) == (2, "text is empty; give it some text")

    def test_it_can_be_returned(self, session):
        answers = session(["film", "", 5, "a film", ("a", "b", "c")], errors="return", look_ahead=2)
        assert values([answers[0], answers[3]]) == [3, 4]
        assert [(one.index, type(one)) for one in (answers[1], answers[2], answers[4])] == [
            (1, RequestError),
            (2, RequestError),
            (4, RequestError),
        ]

    @pytest.mark.parametrize("second", [{"text": "a"}, ("a", "b"), None, ["a"], 3.5])
    def test_mixed_kinds_name_the_request(self, session, second):
        with pytest.raises(
            RequestError, match=f"request 1: it is a {type(second).__name__}, and the first .* is a str"
        ):
            session(["film", second])

    @pytest.mark.parametrize("request_", [{"txt": "a film"}, ("a",) * 6, {}])
    def test_arguments_that_do_not_fit(self, session, request_):
        with pytest.raises(RequestError, match="request 0: it does not fit the arguments of the call"):
            session([request_])

    def test_no_text_at_all(self, session):
        with pytest.raises(RequestError, match="request 0: text must be a str, not int"):
            session([1, 2])

    def test_an_error_that_appears_only_in_the_outputs(self, tmp_path):
        bundle = make_bundle(tmp_path, "question-answering", model=question_answering_graph())
        session = albert_runtime.load(bundle)
        requests = [("where?", "in Paris"), ("where?", "\u0301"), ("where?", "in London")]
        first, second, third = session(requests, errors="return")
        assert (first.text, third.text) == (session(*requests[0]).text, session(*requests[2]).text)
        assert (second.index, "holds nothing" in second.reason) == (1, True)

    def test_it_can_be_pickled(self):
        error = pickle.loads(pickle.dumps(RequestError(7, "text is empty")))
        assert (error.index, str(error)) == (7, "request 7: text is empty")


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_those_of_single_calls(task: str, bundle_of: CheckpointOf) -> None:
    assert largest_difference(albert_runtime.load(bundle_of(task))) < 1e-5


@pytest.mark.parametrize("task", TASKS)
def test_answers_of_tflite_bundles_are_those_of_single_calls(task: str, tflite_bundle_of: CheckpointOf) -> None:
    assert largest_difference(albert_runtime.load(tflite_bundle_of(task))) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("task", TASKS)
def test_the_documented_bounds_of_the_demos(task: str, precision: str, demo_bundle_of: DemoBundleOf) -> None:
    session = albert_runtime.load(demo_bundle_of("onnx", task, precision))
    requests = sample_requests(session.bundle.task, 128)
    alone = [session(**request) for request in requests]
    difference = max(map(score_difference, alone, session.map(requests)))
    assert difference < (1e-5 if precision == "fp32" else 0.1)
    assert list(session.map(requests, batch_invariant=True)) == alone
