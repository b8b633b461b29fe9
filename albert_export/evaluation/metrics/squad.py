"""Metrics of question answering: EM and F1 as in the official SQuAD scripts evaluate-v1.1.py and evaluate-v2.0.py."""

from __future__ import annotations

import re
import string
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from albert_export.evaluation.datasets.example import Example
from albert_runtime import AlbertSession
from albert_runtime.answers import Answer
from albert_runtime.errors import UsageError
from albert_runtime.sessions.question_answering import QuestionAnsweringSession

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

#: the right answers to a question, and the model's answer
_Answered = tuple[tuple[str, ...], str]
#: the function (answer, right answer) -> score from 0 to 1
_Score = Callable[[str, str], float]

#: the most tokens in an answer, as in run_squad.py; the default of a session's call is that of the pipeline
_MAX_ANSWER_LEN = 30


def answer_always(session: AlbertSession, example: Example) -> str:
    """Return the text of the best answer; "" for a question or a context that is blank."""
    try:
        return _best_passage(session, example).text
    except UsageError:
        return ""


class NullableAnswer(NamedTuple):
    """The best passage for a question of SQuAD v2.0, and how probable it is that the question has no answer."""

    passage: str
    #: `null_odds` of the session; the largest number if there is no passage. Google's run_squad calls it `score_diff`,
    #: and writes it into `null_odds.json`.
    null_odds: float
    #: no answer is given if `null_odds` is above this
    threshold: float

    @property
    def text(self) -> str:
        """The answer: the passage, or "" if the model predicts that there is none."""
        return "" if self.null_odds > self.threshold else self.passage


def answer_or_not(session: AlbertSession, example: Example) -> NullableAnswer:
    """Return the best passage and the odds that there is no answer.

    The threshold is the bundle's `null_threshold`, or 0, which is the default of run_squad.py.
    """
    threshold = session.manifest.null_threshold or 0.0
    try:
        answer = _best_passage(session, example)
    except UsageError:
        return NullableAnswer("", sys.float_info.max, threshold)
    assert isinstance(session, QuestionAnsweringSession)
    return NullableAnswer(answer.text, session.null_odds(answer), threshold)


def _best_passage(session: AlbertSession, example: Example) -> Answer:
    assert isinstance(session, QuestionAnsweringSession)
    return session(**example.request, max_answer_len=_MAX_ANSWER_LEN, handle_impossible_answer=False)


def squad_1_scores(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    """Return exact_match and f1 of evaluate-v1.1.py in percent; for each question, the best-matching answer counts."""
    answered = [(example.expected, answer) for example, answer in zip(examples, answers, strict=True)]
    return {"exact_match": _mean(exact_match, answered), "f1": _mean(f1_of_words, answered)}


def squad_2_scores(examples: Sequence[Example], answers: Sequence[NullableAnswer]) -> dict[str, float]:
    """Return exact_match and f1 of evaluate-v2.0.py in percent, and the thresholds that would make them best.

    They are computed for all questions, for those that have an answer (has_answer_...) and for those that have none
    (no_answer_...). A group without questions is left out. The right answer to a question that has none is "".
    best_exact, best_f1 and their thresholds are found as in the script, with `null_odds` as its "na_prob".
    """
    groups: dict[str, list[_Answered]] = {"": [], "has_answer_": [], "no_answer_": []}
    passages: list[_Answered] = []
    for example, answer in zip(examples, answers, strict=True):
        # an answer of nothing but articles and punctuation is empty once normalized, and can't be compared
        texts = tuple(text for text in example.expected if normalized(text)) or ("",)
        for group in ("", "has_answer_" if example.expected else "no_answer_"):
            groups[group].append((texts, answer.text))
        passages.append((texts, answer.passage))
    scores: dict[str, float] = {}
    for group, answered in groups.items():
        if answered:
            scores[f"{group}exact_match"] = _mean(exact_match, answered)
            scores[f"{group}f1"] = _mean(_f1_or_both_empty, answered)
    has_answer = [bool(example.expected) for example in examples]
    null_odds = [answer.null_odds for answer in answers]
    for name, score in (("exact", exact_match), ("f1", _f1_or_both_empty)):
        of_passages = [_best_match(score, one) for one in passages]
        non_empty = [bool(passage) for _, passage in passages]
        best, threshold = _best_threshold(of_passages, null_odds, has_answer, non_empty)
        scores |= {f"best_{name}": best, f"best_{name}_thresh": threshold}
    return scores


def _best_threshold(
    scores: Sequence[float], null_odds: Sequence[float], has_answer: Sequence[bool], non_empty: Sequence[bool]
) -> tuple[float, float]:
    """Return the best mean score in percent that a threshold gives, and the lowest such threshold.

    This is `find_best_thresh` of evaluate-v2.0.py. Where it is best to answer no question at all, the script returns
    0, which is right for probabilities; here it is a threshold below the odds of all questions.

    Args:
        scores: the score of the best passage for each question, from 0 to 1.
        null_odds: a question gets the answer "" if these odds are above the threshold.
        has_answer: whether the question has an answer.
        non_empty: whether there is a passage at all.
    """
    current = float(has_answer.count(False))
    best, threshold = current, min(null_odds) - 1
    for index in sorted(range(len(scores)), key=null_odds.__getitem__):
        if has_answer[index]:
            current += scores[index]
        elif non_empty[index]:
            current -= 1
        if current > best:
            best, threshold = current, null_odds[index]
    return 100 * best / len(scores), threshold


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


def _best_match(score: _Score, answered: _Answered) -> float:
    """Return the score against the right answer that matches best."""
    rights, answer = answered
    return max(score(answer, right) for right in rights)


def _mean(score: _Score, answered: Sequence[_Answered]) -> float:
    """Return the mean of `_best_match` in percent."""
    return 100 * sum(_best_match(score, one) for one in answered) / len(answered)
