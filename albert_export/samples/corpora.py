"""Corpus: the bundled texts of one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from albert_export.samples.languages import ENGLISH, LANGUAGES, Language
from albert_export.samples.texts import (
    Text,
    as_texts,
    bundled_lines,
    calibration_corpus,
    evaluation_corpus,
    sentences,
)

#: the share of a translation's sentences that is for calibration; the others are for evaluation
_CALIBRATION_SHARE = 0.4
#: a translation has few sentences, so each is used alone, in a pair and with a paragraph
_ROUNDS = 3


@dataclass(frozen=True)
class Corpus:
    """Texts in one language."""

    language: Language
    #: to verify bundles with, and to make their self-tests of
    sentences: Sequence[str]
    #: typical inputs for calibration
    calibration: Sequence[Text]
    #: to compare answers with; none of their sentences is used for calibration
    evaluation: Sequence[Text]


@cache
def corpus_of(language: Language) -> Corpus:
    """The corpus of `language`: books for English, the Universal Declaration of Human Rights for all others."""
    if language == ENGLISH:
        return Corpus(language, sentences(), calibration_corpus(), evaluation_corpus())
    lines = declaration(language)
    cut = round(len(lines) * _CALIBRATION_SHARE)
    return Corpus(language, lines, as_texts(lines[:cut], _ROUNDS), as_texts(lines[cut:], _ROUNDS))


def declaration(language: Language) -> tuple[str, ...]:
    """The sentences of the Universal Declaration of Human Rights in `language`, which every language has."""
    return bundled_lines(f"corpora/{language.tag}.txt")


def language_of(tag: str) -> Language:
    """The language with the BCP 47 tag `tag`, one of `LANGUAGES`."""
    return next(language for language in LANGUAGES if language.tag == tag)
