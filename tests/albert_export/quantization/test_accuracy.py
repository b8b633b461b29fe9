"""The gate on real sessions: a graph that is the original keeps everything, another one does not."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

import albert_runtime
from albert_export.checkpoints import read_checkpoint
from albert_export.demos import demo_checkpoint
from albert_export.evaluation import read_dataset
from albert_export.export import export_onnx
from albert_export.quantization.accuracy import Gate
from albert_export.quantization.accuracy_options import EXAMPLES, Fidelity
from albert_export.quantization.budget import Budget
from albert_export.samples.requests import requests_from
from albert_export.samples.texts import evaluation_corpus
from albert_runtime.errors import AccuracyError, UnsupportedError, UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf, save_tiny

CLS = TASKS["text-classification"]


def test_the_original_keeps_its_own_answers(bundle_of: CheckpointOf) -> None:
    session = albert_runtime.load(bundle_of(CLS.name), verify=False)
    gate = Gate(session, requests_from(evaluation_corpus()[:20], CLS), budget=Budget.of(0))
    measured = gate.measure(session, session.bundle.model_file)
    assert (measured.texts, measured.agreement, measured.near_ties) == (20, 100.0, 0)
    assert measured.logit_error == 0.0
    assert measured.bytes == session.bundle.model_file.stat().st_size
    assert measured.milliseconds > 0
    assert gate.objections(measured) == []


def test_another_model_does_not(bundle_of: CheckpointOf, tmp_path: Path) -> None:
    other = save_tiny(tmp_path / "other", "question-answering", num_hidden_layers=2)
    export_onnx(other, tmp_path / "bundle")
    original = albert_runtime.load(bundle_of("question-answering"), verify=False)
    gate = Gate(original, requests_from(evaluation_corpus()[:20], TASKS["question-answering"]), budget=Budget.of(0))
    stranger = albert_runtime.load(tmp_path / "bundle", verify=False)
    measured = gate.measure(stranger, stranger.bundle.model_file)
    assert measured.agreement + 100 * measured.near_ties / 20 < 100 or measured.logit_error > 0.1
    assert measured.logit_error > 0.1


def test_texts_that_do_not_fit_are_left_out_and_said(bundle_of: CheckpointOf) -> None:
    session = albert_runtime.load(bundle_of("fill-mask"), verify=False)
    long = {"text": "word " * 200 + "[MASK]"}
    gate = Gate(session, [long, {"text": "A [MASK]."}], budget=Budget())
    assert gate.measure(session, session.bundle.model_file).texts == 1
    with pytest.raises(AccuracyError, match="none of the 1 texts fits into 48 tokens"):
        Gate(session, [long], budget=Budget())


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    labels = read_checkpoint(demo_checkpoint(CLS.name)).config.id2label
    file = tmp_path / "dev.tsv"
    rows = [f"A fine film, number {number}.\t{labels[number % 2]}" for number in range(30)]
    file.write_text("sentence\tlabel\n" + "\n".join(rows) + "\n")
    return file


def test_labelled_data_brings_its_metric(labelled: Path, tmp_path: Path) -> None:
    exported = export_onnx(demo_checkpoint(CLS.name), tmp_path / "bundle", precision="int8", eval_data=labelled)
    [*_, taken] = exported.manifest.fidelity["ladder"]
    assert taken["metric"] == "accuracy"
    assert 0 <= taken["score"] <= 100
    assert taken["drop"] <= 0.5
    assert taken["texts"] == 30
    assert f"dev.tsv, at most {EXAMPLES} examples" in (tmp_path / "bundle" / "README.md").read_text()


def test_labelled_data_is_scored_for_fp32_too(labelled: Path, tmp_path: Path) -> None:
    exported = export_onnx(demo_checkpoint(CLS.name), tmp_path / "bundle", eval_data=labelled)
    [only] = exported.manifest.fidelity["ladder"]
    assert (only["agreement"], only["drop"]) == (100.0, 0.0)


def test_bad_evaluation_data_is_refused_before_the_model_is_built(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(demo_checkpoint(CLS.name))
    unknown = tmp_path / "dev.tsv"
    unknown.write_text("sentence\tlabel\nA film.\tsplendid\n")
    with pytest.raises(UsageError, match="splendid"):
        Fidelity(eval_data=unknown).dataset(checkpoint, CLS)
    squad = tmp_path / "dev.json"
    squad.write_text('{"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "A')
    with pytest.raises(UsageError):
        Fidelity(eval_data=squad).dataset(checkpoint, TASKS["question-answering"])
    embedder = read_checkpoint(demo_checkpoint("feature-extraction"))
    with pytest.raises(UnsupportedError, match="verify"):
        Fidelity(eval_data=unknown).dataset(embedder, TASKS["feature-extraction"])


def test_labels_are_in_the_order_of_the_outputs(labelled: Path) -> None:
    checkpoint = read_checkpoint(demo_checkpoint(CLS.name))
    config = checkpoint.config
    backwards = dict(reversed(config.id2label.items()))
    mixed = dataclasses.replace(checkpoint, config=dataclasses.replace(config, id2label=backwards))
    numbered = labelled.with_name("numbers.tsv")
    numbered.write_text("sentence\tlabel\nA film.\t0\nA film.\t1\n")
    dataset = Fidelity(eval_data=numbered).dataset(mixed, CLS)
    assert dataset is not None
    assert [example.expected for example in dataset.examples] == [config.id2label[0], config.id2label[1]]
    assert read_dataset(numbered, CLS, labels=[config.id2label[0], config.id2label[1]]).examples == dataset.examples


def test_the_users_own_texts_are_asked_too() -> None:
    own = [(f"A text of my own, number {number}.", None) for number in range(250)]
    requests = Fidelity(texts=own).requests(CLS)
    assert len(requests) == len(evaluation_corpus()) + 100
    assert requests[-1]["text"].startswith("A text of my own")


def test_a_sorted_file_is_asked_from_all_over(tmp_path: Path) -> None:
    file = tmp_path / "sorted.tsv"
    labels = read_checkpoint(demo_checkpoint(CLS.name)).config.id2label
    rows = [f"A film, number {number}.\t{labels[int(number >= 400)]}" for number in range(800)]
    file.write_text("sentence\tlabel\n" + "\n".join(rows) + "\n")
    dataset = Fidelity(eval_data=file).dataset(read_checkpoint(demo_checkpoint(CLS.name)), CLS)
    assert dataset is not None
    assert len(dataset.examples) == EXAMPLES
    for asked in (dataset, dataset.spread(200)):
        share = sum(example.expected == labels[0] for example in asked.examples) / len(asked.examples)
        assert 0.4 < share < 0.6
    assert dataset.spread(200) == dataset.spread(200)
    assert dataset.spread(EXAMPLES) is dataset


def test_a_regression_head_is_judged_by_its_values(tmp_path: Path) -> None:
    save_tiny(tmp_path / "scores", CLS.name, num_labels=1)
    with pytest.raises(AccuracyError, match="of the answers differ"):
        export_onnx(tmp_path / "scores", tmp_path / "bundle", precision="int4", max_drop=0)
    assert not (tmp_path / "bundle").exists()


def test_values_that_are_no_numbers_lose_every_answer(bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch) -> None:
    session = albert_runtime.load(bundle_of(CLS.name), verify=False)
    gate = Gate(session, requests_from(evaluation_corpus()[:5], CLS), budget=Budget())
    broken = albert_runtime.load(bundle_of(CLS.name), verify=False)
    run = broken.run
    monkeypatch.setattr(broken, "run", lambda arrays: {name: out * np.nan for name, out in run(arrays).items()})
    measured = gate.measure(broken, broken.bundle.model_file)
    assert (measured.texts, measured.agreement, measured.logit_error) == (5, 0.0, math.inf)
    assert gate.objections(measured) == ["100.0% of the answers differ", "outputs that are not finite"]
    assert measured.to_dict()["logit_error"] is None
