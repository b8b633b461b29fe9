from __future__ import annotations

import numpy as np
import pytest

from albert_runtime import ZeroShotClassifier
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import RequestError, UsageError
from tests.runtime.test_session import canned

NLI = ("contradiction", "neutral", "entailment")


def classifier(tmp_path, labels=NLI, **options):
    """A classifier whose model says that hypotheses about paris are entailed."""

    def answer(session, inputs):
        (paris,) = session.tokenizer.convert_tokens_to_ids(["▁paris"])
        says = (inputs["input_ids"] == paris).any(axis=-1)
        return {"logits": np.array([[0, 1, 5] if one else [4, 1, 0] for one in says])[:, : len(labels)]}

    return ZeroShotClassifier(canned(tmp_path, "text-classification", answer, labels=labels), **options)


def test_answers(tmp_path):
    classify = classifier(tmp_path)
    best, other = classify("the tower", ["london", "Paris"])
    assert (best.label, other.label) == ("Paris", "london")
    assert best.score + other.score == pytest.approx(1)
    assert classify("the tower", "london, Paris ,") == (best, other)
    best, other = classify("the tower", ["london", "Paris"], hypothesis_template="he lived in {}", multi_label=True)
    assert (best.score, other.score) == (pytest.approx(1 / (1 + np.exp(-5))), pytest.approx(1 / (1 + np.exp(4))))
    assert classify.session.engine.runs[-1]["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1, 1, 1]]


class TestManyTexts:
    TEXTS = ("the tower", "a film", "what is far from the tower")
    LABELS = ("london", "Paris", "rome")

    def test_a_list_gives_a_list(self, tmp_path):
        classify = classifier(tmp_path)
        alone = [classify(text, self.LABELS) for text in self.TEXTS]
        assert len(classify.session.engine.runs) == 9
        assert classify(list(self.TEXTS), self.LABELS) == alone
        assert len(classify.session.engine.runs) == 10  # the nine pairs are one batch
        assert classify(list(self.TEXTS), candidate_labels="london, Paris, rome") == alone
        template = "he lived in {}"
        both = classify(list(self.TEXTS), self.LABELS, template, True)
        assert both == [classify(text, self.LABELS, template, multi_label=True) for text in self.TEXTS]
        assert classify([], self.LABELS) == []

    def test_a_generator_gives_an_iterator(self, tmp_path):
        classify = classifier(tmp_path)
        answers = classify((text for text in self.TEXTS), self.LABELS, max_batch_tokens=64)
        assert not isinstance(answers, list)
        assert next(answers)[0].label == "Paris"
        assert len(list(answers)) == 2

    def test_each_text_may_have_labels_of_its_own(self, tmp_path):
        requests = [("the tower", ["Paris", "rome"]), ("a film", ["london"])]
        classify = classifier(tmp_path)
        assert list(classify.map(requests)) == [classify(*request) for request in requests]

    def test_a_wrong_text(self, tmp_path):
        classify = classifier(tmp_path)
        with pytest.raises(RequestError, match="text is empty") as caught:
            classify(["the tower", ""], self.LABELS)
        assert caught.value.index == 1
        right, wrong = classify.map(["the tower", ""], candidate_labels=self.LABELS, errors="return")
        assert (right[0].label, type(wrong)) == ("Paris", RequestError)
        with pytest.raises(UsageError, match="candidate_labels"):
            classify(list(self.TEXTS))


def test_only_the_text_is_cut_off(tmp_path):
    classify = classifier(tmp_path)
    classify("film " * 200, ["london"])
    (run,) = classify.session.engine.runs
    assert run["input_ids"].shape == (1, 64)
    (hypothesis,) = classify.session.tokenizer("This example is london.").encodings
    assert run["input_ids"][0, -len(hypothesis) + 1 :].tolist() == list(hypothesis.ids[1:])
    with pytest.raises(UsageError, match="shorten the second text"):
        classify("film", ["london " * 100])


@pytest.mark.parametrize(
    ("labels", "entailment", "contradiction"),
    [
        (NLI, 2, 0),
        (("ENTAILMENT", "NEUTRAL", "CONTRADICTION"), 0, 2),
        (("neutral", "contradiction", "entailment"), 2, 1),
        (("not_entailment", "entailment"), 1, 0),
        (("entail", "other"), 0, 1),
    ],
)
def test_the_labels_tell_entailment(tmp_path, labels, entailment, contradiction):
    found = classifier(tmp_path, labels)
    assert (found._entailment, found._contradiction) == (entailment, contradiction)


def test_labels_without_names(tmp_path):
    labels = ("LABEL_0", "LABEL_1", "LABEL_2")
    with pytest.raises(UsageError, match=r"LABEL_0, LABEL_1, LABEL_2; none of them means entailment"):
        classifier(tmp_path, labels)
    assert classifier(tmp_path, labels, entailment="LABEL_2")("the tower", "Paris, london")[0].label == "Paris"


def test_a_session_of_another_task(tmp_path):
    with pytest.raises(UsageError, match="text-classification bundle, not of fill-mask"):
        ZeroShotClassifier(canned(tmp_path, "fill-mask", CannedEngine))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("the tower", []), "candidate_labels is empty"),
        (("the tower", " , "), "candidate_labels is empty"),
        (("the tower", ["a", ""]), r"candidate_labels\[1\] is empty"),
        (("the tower", {"a"}), "must be a list of texts, not set"),
        (("", ["a"]), "text is empty"),
        (("the tower", ["a"], "no place"), "hypothesis_template must be a sentence with {}"),
        (("the tower", ["a"], "{} and {}"), "hypothesis_template must be a sentence with {}"),
        (("the tower", ["a"], "{name"), "hypothesis_template must be a sentence with {}"),
        (("the tower", ["a"], None), "hypothesis_template must be a sentence with {}"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        classifier(tmp_path)(*arguments)
