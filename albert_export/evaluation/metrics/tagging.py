"""Token classification: a tag for each word of a CoNLL sentence, and precision, recall and F1 of the entities."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from albert_export.evaluation.datasets.example import Example
from albert_runtime import AlbertSession
from albert_runtime.entities import OUTSIDE, TAG
from albert_runtime.task_sessions import TokenClassificationSession

#: seqeval's letters for the schemes that end an entity: Last is End, Unit is Single
_SEQEVAL = {"L": "E", "U": "S"}


def tag_words(session: AlbertSession, example: Example) -> list[str]:
    """The tag of each word of the sentence: the label that is best at the word's first token.

    A sentence that is too long goes through the model in the session's windows. A word that the tokenizer drops, such
    as a lone variation selector, has the tag O.
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
    """f1, precision and recall of entities, by seqeval in its default mode (as conlleval); accuracy of words.

    Where labels are plain names, neighbours of the same name are one entity, as for the runtime.
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
