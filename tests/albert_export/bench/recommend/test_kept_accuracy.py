"""What a manifest says about the answers that its graph keeps."""

from __future__ import annotations

from typing import Any

import pytest

from albert_export.bench.recommend.kept_accuracy import KeptAccuracy
from albert_export.quantization.accuracy_options import AccuracyBudget
from albert_runtime.manifest import Manifest

DIGEST = "0" * 64
TRIAL = {"recipe": "per-channel", "agreement": 99.2, "metric": None, "drop": None, "violations": []}
REFUSED = {**TRIAL, "agreement": 50.0, "violations": ["too many answers differ"]}
SKIPPED = {"recipe": "split", "violations": ["no outliers"]}


def manifest(**fields: Any) -> Manifest:
    files = dict.fromkeys(("model.onnx", "config.json", "spiece.model"), DIGEST)
    return Manifest(task="question-answering", model_file="model.onnx", max_length=48, files=files, **fields)


def search(*trials: dict[str, Any]) -> dict[str, Any]:
    return {"texts": "120 texts", "trials": list(trials)}


def test_the_trial_that_was_taken() -> None:
    kept = KeptAccuracy.of(manifest(recipe_search=search(REFUSED, SKIPPED, TRIAL)))
    assert kept == KeptAccuracy(99.2, "120 texts")
    assert str(kept) == "99.2%"


def test_labelled_data() -> None:
    kept = KeptAccuracy.of(manifest(recipe_search=search({**TRIAL, "metric": "F1", "drop": 0.3})))
    assert (kept.metric, kept.drop) == ("F1", 0.3)
    assert str(kept) == "99.2%, F1 -0.30"


def test_fp32_answers_were_compared() -> None:
    kept = KeptAccuracy.of(manifest(parity={"checks": {"answers": {"passed": True, "detail": "6 of 6 equal"}}}))
    assert kept == KeptAccuracy(100.0, "6 of 6 equal")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"parity": {"passed": True, "checks": {}}},
        {"parity": {"checks": {"answers": {"passed": False}}}},
        {"recipe_search": search()},
        {"recipe_search": search(TRIAL, REFUSED)},
        {"recipe_search": search(TRIAL, SKIPPED)},
        {"recipe_search": {"trials": "none"}},
        {"recipe_search": search({**TRIAL, "agreement": None})},
    ],
)
def test_nothing_is_known(fields: dict[str, Any]) -> None:
    kept = KeptAccuracy.of(manifest(**fields))
    assert not kept.is_known
    assert str(kept) == "not known"
    assert kept.excess(AccuracyBudget(0, 0)) == ""


@pytest.mark.parametrize(
    ("kept", "budget", "expected"),
    [
        (KeptAccuracy(99.0), AccuracyBudget(1, 0.5), ""),
        (KeptAccuracy(98.9), AccuracyBudget(1, 0.5), "1.1 of 100 answers differ"),
        (KeptAccuracy(100.0, "", "F1", 0.5), AccuracyBudget(1, 0.5), ""),
        (KeptAccuracy(100.0, "", "F1", 0.6), AccuracyBudget(1, 0.5), "F1 fell by 0.60 points"),
        (KeptAccuracy(90.0, "", "F1", 6), AccuracyBudget(), "10.0 of 100 answers differ and F1 fell by 6.00 points"),
        (KeptAccuracy(90.0, "", "F1", 6), AccuracyBudget(10, 10), ""),
    ],
)
def test_the_budget(kept: KeptAccuracy, budget: AccuracyBudget, expected: str) -> None:
    assert kept.excess(budget) == expected
