"""EM and F1 agree with the official SQuAD scripts, reimplemented here; a question may have no answer."""

from __future__ import annotations

import collections
import dataclasses
import json
import re
import shutil
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_export.demos import demo_checkpoint
from albert_export.evaluation import Dataset, Evaluation, Example, evaluate, find_model, read_dataset
from albert_export.evaluation.metrics.squad import NullableAnswer, squad_1_scores, squad_2_scores
from albert_runtime import AlbertSession, load
from albert_runtime.engines.canned_engine import CannedEngine
from tests.conftest import DemoBundleOf
from tests.runtime.tiny_bundle import make_bundle
from tests.shared_data import shared_data

XQUAD = "xquad/xquad.en.json"


def official_words(text: str) -> list[str]:
    text = "".join(sign for sign in text.lower() if sign not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def official_f1(answer: str, right: str, second: bool) -> float:
    given, wanted = official_words(answer), official_words(right)
    if second and (not given or not wanted):
        return float(given == wanted)
    common = collections.Counter(given) & collections.Counter(wanted)
    same = sum(common.values())
    if same == 0:
        return 0.0
    precision, recall = same / len(given), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def official(record: dict[str, Any], predictions: dict[str, str], second: bool) -> tuple[float, float]:
    """Return EM and F1 in percent of the predictions {id: answer}, over all questions of a SQuAD file."""
    exact, f1, total = 0.0, 0.0, 0
    for article in record["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                total += 1
                rights = [answer["text"] for answer in question["answers"]]
                if second:
                    rights = [right for right in rights if official_words(right)] or [""]
                answer = predictions.get(question["id"], "")
                exact += max(" ".join(official_words(answer)) == " ".join(official_words(right)) for right in rights)
                f1 += max(official_f1(answer, right, second) for right in rights)
    return 100 * exact / total, 100 * f1 / total


def some_of_xquad(folder: Path, paragraphs: int, *, second: bool = False) -> Path:
    """Write a file of paragraphs from all parts of XQuAD; as v2.0, the questions of every other one have no answer."""
    record = json.loads(shared_data(XQUAD).read_text(encoding="utf-8"))
    every = [paragraph for article in record["data"] for paragraph in article["paragraphs"]]
    chosen = every[:: len(every) // paragraphs][:paragraphs]
    if second:
        for index, paragraph in enumerate(chosen):
            for question in paragraph["qas"]:
                question["is_impossible"] = bool(index % 2)
                question["answers"] = [] if index % 2 else question["answers"]
    version = "v2.0" if second else record.get("version", "1.1")
    file = folder / "some.json"
    file.write_text(json.dumps({"version": version, "data": [{"paragraphs": chosen}]}), encoding="utf-8")
    return file


def predictions_of(dataset: Dataset, evaluation: Evaluation) -> dict[str, str]:
    return {one.name: answer for one, answer in zip(dataset.examples, evaluation.answers, strict=True)}


def assert_official(session: AlbertSession, file: Path, second: bool = False) -> Evaluation:
    dataset = read_dataset(file, "qa")
    evaluation = evaluate(session, dataset)
    record = json.loads(file.read_text(encoding="utf-8"))
    exact, f1 = official(record, predictions_of(dataset, evaluation), second)
    assert evaluation.metrics["exact_match"] == pytest.approx(exact)
    assert evaluation.metrics["f1"] == pytest.approx(f1)
    assert evaluation.score == evaluation.metrics["f1"]
    return evaluation


@pytest.fixture(scope="module")
def reference() -> AlbertSession:
    return find_model(demo_checkpoint("qa")).open()


@pytest.fixture(scope="module")
def bundle(demo_bundle_of: DemoBundleOf) -> AlbertSession:
    return load(demo_bundle_of("onnx", "question-answering", "fp32"))


def test_some_of_xquad(tmp_path: Path, bundle: AlbertSession, reference: AlbertSession) -> None:
    file = some_of_xquad(tmp_path, 8)
    of_bundle, of_reference = assert_official(bundle, file), assert_official(reference, file)
    assert of_bundle.answers == of_reference.answers
    assert of_bundle.metrics["f1"] > 0
    assert "onnx" in of_bundle.engine.lower()
    assert "pytorch" in of_reference.engine


def test_some_of_xquad_as_second_version(tmp_path: Path, bundle: AlbertSession) -> None:
    evaluation = assert_official(bundle, some_of_xquad(tmp_path, 6, second=True), second=True)
    best = {"best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"}
    assert evaluation.metrics.keys() - best == {
        f"{group}{metric}" for group in ("", "has_answer_", "no_answer_") for metric in ("exact_match", "f1")
    }
    assert best < evaluation.metrics.keys()


def test_the_best_threshold_in_the_manifest_gives_the_best_f1(tmp_path: Path, bundle: AlbertSession) -> None:
    file = some_of_xquad(tmp_path, 6, second=True)
    best = assert_official(bundle, file, second=True).metrics
    folder = shutil.copytree(bundle.bundle.folder, tmp_path / "bundle")
    manifest = dataclasses.replace(bundle.manifest, null_threshold=best["best_f1_thresh"])
    (folder / "manifest.json").write_text(json.dumps(manifest.to_dict()), encoding="utf-8")
    with_threshold = load(folder)
    evaluation = assert_official(with_threshold, file, second=True)
    assert evaluation.metrics["f1"] == pytest.approx(best["best_f1"])
    assert best["best_f1"] > best["f1"]
    assert "" in evaluation.answers
    # The session itself gives these answers by default.
    dataset = read_dataset(file, "qa")
    assert evaluation.answers == [with_threshold(**one.request, max_answer_len=30).text for one in dataset.examples]


@pytest.mark.slow
@pytest.mark.parametrize("which", ["bundle", "reference"])
def test_all_of_xquad(which: str, request: pytest.FixtureRequest) -> None:
    session: AlbertSession = request.getfixturevalue(which)
    evaluation = assert_official(session, shared_data(XQUAD))
    assert len(evaluation.answers) == 1190


texts = st.text(st.sampled_from("aAnNtThHeE .,'-é1\u00a0_"), max_size=12)


@given(st.lists(st.tuples(st.lists(texts, min_size=1, max_size=3), texts), min_size=1, max_size=5))
def test_any_answers(answered: list[tuple[list[str], str]]) -> None:
    questions = [
        {"id": str(index), "answers": [{"text": right} for right in rights]}
        for index, (rights, _) in enumerate(answered)
    ]
    record = {"data": [{"paragraphs": [{"qas": questions}]}]}
    answers = [answer for _, answer in answered]
    predictions = {str(index): answer for index, answer in enumerate(answers)}
    examples = [Example({}, tuple(rights)) for rights, _ in answered]
    nullable = [NullableAnswer(answer, -1.0, 0.0) for answer in answers]
    for second, got in ((False, squad_1_scores(examples, answers)), (True, squad_2_scores(examples, nullable))):
        exact, f1 = official(record, predictions, second)
        assert got["exact_match"] == pytest.approx(exact)
        assert got["f1"] == pytest.approx(f1)


def test_by_hand() -> None:
    examples = [Example({}, ("The Denver Broncos!", "Denver")), Example({}, ("308",)), Example({}, ("the",))]
    scores = squad_1_scores(examples, ["denver broncos", "about 308 points", "a"])
    # 1, 2 * (1/3 * 1) / (4/3) = 1/2, and equal when normalized to nothing, but without a common word
    assert scores == {"exact_match": pytest.approx(200 / 3), "f1": pytest.approx(50)}


def test_no_answer_by_hand() -> None:
    examples = [Example({}, ("Denver",)), Example({}, ()), Example({}, ())]
    answers = [
        NullableAnswer("Denver", 5.0, 2.0),
        NullableAnswer("Boston", 9.0, 2.0),
        NullableAnswer("Denver", 1.0, 2.0),
    ]
    assert [answer.text for answer in answers] == ["", "", "Denver"]
    assert squad_2_scores(examples, answers) == {
        "exact_match": pytest.approx(100 / 3), "f1": pytest.approx(100 / 3),
        "has_answer_exact_match": 0, "has_answer_f1": 0, "no_answer_exact_match": 50, "no_answer_f1": 50,
        # with any threshold below 1 nothing is answered; with 5, the first question is right and the last one wrong
        "best_exact": pytest.approx(200 / 3), "best_exact_thresh": 0,
        "best_f1": pytest.approx(200 / 3), "best_f1_thresh": 0,
    }  # fmt: skip


def official_threshold(
    scores: dict[str, float], odds: dict[str, float], has: dict[str, bool], texts: dict[str, str]
) -> tuple[float, float | None]:
    """Return what find_best_thresh of evaluate-v2.0.py returns; the threshold is None if no question is answered."""
    current = best = float(sum(not has[name] for name in odds))
    threshold: float | None = None
    for name in sorted(odds, key=odds.__getitem__):
        if has[name]:
            current += scores[name]
        else:
            current += -1 if texts[name] else 0
        if current > best:
            best, threshold = current, odds[name]
    return 100 * best / len(scores), threshold


questions = st.tuples(st.booleans(), st.sampled_from(["denver", "denver colorado", "boston", ""]), st.floats(-9, 9))


@given(st.lists(questions, min_size=1, max_size=9))
def test_best_thresholds(asked: list[tuple[bool, str, float]]) -> None:
    examples = [Example({}, ("Denver",) if has else ()) for has, _, _ in asked]
    scores = squad_2_scores(examples, [NullableAnswer(text, odds, 0.0) for _, text, odds in asked])
    named = {str(index): one for index, one in enumerate(asked)}
    of_passages = {
        "exact": {name: float(text == "denver") for name, (_, text, _) in named.items()},
        "f1": {name: official_f1(text, "denver", True) for name, (_, text, _) in named.items()},
    }
    for name, of_passage in of_passages.items():
        best, threshold = official_threshold(
            of_passage,
            {one: odds for one, (_, _, odds) in named.items()},
            {one: has for one, (has, _, _) in named.items()},
            {one: text for one, (_, text, _) in named.items()},
        )
        assert scores[f"best_{name}"] == pytest.approx(best)
        least = min(odds for _, _, odds in asked)
        found = scores[f"best_{name}_thresh"]
        assert found < least if threshold is None else found == threshold


CONTEXT = "ada lovelace lived in london where she wrote about engines that compute numbers"


def canned(folder: Path, null: list[float], word: str, logit: float) -> AlbertSession:
    """Return a session with canned start and end logits.

    Their sum is `logit` for `word`; for [CLS] it is the value in `null` for each window.
    """
    bundle = make_bundle(folder / "bundle", "question-answering", max_length=16)
    plain = load(bundle, verify=False, engine=CannedEngine("qa", {}))
    (piece,) = plain.tokenizer.encode(word, add_special_tokens=False)
    nulls = iter(null)

    def answer(inputs: Any) -> dict[str, np.ndarray]:
        logits = np.where(inputs["input_ids"] == piece, logit / 2, -5.0)
        logits[:, 0] = next(nulls) / 2
        return {"start_logits": logits, "end_logits": logits}

    return load(bundle, verify=False, engine=CannedEngine("qa", answer))


@pytest.mark.parametrize(
    ("null", "logit", "expected"),
    [
        ([3.0, 3.0], 4.0, "engines"),
        ([5.0, 5.0], 4.0, ""),
        ([5.0, 3.0], 4.0, "engines"),  # the smaller score of the two windows counts
        ([4.0, 4.0], 4.0, "engines"),
    ],
)
def test_there_is_no_answer_if_cls_is_above_the_best_answer(
    tmp_path: Path, null: list[float], logit: float, expected: str
) -> None:
    session = canned(tmp_path, null, "engines", logit)
    request = {"question": "what is there", "context": CONTEXT}
    assert len(session.arrays(**request)["input_ids"]) == 2
    dataset = Dataset(Path("file"), "question-answering", "SQuAD v2.0", (Example(request, ("engines",)),))
    assert evaluate(session, dataset).answers == [expected]
    # in v1.1 every question has an answer
    dataset = dataclasses.replace(dataset, kind="SQuAD v1.1")
    assert evaluate(canned(tmp_path, null, "engines", logit), dataset).answers == ["engines"]


@pytest.mark.parametrize("kind", ["SQuAD v1.1", "SQuAD v2.0"])
def test_a_request_that_can_not_be_asked_has_no_answer(tmp_path: Path, kind: Any) -> None:
    session = canned(tmp_path, [], "engines", 4.0)
    requests = [
        {"question": " ", "context": CONTEXT},
        {"question": "what", "context": ""},
    ]
    dataset = Dataset(Path("file"), "question-answering", kind, tuple(Example(one, ("london",)) for one in requests))
    evaluation = evaluate(session, dataset)
    assert evaluation.answers == ["", ""]
    assert evaluation.score == 0
