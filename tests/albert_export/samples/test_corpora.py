"""The corpora of all languages: the same text in each, in two separate parts, and small."""

from __future__ import annotations

from importlib.resources import files

import pytest

from albert_export.samples.corpora import corpus_of, declaration, language_of
from albert_export.samples.languages import ENGLISH, LANGUAGES, Language
from albert_export.samples.texts import calibration_corpus, evaluation_corpus, sentences

FOLDER = files("albert_export.samples").joinpath("corpora")


def test_every_language_has_a_file_and_every_file_a_language() -> None:
    tags = [language.tag for language in LANGUAGES]
    assert len(set(tags)) == len(tags)
    assert {file.name for file in FOLDER.iterdir()} == {*(f"{tag}.txt" for tag in tags), "README.md"}
    asked_for = {"Chinese", "Japanese", "Korean", "Hindi", "Vietnamese", "Persian"}
    assert asked_for <= {language.name for language in LANGUAGES}
    assert language_of("ja").name == "Japanese"


def test_the_source_and_its_licence_are_beside_the_data() -> None:
    notice = FOLDER.joinpath("README.md").read_text(encoding="utf-8")
    assert "Universal Declaration of Human Rights" in notice
    assert "Permission is hereby granted" in notice


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_a_declaration_is_clean_text(language: Language) -> None:
    content = FOLDER.joinpath(f"{language.tag}.txt").read_text(encoding="utf-8")
    lines = declaration(language)
    assert 48 <= len(lines) <= 80  # thirty articles
    assert content == "\n".join(lines) + "\n"
    assert len(content.encode()) < 30_000
    assert len(set(lines)) == len(lines)
    assert all(line == " ".join(line.split()) and len(line) >= 12 for line in lines)
    assert not any(sign in content for sign in "<>&\ufffd\t")
    assert language.question.count("{}") == 1


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_no_sentence_is_for_calibration_and_for_evaluation(language: Language) -> None:
    corpus = corpus_of(language)
    calibrating, evaluating = ({first for first, _ in texts} for texts in (corpus.calibration, corpus.evaluation))
    assert calibrating
    assert not calibrating & evaluating
    paragraphs = " ".join(second for _, second in corpus.calibration if second)
    assert not any(sentence in paragraphs for sentence in evaluating)
    assert len(corpus.evaluation) >= 90
    assert len(set(corpus.evaluation)) == len(corpus.evaluation)
    for texts in (corpus.calibration, corpus.evaluation):
        assert 20 <= sum(second is None for _, second in texts) <= len(texts) // 3 + 1


def test_english_is_as_it_was() -> None:
    english = corpus_of(ENGLISH)
    assert english.sentences == sentences()
    assert english.calibration == calibration_corpus()
    assert english.evaluation == evaluation_corpus()
    assert (len(english.sentences), len(english.calibration), len(english.evaluation)) == (25, 80, 120)
