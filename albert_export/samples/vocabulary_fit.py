"""How well a vocabulary fits each language, found out with one text in all of them: the declaration of human rights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from albert_export.samples.corpora import declaration
from albert_export.samples.languages import ENGLISH, LANGUAGES, Language
from albert_runtime import AlbertTokenizer
from albert_runtime.tokenization.encoding import Encoding

#: the largest share of unknown text in a language that the vocabulary is for. Vocabularies are made so that fewer than
#: one character of a hundred of their own text is unknown; the declaration is text of another kind, with rare words
_MOST_UNKNOWN = 0.1
#: how much longer than in the best language a text may become in another language of the vocabulary. With Google's
#: English vocabulary it becomes 1.6 times as long in French, the next best; in Spanish and Portuguese, which share many
#: words, 1.3 times as long with the vocabulary of the other
_MOST_TOKENS = 1.35
#: a text that becomes longer than this, compared with what is usual, is spelled letter by letter. Vocabularies of 8,000
#: pieces, trained on manuals, are at 1.1 to 1.5 in their own languages, those of the demos, some hundred pieces, at 3
_SPELLED = 2.0
#: so many sentences show that a script is unknown
_FIRST = 4


@dataclass(frozen=True)
class Fit:
    """What a tokenizer makes of the declaration in one language."""

    language: Language
    #: the share of the characters, without spaces, that unknown tokens stand for: 0.0 to 1.0
    unknown: float
    #: the numbers of tokens and of characters
    tokens: int
    characters: int

    @property
    def characters_per_token(self) -> float:
        """The compression."""
        return self.characters / max(1, self.tokens)

    @property
    def relative_tokens(self) -> float:
        """The number of tokens compared with what is usual in the language, so that languages can be compared."""
        return self.tokens / self.language.tokens


def fitting_languages(tokenizer: AlbertTokenizer) -> list[Fit]:
    """The languages that the vocabulary of `tokenizer` is for, the best fitting first.

    A language is one of them if it has next to no unknown text, and if its text becomes about as short as that of the
    best language. If there is none, it is the one with the least unknown text alone.

    A small vocabulary spells even its own language letter by letter, which says nothing about languages that share
    these letters. It is taken for an English one if English is about as short as the best.
    """
    fits = [fit_of(language, tokenizer) for language in LANGUAGES]
    known = sorted((fit for fit in fits if fit.unknown <= _MOST_UNKNOWN), key=lambda fit: fit.relative_tokens)
    if not known:
        return [min(fits, key=lambda fit: (fit.unknown, fit.relative_tokens))]
    short = [fit for fit in known if fit.relative_tokens <= _MOST_TOKENS * known[0].relative_tokens]
    if short[0].relative_tokens > _SPELLED:
        return [fit for fit in short if fit.language == ENGLISH] or short[:1]
    return short


def fit_of(language: Language, tokenizer: AlbertTokenizer) -> Fit:
    """How well the vocabulary of `tokenizer` fits `language`, by a few sentences alone if its script is unknown."""
    lines = declaration(language)
    few = _fit(language, " ".join(lines[:_FIRST]), tokenizer)
    return few if few.unknown > 0.5 else _fit(language, " ".join(lines), tokenizer)


def unknown_share(texts: Iterable[str], tokenizer: AlbertTokenizer) -> float:
    """The share of the characters of `texts`, without spaces, that unknown tokens stand for: 0.0 to 1.0.

    Characters are counted and not tokens, because one unknown token may stand for many letters, and because
    SentencePiece puts a known token for the space before it.
    """
    unknown = characters = 0
    for text in texts:
        unknown += _unknown_letters(text, tokenizer(text, add_special_tokens=False).encodings[0], tokenizer)
        characters += _letters(text)
    return unknown / characters if characters else 0.0


def _fit(language: Language, text: str, tokenizer: AlbertTokenizer) -> Fit:
    encoding = tokenizer(text, add_special_tokens=False).encodings[0]
    unknown = _unknown_letters(text, encoding, tokenizer) / _letters(text)
    return Fit(language, unknown, len(encoding), len(text))


def _unknown_letters(text: str, encoding: Encoding, tokenizer: AlbertTokenizer) -> int:
    return sum(
        _letters(text[start:end])
        for index, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        if index == tokenizer.unk_token_id
    )


def _letters(text: str) -> int:
    """The number of characters that are no white space."""
    return len("".join(text.split()))
