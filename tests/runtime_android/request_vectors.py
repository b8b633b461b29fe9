"""Vectors of requests: what the Python session makes of them, for a port to compare with."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.demos import demo_examples
from albert_runtime.engines import Arrays
from albert_runtime.errors import AlbertError
from albert_runtime.postprocessing.entities import AGGREGATION_STRATEGIES
from albert_runtime.postprocessing.pooling import POOLINGS
from albert_runtime.session import AlbertSession, PreparedRequest
from albert_runtime.sessions.zero_shot import ZeroShotClassifier
from albert_runtime.tokenization.padding import pad_batch

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


def write_vectors(session: AlbertSession, file: Path, zero_shot: bool = False) -> list[dict[str, Any]]:
    """Write what `session` makes of the calls above and of the demo's examples to `file`; returns the calls."""
    calls = [example.inputs for example in demo_examples(session.task)] + list(MORE_CALLS[session.task])
    vectors = {
        "format": "albert-vectors",
        "format_version": 1,
        "bundle": {"task": session.task, "head": session.manifest.head, "precision": session.manifest.precision},
        "requests": [_request(session, call) for call in calls],
        "zero_shot": [_zero_shot(session, call) for call in ZERO_SHOT_CALLS] if zero_shot else [],
        "errors": [_error(session, call) for call in WRONG_CALLS[session.task]],
    }
    file.write_text(json.dumps(vectors), encoding="utf-8")
    return calls


def utf16(text: str, place: int) -> int:
    """The number of UTF-16 units in front of the code point at `place`."""
    return len(text[:place].encode("utf-16-le", "surrogatepass")) // 2


def plain(answer: Any) -> Any:
    """The answer, or a list of answers, as JSON types."""
    return [plain(one) for one in answer] if isinstance(answer, tuple) else answer.to_dict()


def _request(session: AlbertSession, call: dict[str, Any]) -> dict[str, Any]:
    arrays = session.arrays(**call)
    answer = _with_utf16(plain(session(**call)), call)
    return _record(session, call, session.prepare(**call), arrays, answer)


def _zero_shot(session: AlbertSession, call: dict[str, Any]) -> dict[str, Any]:
    classifier = ZeroShotClassifier(session)
    prepared = classifier.prepare(**call)
    arrays = pad_batch(prepared.encodings, pad_token_id=session.tokenizer.pad_token_id)
    return _record(session, call, prepared, arrays, plain(classifier(**call)))


def _record(
    session: AlbertSession, call: dict[str, Any], prepared: PreparedRequest[Any], arrays: Arrays, answer: Any
) -> dict[str, Any]:
    # The outputs of each sequence by itself, as an answer uses them, with zeros up to the longest.
    outputs = [session.run(arrays)] if session.task == "multiple-choice" else [
        {name: array[np.newaxis] for name, array in one.items()} for one in session.run_each(prepared.encodings)
    ]  # fmt: skip
    return {
        "call": call,
        **{name: array.tolist() for name, array in arrays.items()},
        "outputs": {name: _encoded([one[name] for one in outputs]) for name in outputs[0]},
        "answer": answer,
    }


def _encoded(rows: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
    sizes = [max(row.shape[axis] for row in rows) for axis in range(rows[0].ndim)]
    padded = [np.pad(row, [(0, size - own) for size, own in zip(sizes, row.shape, strict=True)]) for row in rows]
    whole = np.concatenate(padded).astype("<f4")
    return {"shape": list(whole.shape), "float32": base64.b64encode(whole.tobytes()).decode()}


def _with_utf16(answer: Any, call: dict[str, Any]) -> Any:
    if isinstance(answer, list):
        return [_with_utf16(one, call) for one in answer]
    if "start" in answer:
        text = call.get("context", call.get("text")) or " ".join(call.get("words", ()))
        text = text if isinstance(text, str) else text[answer["context_index"]]
        answer |= {f"{name}_utf16": utf16(text, answer[name]) for name in ("start", "end")}
    return answer


def _error(session: AlbertSession, call: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = session(**call)
    except AlbertError as error:
        return {"call": call, "type": type(error).__name__, "message": str(error)}
    raise AssertionError(f"{call} is answered by {answer}")
