"""What a session decides on a request, without the scores, and by how much it decides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from albert_runtime import AlbertSession
from albert_runtime.heads import MULTI_LABEL, REGRESSION, softmax


@dataclass(frozen=True)
class Decision:
    """`answer` is equal where two sessions decide the same; `margin` is the probability between best and second."""

    answer: Any
    margin: float


#: of a vector, so that zeros stay zeros
_LEAST_LENGTH = 1e-12
#: embeddings that point the same way as nearly as this, by cosine, find the same neighbours
SAME_DIRECTION = 0.99


def agree(expected: Decision, got: Decision) -> bool:
    """Whether two sessions decided the same; embeddings, which decide nothing, agree where they point the same way."""
    if isinstance(expected.answer, np.ndarray):
        return bool((expected.answer * got.answer).sum(axis=-1).min() >= SAME_DIRECTION)
    return bool(expected.answer == got.answer)


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
    return Decision(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(_LEAST_LENGTH), 1.0)


def _order(session: AlbertSession, request: dict[str, Any]) -> Decision:
    order = session(**request, top_k=2)
    margins = [2 * order.score - 1, *(_gap([way.score for way in ways]) for ways in order.filled)]
    return Decision((order.label, [ways[0].token_id for ways in order.filled]), min(margins))


def _masks(session: AlbertSession, request: dict[str, Any]) -> Decision:
    masks = session(**request, top_k=2)
    return Decision([ways[0].token_id for ways in masks], min(_gap([way.score for way in ways]) for ways in masks))


def _label(session: AlbertSession, request: dict[str, Any]) -> Decision:
    labels = session(**request)
    problem = session.bundle.config.get("problem_type")
    if problem == MULTI_LABEL:
        on = {label.label for label in labels if label.score >= 0.5}
        return Decision(on, min(abs(label.score - 0.5) for label in labels))
    if problem == REGRESSION or len(labels) == 1:
        return Decision(len(labels), 1.0)  # a number decides nothing; its value is compared as a value
    return Decision(labels[0].label, _gap([label.score for label in labels]))


def _entities(session: AlbertSession, request: dict[str, Any]) -> Decision:
    logits = session.run(session.arrays(**request))["logits"]
    best = np.sort(softmax(logits), axis=-1)
    margin = float((best[..., -1] - best[..., -2]).min()) if best.shape[-1] > 1 else 1.0
    return Decision([(entity.label, entity.start, entity.end) for entity in session(**request)], margin)


def _choice(session: AlbertSession, request: dict[str, Any]) -> Decision:
    choice = session(**request)
    return Decision(choice.index, _gap(choice.scores))


def _answer(session: AlbertSession, request: dict[str, Any]) -> Decision:
    answers = session(**request, top_k=2)
    return Decision((answers[0].start, answers[0].end), _gap([answer.score for answer in answers]))


_DECIDERS: dict[str, Callable[[AlbertSession, dict[str, Any]], Decision]] = {
    "feature-extraction": _embedding,
    "pretraining": _order,
    "fill-mask": _masks,
    "text-classification": _label,
    "token-classification": _entities,
    "multiple-choice": _choice,
    "question-answering": _answer,
}
