"""What a session decides on a request, without the scores, and by how much it decides each part of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from albert_runtime import AlbertSession
from albert_runtime.answers import Filled
from albert_runtime.postprocessing import MULTI_LABEL, REGRESSION, softmax
from albert_runtime.task_sessions import TokenClassificationSession


@dataclass(frozen=True)
class Decision:
    """`answer` is equal where two sessions decide the same."""

    answer: Any
    #: what was decided one by one (masks, labels, tokens), each with the probability between its best and its second;
    #: none for what decides nothing, which are vectors and numbers
    parts: tuple[tuple[Any, float], ...] = ()
    #: whether the parts are answers by themselves: the labels of a text's tokens, of which there may be hundreds
    apart: bool = False
    #: by how much the numbers of another session may be off and still agree; see `with_spread`
    tolerance: float = np.inf

    @classmethod
    def single(cls, answer: Any, margin: float) -> Decision:
        """One thing decided, by `margin`."""
        return cls(answer, ((answer, margin),))

    @property
    def margin(self) -> float:
        """Of the part that is nearest to a tie."""
        return min((margin for _, margin in self.parts), default=1.0)


#: of a vector, so that zeros stay zeros
_LEAST_LENGTH = 1e-12
#: an answer that the original decides by no more than this, as probability, may go either way, whatever the precision:
#: on texts that a model was not made for, it is undecided about many
NEAR_TIE = 0.05
#: embeddings that point the same way as nearly as this, by cosine, find the same neighbours
SAME_DIRECTION = 0.99
#: numbers agree that differ by less than this share of the range that the original's take
SAME_NUMBER = 0.05


def agree(expected: Decision, got: Decision) -> bool:
    """Whether two sessions decided the same. What decides nothing agrees where it is near: embeddings that point the
    same way, numbers within the tolerance."""
    if not isinstance(expected.answer, np.ndarray):
        return bool(expected.answer == got.answer)
    if expected.answer.ndim == 1:
        return bool(np.abs(expected.answer - got.answer).max() <= expected.tolerance)
    return bool((expected.answer * got.answer).sum(axis=-1).min() >= SAME_DIRECTION)


def near_tie(expected: Decision, got: Decision, limit: float) -> bool:
    """Whether all parts that `got` decides otherwise are such as `expected` decides by no more than `limit`."""
    if len(expected.parts) != len(got.parts):
        return False
    turned = _turned(expected, got)
    return bool(turned) and max(turned) <= limit


def _turned(expected: Decision, got: Decision) -> list[float]:
    """By how much `expected` decided the parts that `got` decides otherwise."""
    return [margin for (mine, margin), (other, _) in zip(expected.parts, got.parts, strict=True) if mine != other]


def differences(expected: Decision, got: Decision, limit: float) -> tuple[int, int, int]:
    """How many answers `expected` is, how many of them `got` decides otherwise, and how many of these are near ties."""
    if expected.apart and len(expected.parts) == len(got.parts):
        turned = _turned(expected, got)
        return len(expected.parts), len(turned), sum(margin <= limit for margin in turned)
    if agree(expected, got):
        return 1, 0, 0
    return 1, 1, int(near_tie(expected, got, limit))


def with_spread(decisions: Sequence[Decision]) -> list[Decision]:
    """The original's decisions on many requests; numbers get a tolerance by the range that they take."""
    numbers = [one.answer for one in decisions if isinstance(one.answer, np.ndarray) and one.answer.ndim == 1]
    if not numbers:
        return list(decisions)
    spread = float(np.ptp(numbers, axis=0).max()) or float(np.abs(numbers).max())
    return [dataclasses.replace(one, tolerance=SAME_NUMBER * spread) for one in decisions]


def decide(session: AlbertSession, request: Mapping[str, Any]) -> Decision:
    """The decision of `session` on the keyword arguments `request`."""
    return _DECIDERS[session.task](session, dict(request))


def _gap(scores: Any) -> float:
    """Between the two largest of `scores`; 1 where there is only one."""
    best = sorted(scores, reverse=True)
    return float(best[0] - best[1]) if len(best) > 1 else 1.0


def _embedding(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """Two vectors of length 1: the pooled one, and the mean of the tokens'."""
    embedding = session(**request)
    vectors = np.stack([embedding.vector, embedding.tokens.mean(axis=0)])
    return Decision(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(_LEAST_LENGTH))


def _order(session: AlbertSession, request: dict[str, Any]) -> Decision:
    order = session(**request, top_k=2)
    filled = _filled(order.filled)
    return Decision((order.label, [piece for piece, _ in filled]), ((order.label, 2 * order.score - 1), *filled))


def _masks(session: AlbertSession, request: dict[str, Any]) -> Decision:
    filled = _filled(session(**request, top_k=2))
    return Decision([piece for piece, _ in filled], filled)


def _filled(masks: Sequence[Sequence[Filled]]) -> tuple[tuple[int, float], ...]:
    """The best piece for each mask, and what it leads by."""
    return tuple((ways[0].token_id, _gap([way.score for way in ways])) for ways in masks)


def _label(session: AlbertSession, request: dict[str, Any]) -> Decision:
    labels = session(**request)
    problem = session.bundle.config.get("problem_type")
    if problem == MULTI_LABEL:
        known = sorted(labels, key=lambda label: label.label)  # they come best first
        on = {label.label for label in known if label.score >= 0.5}
        return Decision(on, tuple((label.label in on, abs(2 * label.score - 1)) for label in known))
    if problem == REGRESSION or len(labels) == 1:
        return Decision(np.array([label.score for label in sorted(labels, key=lambda label: label.label)]))
    return Decision.single(labels[0].label, _gap([label.score for label in labels]))


def _entities(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """Decided token by token, as each is best seen."""
    assert isinstance(session, TokenClassificationSession)
    tokens = session.tokens(request["text"])
    parts = tuple((int(token.argmax()), _gap(token)) for token in softmax(tokens.logits))
    entities = session.entities(tokens, request["text"])
    return Decision([(entity.label, entity.start, entity.end) for entity in entities], parts, apart=True)


def _choice(session: AlbertSession, request: dict[str, Any]) -> Decision:
    choice = session(**request)
    return Decision.single(choice.index, _gap(choice.scores))


def _answer(session: AlbertSession, request: dict[str, Any]) -> Decision:
    answers = session(**request, top_k=2)
    return Decision.single((answers[0].start, answers[0].end), _gap([answer.score for answer in answers]))


_DECIDERS: dict[str, Callable[[AlbertSession, dict[str, Any]], Decision]] = {
    "feature-extraction": _embedding,
    "pretraining": _order,
    "fill-mask": _masks,
    "text-classification": _label,
    "token-classification": _entities,
    "multiple-choice": _choice,
    "question-answering": _answer,
}
