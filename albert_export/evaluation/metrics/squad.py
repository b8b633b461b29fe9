"""Metrics of question answering: EM and F1 as in the official SQuAD scripts evaluate-v1.1.py and evaluate-v2.0.py."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from albert_export.evaluation.datasets.example import Example
from albert_export.evaluation.decisions import decide
from albert_runtime import AlbertSession
from albert_runtime.answers import Answer
from albert_runtime.errors import UsageError
from albert_runtime.sessions.question_answering import PassageLogits, QuestionAnsweringSession

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

#: the right answers to a question, and the model's answer
_Answered = tuple[tuple[str, ...], str]


def answer_always(session: AlbertSession, example: Example) -> str:
    """Return the text of the best answer; "" for a question that is blank, or too long to leave room for a context."""
    try:
        start, end = decide(session, example.request).answer
    except UsageError:
        return ""
    context: str = example.request["context"]
    return context[start:end]


def answer_or_not(session: AlbertSession, example: Example) -> str:
    """Return the text of the best answer, or "" if the model predicts that the question has none.

    A model trained on SQuAD v2.0 predicts [CLS] for such questions. There is no answer if the sum of the start and end
    logits of [CLS] is above that of the best answer; with several windows, the smallest sum of [CLS] counts. This is
    the rule of run_squad.py of BERT and ALBERT, with its threshold of 0.
    """
    assert isinstance(session, QuestionAnsweringSession)
    question, context = example.request["question"], example.request["context"]
    try:
        logits = session.passage_logits(question, context)
    except UsageError:
        return ""
    answers = session.answers(logits, context)
    if not answers:
        return ""
    null = min(float(start[0]) + float(end[0]) for start, end in zip(logits.starts, logits.ends, strict=True))
    return "" if null > _sum_of_logits(answers[0], logits) else answers[0].text


def _sum_of_logits(answer: Answer, logits: PassageLogits) -> float:
    """Return the largest sum of start and end logits of `answer`, over all windows and tokens that contain it."""
    best = -np.inf
    for window, starts, ends in zip(*logits, strict=True):
        offsets = window.encoding.offsets
        tokens = range(window.begin, window.end)
        firsts = [token for token in tokens if offsets[token][0] == answer.start]
        lasts = [token for token in tokens if offsets[token][0] < offsets[token][1] == answer.end]
        sums = [float(starts[first]) + float(ends[last]) for first in firsts for last in lasts if first <= last]
        best = max(best, *sums) if sums else best
    return float(best)


def squad_1_scores(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    """Return exact_match and f1 of evaluate-v1.1.py in percent; for each question, the best-matching answer counts."""
    answered = [(example.expected, answer) for example, answer in zip(examples, answers, strict=True)]
    return {"exact_match": _mean(exact_match, answered), "f1": _mean(f1_of_words, answered)}


def squad_2_scores(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    """Return exact_match and f1 of evaluate-v2.0.py in percent.

    They are computed for all questions, for those that have an answer (has_answer_...) and for those that have none
    (no_answer_...). A group without questions is left out. The right answer to a question that has none is "".
    """
    groups: dict[str, list[_Answered]] = {"": [], "has_answer_": [], "no_answer_": []}
    for example, answer in zip(examples, answers, strict=True):
        # an answer of nothing but articles and punctuation is empty once normalized, and can't be compared
        texts = tuple(text for text in example.expected if normalized(text)) or ("",)
        for group in ("", "has_answer_" if example.expected else "no_answer_"):
            groups[group].append((texts, answer))
    scores: dict[str, float] = {}
    for group, answered in groups.items():
        if answered:
            scores[f"{group}exact_match"] = _mean(exact_match, answered)
            scores[f"{group}f1"] = _mean(_f1_or_both_empty, answered)
    return scores


def normalized(text: str) -> str:
    """Return `text` in lower case, without punctuation and articles, with single spaces between words."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, right: str) -> float:
    """Return 1 if both texts are equal once normalized, else 0."""
    return float(normalized(answer) == normalized(right))


def f1_of_words(answer: str, right: str) -> float:
    """Return the F1 score, from 0 to 1, of the words that both texts have in common once normalized."""
    given, wanted = normalized(answer).split(), normalized(right).split()
    common = (Counter(given) & Counter(wanted)).total()
    return 2 * common / (len(given) + len(wanted)) if common else 0.0


def _f1_or_both_empty(answer: str, right: str) -> float:
    """Return `f1_of_words`, but 1 if neither text has a word."""
    return f1_of_words(answer, right) if normalized(answer) or normalized(right) else 1.0


def _mean(score: Callable[[str, str], float], answered: Sequence[_Answered]) -> float:
    """Return the mean in percent of each question's score against the right answer that matches best."""
    return 100 * sum(max(score(answer, right) for right in texts) for texts, answer in answered) / len(answered)
