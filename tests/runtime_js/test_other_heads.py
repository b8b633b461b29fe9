"""Google's head for SQuAD v2.0, and zero-shot classification, answer in JavaScript as in Python."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import albert_runtime
from albert_export.export import export_onnx
from albert_export.vectors.text_positions import utf16_positions
from albert_runtime.errors import AlbertError
from tests.conftest import DemoBundleOf, save_tiny
from tests.runtime_js.javascript_package import answers

pytestmark = [pytest.mark.node, pytest.mark.slow]

_CONTEXT = "Ada lived in London. 😀 She met Mr. Smith in 1850, and (later) moved to Rome with St. Mary's choir. " * 3


def test_the_head_beam_search(tmp_path: Path) -> None:
    checkpoint, bundle = tmp_path / "checkpoint", tmp_path / "bundle"
    save_tiny(checkpoint, "question-answering", head="beam-search")
    export_onnx(checkpoint, bundle, task="question-answering")
    session = albert_runtime.load(bundle)
    assert session.manifest.head == "beam-search"
    requests: list[dict[str, Any]] = [
        {"question": "Where?", "context": _CONTEXT, "top_k": top_k, "align_to_words": align, "max_answer_len": most}
        | null
        for top_k in (1, 4)
        for align in (True, False)
        for most in (3, 30)
        for null in ({}, {"handle_impossible_answer": True}, {"handle_impossible_answer": False})
    ]
    for request, got in zip(requests, answers(bundle, requests, "onnxruntime-node"), strict=True):
        answer = session(**request)
        given = got["answer"] if isinstance(got["answer"], list) else [got["answer"]]
        wanted = [one.to_dict() for one in (answer if isinstance(answer, tuple) else (answer,))]
        assert len(given) == len(wanted)
        for one, other in zip(given, wanted, strict=True):
            assert one["text"] == other["text"]
            assert one["start"] == utf16_positions(_CONTEXT)[other["start"]]
            assert one["score"] == pytest.approx(other["score"], abs=1e-6)
            assert one["null_score"] == pytest.approx(other["null_score"], abs=1e-6)


def test_zero_shot_classification(demo_bundle_of: DemoBundleOf, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(demo_bundle_of("onnx", "text-classification", "fp32"), bundle)
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    manifest["labels"] = ["contradiction", "entailment"]
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    classify = albert_runtime.ZeroShotClassifier(albert_runtime.load(bundle))  # type: ignore[arg-type]
    requests: list[dict[str, Any]] = [
        {"text": "A fine game.", "candidate_labels": labels, "hypothesis_template": template, "multi_label": multi}
        for labels in ("sport, politics,, art", ["sport", "art"], ["one"])
        for template in ("This example is {}.", "About {0}: {{x}}")
        for multi in (False, True)
    ]
    wrong: list[dict[str, Any]] = [
        {"text": "a", "candidate_labels": ""},
        {"text": "", "candidate_labels": "x"},
        {"text": "a", "candidate_labels": ["x", " "]},
        {"text": "a", "candidate_labels": "x", "hypothesis_template": "no place"},
        {"text": "a", "candidate_labels": "x", "hypothesis_template": "{} {}"},
    ]
    found = answers(bundle, [*requests, *wrong], "onnxruntime-node")
    for request, got in zip(requests, found, strict=False):
        wanted = classify(**request)
        assert [one["label"] for one in got["answer"]] == [one.label for one in wanted]
        assert [one["score"] for one in got["answer"]] == pytest.approx([one.score for one in wanted], abs=1e-6)
    for request, got in zip(wrong, found[len(requests) :], strict=True):
        with pytest.raises(AlbertError) as raised:
            classify(**request)
        assert got["error"] == {"type": type(raised.value).__name__, "message": str(raised.value)}
