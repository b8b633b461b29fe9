"""The texts of the package: sentences that are difficult for tokenizers, and a corpus in two separate parts."""

from __future__ import annotations

from albert_export.samples.texts import calibration_corpus, evaluation_corpus, sentences


def test_sentences_hold_hard_cases_and_no_comments() -> None:
    text = "\n".join(sentences())
    assert len(sentences()) >= 20
    assert not any(line.startswith("#") or not line.strip() for line in sentences())
    for hard in ("9,", "``", "é", "ﬁ", "İ", "Σ", "東京", "🙂", "ﷺ"):
        assert hard in text


def test_the_bundled_corpus_has_texts_of_every_kind() -> None:
    for texts in (calibration_corpus(), evaluation_corpus()):
        assert sum(second is None for _, second in texts) >= 20
        assert sum(second is not None and len(second) < 300 for _, second in texts) >= 20
        assert any(second is not None and len(second) > 300 for _, second in texts)
        assert all(first.strip() and (second is None or second.strip()) for first, second in texts)


def test_no_sentence_is_for_calibration_and_for_evaluation() -> None:
    calibrating, evaluating = ({first for first, _ in texts} for texts in (calibration_corpus(), evaluation_corpus()))
    assert len(evaluating) >= 100  # one answer of a hundred may differ, so there must be a hundred
    assert not calibrating & evaluating
