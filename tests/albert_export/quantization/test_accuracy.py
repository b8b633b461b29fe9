"""AccuracyCheck on real sessions: the original keeps all its own answers, and another model does not."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import albert_runtime
from albert_export.checkpoints import read_checkpoint
from albert_export.demos import demo_checkpoint
from albert_export.evaluation.decisions import Decision
from albert_export.export import export_onnx
from albert_export.quantization.accuracy import AccuracyCheck, AccuracyReport
from albert_export.quantization.accuracy_options import EXAMPLES, AccuracyBudget, AccuracyOptions
from albert_export.samples.requests import requests_from
from albert_export.samples.texts import evaluation_corpus
from albert_export.utils.schedule import Schedule
from albert_runtime.errors import AccuracyError
from albert_runtime.tasks import TASKS
from tests.accuracy_reports import report_of
from tests.conftest import CheckpointOf, save_tiny

CLS = TASKS["text-classification"]


def test_the_original_keeps_its_own_answers(bundle_of: CheckpointOf) -> None:
    session = albert_runtime.load(bundle_of(CLS.name), verify=False)
    check = AccuracyCheck(session, requests_from(evaluation_corpus()[:20], CLS), budget=AccuracyBudget.from_max_drop(0))
    report = check.measure(session, session.bundle.model_file)
    assert (report.texts, report.agreement, report.near_ties) == (20, 100.0, 0)
    assert report.logit_error == 0.0
    assert report.bytes == session.bundle.model_file.stat().st_size
    assert report.milliseconds > 0
    assert check.violations(report) == []


def test_another_model_does_not(bundle_of: CheckpointOf, tmp_path: Path) -> None:
    other = save_tiny(tmp_path / "other", "question-answering", num_hidden_layers=2)
    export_onnx(other, tmp_path / "bundle")
    original = albert_runtime.load(bundle_of("question-answering"), verify=False)
    check = AccuracyCheck(
        original,
        requests_from(evaluation_corpus()[:20], TASKS["question-answering"]),
        budget=AccuracyBudget.from_max_drop(0),
    )
    other_session = albert_runtime.load(tmp_path / "bundle", verify=False)
    report = check.measure(other_session, other_session.bundle.model_file)
    assert report.agreement + 100 * report.near_ties / 20 < 100 or report.logit_error > 0.1
    assert report.logit_error > 0.1


def test_texts_that_do_not_fit_are_left_out(bundle_of: CheckpointOf) -> None:
    session = albert_runtime.load(bundle_of("fill-mask"), verify=False)
    long = {"text": "word " * 200 + "[MASK]"}
    check = AccuracyCheck(session, [long, {"text": "A [MASK]."}], budget=AccuracyBudget())
    assert check.measure(session, session.bundle.model_file).texts == 1
    with pytest.raises(AccuracyError, match="none of the 1 texts fits into 48 tokens"):
        AccuracyCheck(session, [long], budget=AccuracyBudget())


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    labels = read_checkpoint(demo_checkpoint(CLS.name)).config.id2label
    file = tmp_path / "dev.tsv"
    rows = [f"A fine film, number {number}.\t{labels[number % 2]}" for number in range(30)]
    file.write_text("sentence\tlabel\n" + "\n".join(rows) + "\n")
    return file


def test_labelled_data_brings_its_metric(labelled: Path, tmp_path: Path) -> None:
    exported = export_onnx(demo_checkpoint(CLS.name), tmp_path / "bundle", precision="int8", eval_data=labelled)
    [*_, taken] = exported.manifest.recipe_search["trials"]
    assert taken["metric"] == "accuracy"
    assert 0 <= taken["score"] <= 100
    assert taken["drop"] <= 0.5
    assert taken["texts"] == 30
    assert f"dev.tsv, at most {EXAMPLES} examples" in (tmp_path / "bundle" / "README.md").read_text()


def test_labelled_data_is_scored_for_fp32_too(labelled: Path, tmp_path: Path) -> None:
    exported = export_onnx(demo_checkpoint(CLS.name), tmp_path / "bundle", eval_data=labelled)
    [only] = exported.manifest.recipe_search["trials"]
    assert (only["agreement"], only["drop"]) == (100.0, 0.0)


def test_a_regression_head_is_judged_by_its_values(tmp_path: Path) -> None:
    save_tiny(tmp_path / "scores", CLS.name, num_labels=1)
    with pytest.raises(AccuracyError, match="of the answers differ"):
        export_onnx(tmp_path / "scores", tmp_path / "bundle", precision="int4", max_drop=0)
    assert not (tmp_path / "bundle").exists()


def test_outputs_that_are_not_finite_lose_every_answer(
    bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = albert_runtime.load(bundle_of(CLS.name), verify=False)
    check = AccuracyCheck(session, requests_from(evaluation_corpus()[:5], CLS), budget=AccuracyBudget())
    broken = albert_runtime.load(bundle_of(CLS.name), verify=False)
    run = broken.run
    monkeypatch.setattr(broken, "run", lambda arrays: {name: out * np.nan for name, out in run(arrays).items()})
    report = check.measure(broken, broken.bundle.model_file)
    assert (report.texts, report.agreement, report.logit_error) == (5, 0.0, math.inf)
    assert check.violations(report) == ["100.0% of the answers differ", "outputs that are not finite"]
    assert report.to_dict()["logit_error"] is None


# --- the early end ---------------------------------------------------------------------------------------------------


def test_a_check_ends_once_too_many_answers_differ(bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch) -> None:
    session = albert_runtime.load(bundle_of(CLS.name), verify=False)
    check = AccuracyCheck(session, requests_from(evaluation_corpus()[:20], CLS), budget=AccuracyBudget(10.0))
    monkeypatch.setattr("albert_export.quantization.accuracy.differences", lambda *_: (1, 1, 0))
    report = check.measure(session, session.bundle.model_file)
    # two of twenty answers may differ, and the third one decides
    assert (report.texts, report.all_texts, report.answers, report.agreement) == (3, 20, 3, 0.0)
    assert check.violations(report) == [
        "100.0% of the answers differ in the first 3 of 20 texts, which ended the comparison"
    ]
    assert report.to_dict()["all_texts"] == 20
    whole = check.measure(session, session.bundle.model_file, complete=True)
    assert (whole.texts, check.violations(whole)) == (20, ["100.0% of the answers differ"])
    assert "all_texts" not in whole.to_dict()


def test_a_graph_that_exceeds_the_budget_is_not_scored(
    labelled: Path, bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = albert_runtime.load(bundle_of(CLS.name), verify=False)
    checkpoint = read_checkpoint(demo_checkpoint(CLS.name))
    dataset = AccuracyOptions(eval_data=labelled).dataset(checkpoint, CLS)
    check = AccuracyCheck(session, [], budget=AccuracyBudget(), dataset=dataset)
    assert check.measure(session, session.bundle.model_file).metric == "accuracy"
    monkeypatch.setattr("albert_export.quantization.accuracy.differences", lambda *_: (1, 1, 0))
    report = check.measure(session, session.bundle.model_file)
    assert (report.texts, report.metric) == (1, None)


def test_outputs_of_the_first_answers_are_not_computed_again(
    bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = albert_runtime.load(bundle_of(CLS.name), verify=False)
    other = albert_runtime.load(bundle_of(CLS.name), verify=False)
    check = AccuracyCheck(session, requests_from(evaluation_corpus()[:20], CLS), budget=AccuracyBudget())
    runs, engine = list[int](), other.engine
    run = engine.run
    monkeypatch.setattr(engine, "run", lambda inputs: runs.append(1) or run(inputs))
    monkeypatch.setattr("albert_export.quantization.accuracy.run_time", lambda session: (1.0, 8))
    report = check.measure(other, other.bundle.model_file)
    assert (report.texts, report.logit_error, len(runs)) == (20, 0.0, 20)
    assert other.engine is engine


@given(
    st.lists(st.integers(0, 4).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=40),
    st.sampled_from([0.0, 0.5, 1.0, 5.0, 50.0, 99.0, 100.0]),
)
def test_an_early_end_never_changes_the_verdict(texts: list[tuple[int, int]], budget: float) -> None:
    """Each text has up to four differing answers, of which some are near ties, among four of them or a single one."""
    counts = [(4 if different != 1 else 1, different, ties) for different, ties in texts]
    answered = iter(counts)
    check = object.__new__(AccuracyCheck)
    check.budget, check._schedule = AccuracyBudget.from_max_drop(budget), Schedule(lambda line: None)
    parts = (("a", 1.0),) * 4
    check._expected = [({}, Decision(None, parts, parts_are_answers=True)) for _ in counts]
    session = SimpleNamespace(manifest=SimpleNamespace(precision="int8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("albert_export.quantization.accuracy.differences", lambda *_: next(answered))
        patch.setattr("albert_export.quantization.accuracy.decide", lambda *_: None)
        early = check._answers(session, False)  # type: ignore[arg-type]
        answered = iter(counts)
        whole = check._answers(session, True)  # type: ignore[arg-type]
    verdicts = [
        bool(check.violations(report_of(**{**figures, "all_texts": len(counts)}))) for figures in (early, whole)
    ]
    assert verdicts[0] == verdicts[1]
    if early["texts"] < whole["texts"]:
        assert verdicts[0]


# --- the budget -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "violations"),
    [
        (report_of(99.0), []),
        (report_of(98.9), ["1.1% of the answers differ"]),
        (report_of(math.nan), ["nan% of the answers differ"]),
        (report_of(100.0, logit_error=math.nan), ["outputs that are not finite"]),
        (report_of(100.0, metric="f1", score=80.0, drop=0.5), []),
        (report_of(100.0, metric="f1", score=80.0, drop=0.6), ["f1 falls by 0.6"]),
        (report_of(100.0, metric="f1", score=81.0, drop=-2.0), []),
        (
            report_of(90.0, metric="f1", score=math.nan, drop=math.nan),
            ["10.0% of the answers differ", "f1 falls by nan"],
        ),
    ],
)
def test_violations_of_the_budget(report: AccuracyReport, violations: list[str]) -> None:
    assert AccuracyCheck.violations(SimpleNamespace(budget=AccuracyBudget()), report) == violations  # type: ignore[arg-type]


def test_a_budget_of_zero_excuses_no_near_tie() -> None:
    strict, report = SimpleNamespace(budget=AccuracyBudget.from_max_drop(0)), report_of(100.0, near_ties=2)
    assert AccuracyCheck.violations(strict, report) == ["2.0% of the answers differ"]  # type: ignore[arg-type]
    assert AccuracyCheck.violations(strict, report_of(100.0)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("agreement", "near_ties", "relies"), [(100.0, 1, False), (99.0, 1, True), (100.0, 2, True)])
def test_a_graph_that_relies_on_near_ties(agreement: float, near_ties: int, relies: bool) -> None:
    report = report_of(agreement, near_ties=near_ties)
    assert AccuracyCheck.relies_on_near_ties(SimpleNamespace(budget=AccuracyBudget()), report) is relies  # type: ignore[arg-type]
