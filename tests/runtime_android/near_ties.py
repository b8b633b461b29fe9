"""Whether two answers decide the same; if not, whether Python's own scores say that both are nearly equally good."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from albert_runtime.postprocessing.probabilities import logit
from albert_runtime.session import AlbertSession
from albert_runtime.sessions.token_classification import TokenClassificationSession

#: how far a logit of a dynamic int8 graph is from that of another version of ONNX Runtime, which has other kernels
LOGIT_ERROR = 0.27


def decision(task: str, answer: Any) -> Any:
    """What the answer decides; `answer` is made of JSON types, with offsets left out."""
    if task == "feature-extraction":
        return None  # vectors are compared by their cosine
    if task in ("multiple-choice", "pretraining"):
        masks = [mask[0]["token"] for mask in answer.get("filled", ())]
        return answer.get("index", answer.get("in_order")), masks
    if task == "fill-mask":
        return [mask[0]["token_id"] for mask in answer]
    if task == "token-classification":
        return [(one["label"], one["text"]) for one in answer]
    first = answer[0] if isinstance(answer, list) else answer
    return first.get("label"), first.get("text")


def is_near_tie(session: AlbertSession, call: dict[str, Any], ours: Any, other: Any) -> bool:
    """Whether logits wrong by LOGIT_ERROR explain that another engine gave `other`, and not Python's answer, `ours`."""
    if session.task == "question-answering":
        found = session(**{**call, "top_k": 400})
        theirs = other[0] if isinstance(other, list) else other
        scores = [one.score for one in found if one.text == theirs["text"]]
        best = ours[0] if isinstance(ours, list) else ours
        # Four logits decide between two passages; the differences that were seen need less than the error of one.
        return bool(scores) and math.log(best["score"] / scores[0]) <= LOGIT_ERROR
    if isinstance(session, TokenClassificationSession):
        options = {name: call[name] for name in ("text", "words", "stride") if name in call}
        logits = np.sort(session.tokens(**options).logits, axis=-1)
        return float((logits[:, -1] - logits[:, -2]).min()) <= 2 * LOGIT_ERROR
    if session.task == "multiple-choice":
        return _near(ours["scores"][ours["index"]], ours["scores"][other["index"]])
    if session.task == "text-classification":
        return _near(*(one["score"] for one in ours[:2]))
    if session.task == "pretraining" and ours["in_order"] != other["in_order"]:
        return logit(ours["score"]) <= 2 * LOGIT_ERROR
    masks = zip(*((one if session.task == "fill-mask" else one["filled"]) for one in (ours, other)), strict=True)
    return all(
        _near(mine[0]["score"], next((one["score"] for one in mine if one["token"] == theirs[0]["token"]), 0.0))
        for mine, theirs in masks
    )


def _near(best: float, other: float) -> bool:
    return other > 0 and math.log(best / other) <= 2 * LOGIT_ERROR
