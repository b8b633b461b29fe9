"""Decision: what a session decides on a request, and by how much; `decide` finds it for any task.

Evaluation, verification and the accuracy check of quantized graphs all use these decisions. There is one function for
each task, which `albert_export.tasks.TASK_SPECS` names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from albert_export.tasks import TASK_SPECS
from albert_runtime import AlbertSession
from albert_runtime.answers import Filled, Label
from albert_runtime.engines import Arrays
from albert_runtime.lazy_import import load_object
from albert_runtime.postprocessing.classification import MULTI_LABEL, REGRESSION, label_text, resolve_problem_type
from albert_runtime.postprocessing.probabilities import finite, softmax
from albert_runtime.sessions.token_classification import TokenClassificationSession
from albert_runtime.tasks import SEQUENCE

#: the least length of a vector before it is divided by its length, so that a vector of zeros stays as it is
_LEAST_LENGTH = 1e-12
#: a label of a classifier for several labels applies from this probability on
_LABEL_APPLIES = 0.5


@dataclass(frozen=True)
class Decision:
    """The answer of a session without its scores, and the margin of each part of it."""

    #: equal for two sessions that decide the same; an array of vectors or numbers if nothing is decided
    answer: Any
    #: the parts that are decided one by one (masks, labels, tokens), each with its margin: the probability of the best
    #: option less that of the second best. Vectors and numbers have no parts.
    parts: tuple[tuple[Any, float], ...] = ()
    #: whether each part counts as an answer of its own, as the labels of a text's tokens do, of which there may be
    #: hundreds
    parts_are_answers: bool = False
    #: the largest difference at which numbers still agree; see `agreement.with_number_tolerance`
    tolerance: float = np.inf

    @classmethod
    def single(cls, answer: Any, margin: float) -> Decision:
        """A decision with one part, which is decided by `margin`."""
        return cls(answer, ((answer, margin),))

    @property
    def margin(self) -> float:
        """The smallest margin of all parts; 1 if there are none."""
        return min((margin for _, margin in self.parts), default=1.0)


def decide(session: AlbertSession, request: Mapping[str, Any]) -> Decision:
    """The decision of `session` on the request with the keyword arguments `request`, of its call or its `run_ids`.

    Raises:
        UsageError: the session can't answer the request, for example because a text is empty.
        BundleError: the outputs of the model are not finite.
    """
    if "input_ids" in request:
        return _decide_outputs(session, session.run_ids(**request))
    decide_for_task: Callable[[AlbertSession, dict[str, Any]], Decision] = load_object(TASK_SPECS[session.task].decide)
    return decide_for_task(session, dict(request))


def decide_embedding(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """Two vectors of length 1: the output of the pooler, or that of [CLS] if there is none, and the mean of all."""
    # The mean is compared in any case, so the vector is that of the pooler, whatever the bundle makes of the tokens.
    pooling = "pooler" if "pooler_output" in session.bundle.task.outputs else "cls"
    embedding = session(**request, pooling=pooling, normalize=False)
    vectors = np.stack([embedding.vector, embedding.tokens.mean(axis=0)])
    return Decision(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(_LEAST_LENGTH))


def decide_order(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """The order of two texts, and the best piece for each mask in them."""
    order = session(**request, top_k=2)
    masks = _best_pieces(order.filled)
    return Decision((order.label, [piece for piece, _ in masks]), ((order.label, 2 * order.score - 1), *masks))


def decide_masks(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """The best piece for each mask."""
    masks = _best_pieces(session(**request, top_k=2))
    return Decision([piece for piece, _ in masks], masks)


def decide_label(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """The best label, the set of labels that apply, or the predicted values, as the "problem_type" says."""
    problem = resolve_problem_type(session.bundle.config.get("problem_type"), len(session.manifest.labels))
    # A single label without "problem_type" gets a sigmoid by default, but here it is a value to be predicted.
    return _label_decision(session(**request, function_to_apply="none" if problem == REGRESSION else None), problem)


def _label_decision(labels: Sequence[Label], problem: str) -> Decision:
    by_name = sorted(labels, key=lambda label: label.label)  # the session returns the best label first
    if problem == MULTI_LABEL:
        applies = {label.label for label in by_name if label.score >= _LABEL_APPLIES}
        return Decision(applies, tuple((label.label in applies, abs(2 * label.score - 1)) for label in by_name))
    if problem == REGRESSION:
        return Decision(np.array([label.score for label in by_name]))
    return Decision.single(labels[0].label, _margin([label.score for label in labels]))


def decide_entities(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """The entities; the parts are the labels of the tokens."""
    assert isinstance(session, TokenClassificationSession)
    tokens = session.tokens(**{name: request[name] for name in ("text", "words", "stride") if name in request})
    margins = map(_margin, softmax(tokens.logits))
    aggregation = {name: request[name] for name in ("aggregation_strategy", "ignore_labels") if name in request}
    entities = session.entities(tokens, **aggregation)
    return Decision(
        [(entity.label, entity.start, entity.end) for entity in entities],
        tuple(zip(tokens.label_ids, margins, strict=True)),
        parts_are_answers=True,
    )


def decide_choice(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """The index of the best choice."""
    choice = session(**request)
    return Decision.single(choice.index, _margin(choice.scores))


def decide_answer(session: AlbertSession, request: dict[str, Any]) -> Decision:
    """The characters (start, end) of the best answer in the context, to the token: whole words would hide changes."""
    answers = session(**request, top_k=2, align_to_words=False)
    return Decision.single((answers[0].start, answers[0].end), _margin([answer.score for answer in answers]))


def _decide_outputs(session: AlbertSession, outputs: Arrays) -> Decision:
    """What the outputs for token ids decide, without a tokenizer that could make an answer of them.

    That is a text's labels, or two vectors for feature extraction; for all other tasks each row of each output decides
    for the place of its largest number: the label or the piece of a token, the best choice, the token that an answer
    begins or ends with.
    """
    if session.task == "text-classification":
        names = session.manifest.labels
        problem = resolve_problem_type(session.bundle.config.get("problem_type"), len(names))
        function = "none" if problem == REGRESSION else None
        return _label_decision(label_text(outputs["logits"][0], names, problem, function), problem)
    if session.task == "feature-extraction":
        tokens = finite(outputs["last_hidden_state"][0])
        pooled = finite(outputs["pooler_output"][0]) if "pooler_output" in outputs else tokens[0]
        vectors = np.stack([pooled, tokens.mean(axis=0)])
        return Decision(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(_LEAST_LENGTH))
    rows = [row for array in outputs.values() for row in finite(array).reshape(-1, array.shape[-1])]
    parts = tuple((int(row.argmax()), _margin(softmax(row))) for row in rows)
    # Hundreds of tokens are hundreds of answers, but the beginning and the end of a passage are one.
    for_tokens = any(SEQUENCE in axes[:-1] for axes in session.bundle.task.outputs.values())
    return Decision([part for part, _ in parts], parts, parts_are_answers=for_tokens)


def _best_pieces(masks: Sequence[Sequence[Filled]]) -> tuple[tuple[int, float], ...]:
    """The id of the best piece for each mask, and its margin."""
    return tuple((pieces[0].token_id, _margin([piece.score for piece in pieces])) for pieces in masks)


def _margin(scores: Any) -> float:
    """The difference between the two largest of `scores`; 1 if there is only one."""
    best = sorted(scores, reverse=True)
    return float(best[0] - best[1]) if len(best) > 1 else 1.0
