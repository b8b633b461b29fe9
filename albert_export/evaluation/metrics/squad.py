"""Question answering: EM and F1 as the official SQuAD scripts compute them (evaluate-v1.1.py, evaluate-v2.0.py)."""

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
from albert_runtime.task_sessions import PassageLogits, QuestionAnsweringSession

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

#: the right answers to a question, and the one that was given
_Asked = tuple[tuple[str, ...], str]


def answer_always(session: AlbertSession, example: Example) -> str:
    """The text of the session's best answer; "" for a question that can't be asked (blank, or as long as a window)."""
    try:
        start, end = decide(session, example.request).answer
    except UsageError:
        return ""
    context: str = example.request["context"]
    return context[start:end]


def answer_or_not(session: AlbertSession, example: Example) -> str:
    """The text of the best answer, or "" where the model holds that there is none.

    A model trained on SQuAD v2.0 points to [CLS] then: there is no answer if the start and end logit of [CLS], summed,
    are above those of the best passage; of several windows, in the one where [CLS] has least (run_squad.py of BERT and
    ALBERT, with its threshold of 0).
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
    """Start and end logit of the passage `answer`, in the window and at the tokens where they are highest."""
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
    """exact_match and f1 of evaluate-v1.1.py: of each question, against the right answer that fits best."""
    asked = [(example.expected, answer) for example, answer in zip(examples, answers, strict=True)]
    return {"exact_match": _mean(exact_match, asked), "f1": _mean(f1_of_words, asked)}


def squad_2_scores(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    """The same of evaluate-v2.0.py: of all questions, and of those that have an answer (has_answer_...) and have none.

    A group without questions is left out. The right answer to a question that has none is "".
    """
    groups: dict[str, list[_Asked]] = {"": [], "has_answer_": [], "no_answer_": []}
    for example, answer in zip(examples, answers, strict=True):
        # what is nothing but articles and punctuation can't be compared
        texts = tuple(text for text in example.expected if normalized(text)) or ("",)
        for group in ("", "has_answer_" if example.expected else "no_answer_"):
            groups[group].append((texts, answer))
    scores: dict[str, float] = {}
    for group, asked in groups.items():
        if asked:
            scores[f"{group}exact_match"] = _mean(exact_match, asked)
            scores[f"{group}f1"] = _mean(_f1_or_nothing, asked)
    return scores


def normalized(text: str) -> str:
    """`text` in lower case, without punctuation, articles and needless white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, right: str) -> float:
    """1 if both are the same once normalized, else 0."""
    return float(normalized(answer) == normalized(right))


def f1_of_words(answer: str, right: str) -> float:
    """The harmonic mean of the shares of words that the two have in common, once normalized; from 0 to 1."""
    given, wanted = normalized(answer).split(), normalized(right).split()
    common = (Counter(given) & Counter(wanted)).total()
    return 2 * common / (len(given) + len(wanted)) if common else 0.0


def _f1_or_nothing(answer: str, right: str) -> float:
    """As `f1_of_words`, but 1 where neither has a word."""
    return f1_of_words(answer, right) if normalized(answer) or normalized(right) else 1.0


def _mean(score: Callable[[str, str], float], asked: Sequence[_Asked]) -> float:
    """In percent: of each question, the score against the right answer that fits best."""
    return 100 * sum(max(score(answer, right) for right in texts) for texts, answer in asked) / len(asked)
