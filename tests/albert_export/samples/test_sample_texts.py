"""SampleTexts: English as it was, and the texts of one or of several other languages."""

from __future__ import annotations

from albert_export.samples.corpora import corpus_of, language_of
from albert_export.samples.languages import LANGUAGES
from albert_export.samples.sample_texts import ENGLISH_TEXTS, SampleTexts, texts_for
from albert_export.samples.texts import calibration_corpus, evaluation_corpus, sentences
from albert_runtime import AlbertTokenizer
from tests.conftest import VOCABULARY


def samples_of(tags: str) -> SampleTexts:
    return SampleTexts([corpus_of(language_of(tag)) for tag in tags.split()])


def test_english_texts_are_those_that_always_were() -> None:
    for samples in (texts_for(AlbertTokenizer(VOCABULARY)), ENGLISH_TEXTS):
        assert samples.is_english
        assert samples.sentences == list(sentences())
        assert samples.calibration == calibration_corpus()
        assert samples.evaluation == [(samples.corpora[0], evaluation_corpus())]
        assert samples.description == "the bundled corpus"
        assert samples.unknown < 0.02


def test_one_language() -> None:
    samples = samples_of("ja")
    assert not samples.is_english
    assert samples.description == "the bundled corpus (Japanese)"
    assert samples.sentences == list(samples.corpora[0].sentences)
    assert "人間は、理性と良心とを授けられており" in "".join(samples.sentences)


def test_several_languages_share_the_evaluation() -> None:
    samples = samples_of("hi en ta")
    assert samples.description == "the bundled corpora (Hindi, English, Tamil)"
    assert [len(texts) for _, texts in samples.evaluation] == [40, 40, 40]
    assert {text for _, texts in samples.evaluation for text in texts}.isdisjoint(samples.calibration)
    assert len(samples.calibration) == sum(len(corpus.calibration) for corpus in samples.corpora)
    everything = SampleTexts([corpus_of(language) for language in LANGUAGES])
    assert all(texts for _, texts in everything.evaluation)
    assert 120 <= sum(len(texts) for _, texts in everything.evaluation) < 160
