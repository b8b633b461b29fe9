"""The JavaScript package answers the demos' examples, and bad requests, as the Python runtime does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import albert_runtime
from albert_export.demos import demo_examples
from albert_export.vectors.text_positions import utf16_positions
from albert_runtime.errors import AlbertError
from albert_runtime.tasks import TASKS
from tests.clients.rows import Record, Row
from tests.conftest import DemoBundleOf, StaticDemoOf
from tests.runtime_js.javascript_package import PACKAGE, answers, needs, node, version
from tests.shared_data import shared_data

pytestmark = [pytest.mark.node, pytest.mark.slow]

#: The largest difference of a number. onnxruntime-node has the kernels of the Python package; WebAssembly adds in
#: another order.
_TOLERANCE = {"onnxruntime-node": 1e-6, "onnxruntime-web": 1e-4}

#: engine -> precision -> what is said in the table of clients
_NOTES = {
    "onnxruntime-node": {"fp32": "", "int8": ""},
    "onnxruntime-web": {
        "fp32": "Scores differ by less than 0.0001.",
        "int8": "Logits that differ by 0.27 were seen, since its kernels round other numbers to integers.",
    },
}

_BAD_REQUESTS: dict[str, list[dict[str, Any]]] = {
    "question-answering": [{"question": "", "context": "x"}, {"question": "a", "context": "b", "top_k": 0}],
    "token-classification": [{"text": " \x1c"}, {"text": "a", "aggregation_strategy": "x"}, {}],
    "fill-mask": [{"text": "no mask"}, {"text": "[MASK]", "targets": [1]}],
    "pretraining": [{"first": "a", "second": ""}],
    "text-classification": [{"text": "a", "function_to_apply": "x"}, {"text": 5}, {"text": "a", "threshold": "much"}],
    "multiple-choice": [{"prompt": "a", "choices": ["x"]}, {"prompt": "a", "choices": ["x", ""]}],
    "feature-extraction": [{"text": "a", "pooling": "x"}, {"text": "a", "max_length": 9999}],
}


@pytest.mark.clients
@pytest.mark.parametrize("engine", ["onnxruntime-node", "onnxruntime-web"])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("task", TASKS)
def test_the_demos_answers(
    task: str, precision: str, engine: str, demo_bundle_of: DemoBundleOf, record: Record
) -> None:
    bundle = demo_bundle_of("onnx", task, precision)
    session = albert_runtime.load(bundle)
    requests = [example.inputs for example in demo_examples(task)]
    found = answers(bundle, [*requests, *_BAD_REQUESTS[task]], engine)

    for request, got in zip(requests, found, strict=False):
        wanted = _in_utf16(_plain(session(**request)), request)
        if precision == "int8" and engine == "onnxruntime-web":
            # Its kernels for int8 round other numbers, and answers behind the best one may change places.
            assert _decided(got["answer"]) == _decided(wanted), request
        else:
            assert _difference(got["answer"], wanted, _TOLERANCE[engine]) is None, request
    for request, got in zip(_BAD_REQUESTS[task], found[len(requests) :], strict=True):
        with pytest.raises(AlbertError) as raised:
            session(**request)
        assert got["error"] == {"type": type(raised.value).__name__, "message": str(raised.value)}
    record(Row(engine, version(engine), task, "onnx", precision, True, True, _NOTES[engine][precision]))


@pytest.mark.parametrize("engine", ["onnxruntime-node", "onnxruntime-web"])
@pytest.mark.parametrize("task", ["multiple-choice", "question-answering"])
def test_a_graph_of_static_shapes(task: str, engine: str, static_demo_of: StaticDemoOf) -> None:
    session = albert_runtime.load(static_demo_of(task))
    requests = [example.inputs for example in demo_examples(task)]
    for request, got in zip(requests, answers(static_demo_of(task), requests, engine), strict=True):
        assert _difference(got["answer"], _in_utf16(_plain(session(**request)), request), _TOLERANCE[engine]) is None


def test_200_questions_of_xquad(demo_bundle_of: DemoBundleOf) -> None:
    articles = json.loads(shared_data("xquad/xquad.en.json").read_text("utf-8"))["data"]
    requests = [
        {"question": one["question"], "context": paragraph["context"]}
        for article in articles
        for paragraph in article["paragraphs"]
        for one in paragraph["qas"]
    ][:200]
    assert len(requests) == 200
    bundle = demo_bundle_of("onnx", "question-answering", "fp32")
    session = albert_runtime.load(bundle)
    wrong = []
    for request, got in zip(requests, answers(bundle, requests, "onnxruntime-node"), strict=True):
        wanted = _in_utf16(session(**request).to_dict(), request)
        if _decided(got["answer"]) != _decided(wanted):
            wrong.append((request["question"], got["answer"], wanted))
    assert wrong == []


def test_a_damaged_bundle_is_refused_with_the_same_words(demo_bundle_of: DemoBundleOf, tmp_path: Path) -> None:
    needs("onnxruntime-node")
    folder = tmp_path / "bundle"
    shutil.copytree(demo_bundle_of("onnx", "question-answering", "fp32"), folder)
    (folder / "spiece.model").write_bytes(b"<!doctype html>")
    (folder / "config.json").unlink()
    with pytest.raises(AlbertError) as raised:
        albert_runtime.load(folder)
    command = [node(), str(PACKAGE / "tools" / "answer.mjs"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, input="")
    assert done.returncode != 0
    assert str(raised.value) in done.stderr


def _plain(answer: Any) -> Any:
    return [_plain(one) for one in answer] if isinstance(answer, tuple) else answer.to_dict()


def _in_utf16(answer: Any, request: dict[str, Any]) -> Any:
    """The answer with its places in UTF-16 code units."""
    if isinstance(answer, list):
        return [_in_utf16(one, request) for one in answer]
    if "start" not in answer:
        return answer
    text = request.get("context") or request["text"]
    return {**answer, **{name: utf16_positions(text)[answer[name]] for name in ("start", "end")}}


def _difference(got: Any, wanted: Any, tolerance: float, path: str = "answer") -> str | None:
    """The first place where two answers differ; None if they don't."""
    if isinstance(wanted, float):
        return None if abs(got - wanted) <= tolerance else f"{path} is {got}, was {wanted}"
    if isinstance(wanted, (dict, list)) and type(got) is type(wanted) and len(got) == len(wanted):
        names = wanted.keys() if isinstance(wanted, dict) else range(len(wanted))
        found = (_difference(got[name], wanted[name], tolerance, f"{path}.{name}") for name in names)
        return next((one for one in found if one), None)
    return None if got == wanted else f"{path} is {got!r}, was {wanted!r}"


def _decided(answer: Any) -> Any:
    """What an answer says, without the numbers: texts, labels, places and the order of the best."""
    if isinstance(answer, list) and answer and "token" in (answer[0] if isinstance(answer[0], dict) else {}):
        return answer[0]["token"]
    if isinstance(answer, list):
        return [_decided(one) for one in answer]
    names = ("text", "start", "end", "label", "index", "in_order")
    return {name: answer[name] for name in names if name in answer}
