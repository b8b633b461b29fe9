"""Requests for the Kotlin library beyond those of golden vectors: every option, and every error."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from albert_export.vectors import request_vectors
from albert_export.vectors.request_vectors import error_record, request_record, zero_shot_record
from albert_export.vectors.vectors_file import make_vectors, write_vectors
from albert_runtime.postprocessing.entities import AGGREGATION_STRATEGIES
from albert_runtime.postprocessing.pooling import POOLINGS
from albert_runtime.session import AlbertSession

#: more requests than the demos' examples: every option, texts outside the basic plane, and texts of several windows
_LONG = "The old tower of Ely \U0001f3f0 stands near the river, and Dr. O'Neill's boat lies in its shade. " * 60
_QUESTION = {"question": "Where does the tower stand?"}
_CONTEXTS = ["In Rome, people say.", "The tower \U0001f5fc stands in Paris (France), near the river."]
MORE_CALLS: Mapping[str, Sequence[dict[str, Any]]] = {
    "question-answering": [
        {**_QUESTION, "context": _CONTEXTS[1], "top_k": 7},
        {**_QUESTION, "context": _CONTEXTS[1], "top_k": 5, "align_to_words": False, "max_answer_len": 3},
        {**_QUESTION, "context": _CONTEXTS, "top_k": 4},
        {**_QUESTION, "context": _CONTEXTS[1], "handle_impossible_answer": True, "top_k": 3},
        {**_QUESTION, "context": _LONG, "max_seq_len": 96, "doc_stride": 32, "top_k": 3},
        {"question": "Where " * 40 + "?", "context": _LONG[:600], "max_question_len": 9},
        {**_QUESTION, "context": "\u2003 tower\u202fParis\t\n river \x0b"},
    ],
    "text-classification": [
        {"text": "A lovely film \U0001f600, and a bad one.", "top_k": 1},
        {"text": "A lovely film.", "text_pair": "A bad one."},
        {"text": "A lovely film.", "function_to_apply": "sigmoid", "threshold": 0.3},
        {"text": "A lovely film.", "function_to_apply": "none"},
        {"text": _LONG},
    ],
    "token-classification": [
        *({"text": _LONG[:400], "aggregation_strategy": one} for one in AGGREGATION_STRATEGIES),
        {"text": "\U0001f5fc Ann-Marie O'Neill's U.S. visit to St. Ives -- by Natl. Rail, in James' car."},
        {"text": "\u6771\u4eac Tokyo\u3001 \u041c\u043e\u0441\u043a\u0432\u0430, (Paris)!", "ignore_labels": []},
        {"text": _LONG, "stride": 20},
        {"words": ["Ann", "lives", "in", "New", "York", ".", "\U0001f5fc"]},
        {"words": ["Ann", "York", ""], "text": "Ann \U0001f5fc lives in York.", "aggregation_strategy": "simple"},
    ],
    "fill-mask": [
        {"text": "\U0001f5fc The [MASK] of the [MASK] is old.", "top_k": 3},
        {"text": "the[MASK]of", "top_k": 40},
        {"text": "The [MASK] is old.", "targets": ["house", "\u2581man", "antidisestablishment"]},
    ],
    "pretraining": [
        {"first": "She [MASK] asleep. \U0001f634", "second": "Then she went to [MASK].", "top_k": 2},
        {"first": "Yes.", "second": _LONG},
    ],
    "multiple-choice": [
        {"prompt": "He opened the _ door", "choices": ["red", "blue \U0001f535", "old"], "context": _LONG[:300]},
        {"prompt": "Who is it", "choices": ["Ann", "Tom"], "context": "Ann is here."},
        {"prompt": _LONG, "choices": [_LONG, "no"]},
    ],
    "feature-extraction": [
        *({"text": "Any sentence \U0001f600", "pooling": one, "normalize": one != "max"} for one in POOLINGS),
        {"text": _LONG, "max_length": 9},
    ],
}  # fmt: skip

WRONG_CALLS: Mapping[str, Sequence[dict[str, Any]]] = {
    "question-answering": [
        {"question": "", "context": "x"},
        {"question": "Who?", "context": " \u2003"},
        {"question": "Who?", "context": []},
        {"question": "Who?", "context": ["Ann.", " "]},
        {"question": "Who?", "context": "Ann.", "top_k": 0},
        {"question": "Who?", "context": "Ann.", "max_seq_len": 4},
        {"question": "Who?", "context": "Ann.", "max_seq_len": 9999},
        {"question": "Who?", "context": "Ann.", "max_seq_len": 20, "doc_stride": 21},
    ],
    "text-classification": [
        {"text": "\n"},
        {"text": "x", "text_pair": ""},
        {"text": "x", "top_k": 0},
        {"text": "x", "function_to_apply": "relu"},
    ],
    "token-classification": [
        {"text": ""},
        {"text": "Ann", "stride": -1},
        {"text": "Ann", "aggregation_strategy": "last"},
        {"text": "Ann", "ignore_labels": ["it's", "PER"]},
        {},
        {"words": [" ", ""]},
        {"words": ["Ann", "Tom"], "text": "Tom, Ann"},
    ],
    "fill-mask": [
        {"text": "No mask."},
        {"text": _LONG + " [MASK]"},
        {"text": "The [MASK].", "top_k": 0},
        {"text": "The [MASK].", "targets": [""]},
    ],
    "pretraining": [{"first": "", "second": "x"}, {"first": "x [MASK]", "second": _LONG + "[MASK]"}],
    "multiple-choice": [
        {"prompt": "x", "choices": ["a"]},
        {"prompt": "x", "choices": ["a", " "]},
        {"prompt": "x", "choices": ["a"] * 27},
        {"prompt": "x", "choices": ["a", "b"], "context": ""},
    ],
    "feature-extraction": [
        {"text": ""},
        {"text": "x", "pooling": "sum"},
        {"text": "x", "max_length": 2},
        {"text": "x", "max_length": 9999},
    ],
}


ZERO_SHOT_CALLS: Sequence[dict[str, Any]] = [
    {"text": "The striker scored twice \u26bd.", "candidate_labels": ["sport", "politics", "cooking"]},
    {"text": _LONG, "candidate_labels": " travel, ,work", "multi_label": True},
    {"text": "She cooks.", "candidate_labels": ["cooking"], "hypothesis_template": "It {{is}} about {0}, {0}."},
]


def write_more_vectors(session: AlbertSession, file: Path, *, zero_shot: bool = False) -> dict[str, Any]:
    """Write the golden vectors of `session`'s bundle and those of the calls above to `file`; returns them."""
    # All values of every output, so that the answers can be made of them.
    with mock.patch.object(request_vectors, "MOST_VALUES", sys.maxsize):
        vectors = make_vectors(session)
        vectors["requests"] += [request_record(session, call) for call in MORE_CALLS[session.task]]
        # nothing fills the masks of the head "sentence-order", so that they may be cut off
        wrong = WRONG_CALLS[session.task][: 1 if session.manifest.head == "sentence-order" else None]
        vectors["errors"] += [error_record(session, call) for call in wrong]
        if zero_shot:
            vectors["zero_shot"] += [zero_shot_record(session, call) for call in ZERO_SHOT_CALLS]
    assert all("message" in error for error in vectors["errors"])
    write_vectors(vectors, file)
    return vectors
