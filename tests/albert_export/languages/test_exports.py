"""Exports of models in other languages: graphs, accuracy checks and self-tests are in the model's own language."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import albert_runtime
from albert_export.samples.requests import sample_requests
from albert_export.samples.sample_texts import texts_for
from albert_export.samples.vocabulary_fit import unknown_share
from albert_export.verification.verify import verify_bundle
from tests.albert_export.languages.small_checkpoints import MODELS

BundleOf = Callable[[str, str], Path]


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for part in (value.values() if isinstance(value, dict) else value) for text in strings(part)]


def test_a_float_bundle_computes_what_transformers_does(
    case: tuple[str, str], checkpoint: Path, bundle_of: BundleOf
) -> None:
    session = albert_runtime.load(bundle_of("onnx", "fp32"))
    task = session.bundle.task
    model = getattr(transformers, task.architecture).from_pretrained(checkpoint).eval()
    requests = sample_requests(task, 12, samples=texts_for(session.tokenizer))
    largest = set()
    for request in requests:
        arrays = session.arrays(**request)
        with torch.no_grad():
            expected = model(**{name: torch.from_numpy(array) for name, array in arrays.items()})
        outputs = session.run(arrays)
        largest.add(round(max(float(np.abs(output).max()) for output in outputs.values()), 3))
        for name, output in outputs.items():
            np.testing.assert_allclose(output, expected[name].numpy(), atol=1e-4, rtol=1e-4, err_msg=name)
    assert len(largest) > 6  # the requests differ for the model, too


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_an_onnx_bundle_keeps_the_answers(
    case: tuple[str, str], checkpoint: Path, bundle_of: BundleOf, precision: str
) -> None:
    assert_kept(case, checkpoint, bundle_of("onnx", precision), precision)


@pytest.mark.slow
def test_a_tflite_bundle_keeps_the_answers(case: tuple[str, str], checkpoint: Path, bundle_of: BundleOf) -> None:
    assert_kept(case, checkpoint, bundle_of("tflite", "int8"), "int8")


def assert_kept(case: tuple[str, str], checkpoint: Path, bundle: Path, precision: str) -> None:
    """The bundle has the checkpoint's answers, and everything that was asked is text of its language."""
    session = albert_runtime.load(bundle)  # runs the self-tests
    manifest = session.manifest
    tested = [text for vector in manifest.self_test for text in strings(vector["inputs"])]
    assert len(manifest.self_test) == 3
    assert unknown_share(tested, session.tokenizer) < 0.05
    own = [line for corpus in texts_for(session.tokenizer).corpora for line in corpus.sentences]
    assert any(text.split("[MASK]")[0] in line for text in tested for line in own)
    if precision == "fp32":
        report = verify_bundle(bundle, checkpoint)
        assert report.passed
        [tokens] = [check for check in report.checks if check.name == "tokens"]
        assert tokens.detail == f"{25 + len(texts_for(session.tokenizer).sentences)} sentences"
    else:
        assert manifest.recipe_search["texts"] == texts_for(session.tokenizer).description
        taken = manifest.recipe_search["trials"][-1]
        assert taken["violations"] == []
        assert taken["texts"] >= 100
        assert taken["agreement"] >= 95
    settings = json.loads((bundle / "tokenizer_config.json").read_text())
    if case[0] == "wordpiece":
        assert settings["tokenizer_class"] == "BertTokenizer"
    else:
        assert settings["keep_accents"] == MODELS[case[1]].settings.get("keep_accents", False)
