"""Input that no one expects, for every task: ten million characters, and wrong requests among good ones."""

from __future__ import annotations

import re

import numpy as np
import pytest

import albert_runtime
from albert_runtime import UsageError
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.sessions.zero_shot import ZeroShotClassifier
from albert_runtime.tasks import TASKS
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tests.runtime.tiny_bundle import make_bundle

HUGE = ("a good film, \u0301 " * 700_000)[:10_000_000]

ADA = {"text": "Ada", "words": ["Ada"]}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A bundle for each task."""
    folder = tmp_path_factory.mktemp("bundles")
    return {task: make_bundle(folder / task, task, **FIELDS.get(task, {})) for task in TASKS}


FIELDS = {"text-classification": {"labels": ("entailment", "neutral")}}


@pytest.fixture
def session_of(bundles, monkeypatch):
    """Opens the session of a task, whose tokenizer refuses texts of more than a million characters."""
    tokenize = AlbertTokenizer.__call__

    def limited(tokenizer, *texts, **options):
        assert max(len(text) for text in texts if text is not None) < 1_000_000
        return tokenize(tokenizer, *texts, **options)

    monkeypatch.setattr(AlbertTokenizer, "__call__", limited)

    def open_session(task):
        session = albert_runtime.load(bundles[task], engine=CannedEngine(task, lambda inputs: zeros(inputs)))

        def zeros(inputs):
            shape = inputs["input_ids"].shape
            labels = (*shape[:1], 2) if task == "text-classification" else (*shape, len(session.manifest.labels))
            last = {"start_logits": shape, "end_logits": shape, "sop_logits": (*shape[:1], 2), "logits": labels}
            if task == "multiple-choice":
                last["logits"] = shape[:2]
            vocabulary = (*shape, session.tokenizer.vocab_size)
            if task in ("fill-mask", "pretraining"):
                last |= {"logits": vocabulary, "prediction_logits": vocabulary}
            return {name: np.zeros(last.get(name, (*shape, 4)), np.float32) for name in TASKS[task].outputs}

        return session

    return open_session


@pytest.mark.parametrize(
    ("task", "request_"),
    [
        ("text-classification", (HUGE,)),
        ("text-classification", (HUGE, HUGE)),
        ("question-answering", (HUGE, "a film")),
        ("multiple-choice", (HUGE, [HUGE, "a door"])),
        ("fill-mask", ("[MASK] " + HUGE,)),
    ],
)
def test_what_is_cut_off_is_not_tokenized(session_of, task, request_):
    assert session_of(task)(*request_)


def test_a_huge_premise(session_of):
    (label, _) = ZeroShotClassifier(session_of("text-classification"))(HUGE, ["film", "door"])
    assert label.score == pytest.approx(0.5)


def test_a_mask_behind_ten_million_characters(session_of):
    with pytest.raises(UsageError, match=r"more than \d+ tokens and the model takes 64: 1 of 1 \[MASK\] would be cut"):
        session_of("fill-mask")(f"{HUGE} [MASK]")


@pytest.mark.parametrize(
    ("task", "good", "wrong", "reason"),
    [
        ("text-classification", ("a film",), ("",), "text is empty"),
        ("text-classification", ("a film",), (" \n",), "text is empty but for white space"),
        ("text-classification", ("a film",), (5,), "text must be a str, not int"),
        ("text-classification", ("a film",), "a film", "it is a str, and the first request of the batch is a tuple"),
        ("text-classification", ("a film",), None, "it is a NoneType"),
        ("multiple-choice", ("he", ["a", "b"]), ("he", ["a"] * 27), r"at most 26 choices \(A to Z\), not 27"),
        ("multiple-choice", ("he", ["a", "b"]), ("he", ["a", ""]), r"choices\[1\] is empty"),
        ("fill-mask", ("a [MASK]",), ("a film",), r"there is no \[MASK\] in the text"),
        ("token-classification", ADA, {**ADA, "words": ["Bob"]}, r"words\[0\] is 'Bob', which does not occur"),
        ("token-classification", ADA, {**ADA, "words": "Ada"}, "words must be a list of words, not str"),
        ("question-answering", ("who?", "Ada"), ("who?", b"Ada"), "must be a str, not bytes; decode it first"),
    ],
)
def test_a_wrong_request_among_good_ones(session_of, task, good, wrong, reason):
    session = session_of(task)
    first, second, third = session.map([good, wrong, good], errors="return")
    assert isinstance(second, albert_runtime.RequestError)
    assert second.index == 1
    assert re.search(reason, second.reason)
    assert type(first) is type(third) is type(*session([good]))
