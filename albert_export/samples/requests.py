"""Requests to a session of any task, made of the sample sentences or of given texts.

A request is the keyword arguments of the session's call. `albert_export.tasks.TASK_SPECS` names two functions of this
module for each task: one makes a sample request of the bundled sentences, the other makes a request of given texts.
Both are told the language, since some requests need words beyond their texts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from albert_export.samples.languages import ENGLISH, Language
from albert_export.samples.sample_texts import ENGLISH_TEXTS, SampleTexts
from albert_export.samples.texts import Text
from albert_export.tasks import TASK_SPECS
from albert_runtime.lazy_import import load_object
from albert_runtime.postprocessing.words import is_unspaced
from albert_runtime.tasks import Task
from albert_runtime.tokenization.special_tokens import MASK_TOKEN

Request = dict[str, Any]
#: returns the sentence that is so many sentences after the first one of a request
_Line = Callable[[int], str]

#: sentences between the first ones of two sample requests, so that few requests share a sentence
_STEP = 3
#: sentences in the context of a sample question
_CONTEXT_SENTENCES = 4
#: choices in a request that is made of given texts
_CHOICES = 4
#: where the mask is in a text: in its middle, and elsewhere if the same text is masked again
_MASK_PLACES = (1 / 2, 1 / 4, 3 / 4)
#: words, or characters of a script without spaces, that name the subject of a question
_SUBJECT_WORDS, _SUBJECT_CHARACTERS = 3, 6
#: words, or characters of a script without spaces, of a sentence in a short request
_SHORT_WORDS, _SHORT_CHARACTERS = 4, 8


def sample_requests(
    task: Task, count: int = 6, *, short: bool = False, samples: SampleTexts = ENGLISH_TEXTS
) -> list[Request]:
    """`count` requests for a session of `task`, made of the sample sentences of each corpus in turn.

    Short requests have the first words of one sentence as context, and two choices: they are the self-tests of a
    bundle, which run whenever it is loaded. Few tokens pass through all weights as well as many do.
    """
    make: Callable[[_Line, int, bool, Language], Request] = load_object(TASK_SPECS[task.name].sample_request)

    def line_after(lines: Sequence[str], index: int) -> _Line:
        def line(offset: int) -> str:
            whole = lines[(index * _STEP + offset) % len(lines)]
            return _first_words(whole, _SHORT_WORDS, _SHORT_CHARACTERS) if short else whole

        return line

    requests = []
    for index in range(count):
        corpus = samples.corpora[index % len(samples.corpora)]
        line = line_after(corpus.sentences, index // len(samples.corpora))
        requests.append(make(line, index, short, corpus.language))
    return requests


def requests_from(texts: Sequence[Text], task: Task, language: Language = ENGLISH) -> list[Request]:
    """One request for a session of `task` for each of `texts`, which are in `language`.

    A pair of texts is a question and its context, a prompt and its first choice, two texts whose order is judged, or
    whatever else the task makes of two texts. What a request needs beyond its text is taken from that text and from the
    texts after it; a question is asked in `language`.
    """
    make: Callable[[Sequence[Text], int, Language], Request] = load_object(TASK_SPECS[task.name].text_request)
    return [make(texts, index, language) for index in range(len(texts))]


def sample_text(line: _Line, index: int, short: bool, language: Language) -> Request:
    """One sentence."""
    return {"text": line(0)}


def sample_masked_text(line: _Line, index: int, short: bool, language: Language) -> Request:
    """One sentence with a mask in place of the word in its middle."""
    return {"text": _masked(line(0))}


def sample_text_order(line: _Line, index: int, short: bool, language: Language) -> Request:
    """Two sentences in their order."""
    return {"first": line(0), "second": line(1)}


def sample_choices(line: _Line, index: int, short: bool, language: Language) -> Request:
    """A sentence and two of the next ones as choices; if the request need not be short, two to seven of them."""
    count = 2 if short else 2 + index % 6
    return {"prompt": line(0), "choices": [line(1 + offset) for offset in range(count)]}


def sample_question(line: _Line, index: int, short: bool, language: Language) -> Request:
    """A question about the first words of a context of four sentences; a short one is about the first word."""
    if short:
        return {"question": language.question.format(_first_words(line(0), 1, 2)), "context": line(0)}
    context = " ".join(line(offset) for offset in range(_CONTEXT_SENTENCES))
    return {"question": _question_about(line(0), language), "context": context}


def joined_text(texts: Sequence[Text], index: int, language: Language) -> Request:
    """The text; a pair is joined to one text."""
    first, second = texts[index]
    return {"text": first if second is None else f"{first} {second}"}


def text_or_pair(texts: Sequence[Text], index: int, language: Language) -> Request:
    """The text or the pair of texts."""
    first, second = texts[index]
    return {"text": first, "text_pair": second}


def masked_text(texts: Sequence[Text], index: int, language: Language) -> Request:
    """The first text with a mask in it."""
    return {"text": _masked(texts[index][0], _earlier(texts, index))}


def text_order(texts: Sequence[Text], index: int, language: Language) -> Request:
    """The first text with a mask in it, and the second text or the next one."""
    first, second = texts[index]
    return {"first": _masked(first, _earlier(texts, index)), "second": second or _first_text(texts, index + 1)}


def prompt_and_choices(texts: Sequence[Text], index: int, language: Language) -> Request:
    """The first text as the prompt; the choices are the second text, if there is one, and the next texts."""
    prompt, second = texts[index]
    following = [_first_text(texts, index + offset) for offset in range(1, _CHOICES + 1)]
    return {"prompt": prompt, "choices": [*([second] if second else []), *following][:_CHOICES]}


def question_and_context(texts: Sequence[Text], index: int, language: Language) -> Request:
    """A pair is a question and its context; for a single text, a question about its beginning is made up."""
    first, second = texts[index]
    return {"question": first if second else _question_about(first, language), "context": second or first}


def _first_text(texts: Sequence[Text], index: int) -> str:
    return texts[index % len(texts)][0]


def _earlier(texts: Sequence[Text], index: int) -> int:
    """How often the first text of `texts[index]` is the first one of an earlier text."""
    return sum(first == texts[index][0] for first, _ in texts[:index])


def _question_about(text: str, language: Language) -> str:
    return language.question.format(_first_words(text, _SUBJECT_WORDS, _SUBJECT_CHARACTERS))


def _first_words(text: str, words: int, characters: int) -> str:
    """The first `words` of `text`, or so many `characters` if it begins in a script without spaces."""
    beginning = " ".join(text.split()[:words])
    return text[:characters] if _has_unspaced(beginning) else beginning


def _masked(text: str, repetition: int = 0) -> str:
    """`text` with a mask in place of the word in its middle, unless it already has one.

    In a script without spaces, the mask stands for a character.
    """
    if MASK_TOKEN in text:
        return text
    place = _MASK_PLACES[repetition % len(_MASK_PLACES)]
    words = text.split()
    chosen = int(len(words) * place)
    words[chosen] = _masked_character(words[chosen], place) if _has_unspaced(words[chosen]) else MASK_TOKEN
    return " ".join(words)


def _masked_character(word: str, place: float) -> str:
    """`word` with a mask in place of one of its characters, with the marks that stand above or below it."""
    starts = [index for index, sign in enumerate(word) if not unicodedata.category(sign).startswith("M")] or [0]
    chosen = int(len(starts) * place)
    end = starts[chosen + 1] if chosen + 1 < len(starts) else len(word)
    return word[: starts[chosen]] + MASK_TOKEN + word[end:]


def _has_unspaced(word: str) -> bool:
    return any(map(is_unspaced, word))
