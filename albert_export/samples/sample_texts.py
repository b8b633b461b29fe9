"""SampleTexts: the bundled texts that fit one vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from albert_export.samples.corpora import Corpus, corpus_of
from albert_export.samples.languages import ENGLISH
from albert_export.samples.texts import Text, evaluation_corpus
from albert_export.samples.vocabulary_fit import fitting_languages
from albert_export.utils.evenly_spaced import evenly_spaced
from albert_runtime import AlbertTokenizer

#: The vocabularies of published models know 99 characters of 100 in texts of their own languages. With one unknown in
#: five, the texts are not what the model was made for, and what is measured on them is mostly about one embedding.
SUSPICIOUS = 0.2
#: the number of texts to compare answers with: as many as there are in English
_EVALUATION_TEXTS = len(evaluation_corpus())


@dataclass(frozen=True)
class SampleTexts:
    """The corpora of the languages that a vocabulary is for, the best fitting first. There is at least one."""

    corpora: Sequence[Corpus]
    #: the share of their text that is unknown to the vocabulary
    unknown: float = 0.0

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences to verify bundles with."""
        return [sentence for corpus in self.corpora for sentence in corpus.sentences]

    @property
    def calibration(self) -> list[Text]:
        """Typical inputs for calibration."""
        return [text for corpus in self.corpora for text in corpus.calibration]

    @property
    def evaluation(self) -> list[tuple[Corpus, list[Text]]]:
        """The texts to compare answers with, of each corpus. Several corpora have as many together as one has."""
        most = -(-_EVALUATION_TEXTS // len(self.corpora))
        return [(corpus, evenly_spaced(corpus.evaluation, most)) for corpus in self.corpora]

    @property
    def is_unknown(self) -> bool:
        """Whether the vocabulary knows too little of the texts, which fit it best, to learn anything from them."""
        return self.unknown > SUSPICIOUS

    @property
    def is_english(self) -> bool:
        """Whether the texts are the English ones alone."""
        return [corpus.language for corpus in self.corpora] == [ENGLISH]

    @property
    def description(self) -> str:
        """What messages call these texts."""
        if self.is_english:
            return "the bundled corpus"
        names = [corpus.language.name for corpus in self.corpora]
        return f"the bundled {'corpus' if len(names) == 1 else 'corpora'} ({', '.join(names)})"


ENGLISH_TEXTS = SampleTexts((corpus_of(ENGLISH),))


@lru_cache(maxsize=4)
def texts_for(tokenizer: AlbertTokenizer | None) -> SampleTexts:
    """The bundled texts that fit the vocabulary of `tokenizer`; the English ones if there is none to read any."""
    if tokenizer is None:
        return ENGLISH_TEXTS
    fits = fitting_languages(tokenizer)
    return SampleTexts([corpus_of(fit.language) for fit in fits], max(fit.unknown for fit in fits))
