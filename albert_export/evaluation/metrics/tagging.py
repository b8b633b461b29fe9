"""Metrics of token classification: a tag for each word of a CoNLL sentence, and F1 of the entities."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from albert_export.evaluation.datasets.example import Example
from albert_runtime import AlbertSession
from albert_runtime.postprocessing.entities import OUTSIDE, TAG
from albert_runtime.sessions.token_classification import TokenClassificationSession

#: prefixes of the scheme BILOU -> those of BIOES, which seqeval reads: Last is End, and Unit is Single
_SEQEVAL = {"L": "E", "U": "S"}


def tag_words(session: AlbertSession, example: Example) -> list[str]:
    """Return the tag of each word of the sentence: the label with the largest logit at the word's first token.

    A sentence that is too long for the model is split into the session's windows. A word for which the tokenizer
    yields no token, such as a single variation selector, gets the tag O.
    """
    assert isinstance(session, TokenClassificationSession)
    words = [word for word, _ in example.expected]
    starts, position = [], 0
    for word in words:
        starts.append(position)
        position += len(word) + 1
    tags: list[str | None] = [None] * len(words)
    tokens = session.tokens(example.request["text"])
    for (start, _), label_id in zip(tokens.offsets, tokens.label_ids, strict=True):
        word_number = bisect_right(starts, start) - 1
        if tags[word_number] is None:
            tags[word_number] = session.manifest.labels[label_id]
    return [OUTSIDE if tag is None else tag for tag in tags]


def tag_scores(examples: Sequence[Example], answers: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return f1, precision and recall of entities, and accuracy of words, in percent.

    They are computed by seqeval in its default mode, which agrees with conlleval. If the labels are names without
    prefixes, neighbouring words with the same name are one entity, as in the runtime.
    """
    from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

    expected = [[tag for _, tag in example.expected] for example in examples]
    tagged = all(tag == OUTSIDE or TAG.fullmatch(tag) for tags in (*expected, *answers) for tag in tags)
    true, given = ([[_for_seqeval(tag, tagged) for tag in tags] for tags in side] for side in (expected, answers))
    return {
        "f1": 100 * float(f1_score(true, given, zero_division=0)),
        "precision": 100 * float(precision_score(true, given, zero_division=0)),
        "recall": 100 * float(recall_score(true, given, zero_division=0)),
        "accuracy": 100 * float(accuracy_score(true, given)),
    }


def _for_seqeval(tag: str, tagged: bool) -> str:
    if tag == OUTSIDE:
        return tag
    if not tagged:
        return f"I-{tag}"
    return _SEQEVAL.get(tag[0], tag[0]) + tag[1:]
