"""Metrics of token classification: a tag for each word of a CoNLL sentence, and F1 of the entities."""

from __future__ import annotations

from collections.abc import Sequence

from albert_export.evaluation.datasets.example import Example
from albert_runtime import AlbertSession
from albert_runtime.postprocessing.tags import OUTSIDE, read_tag
from albert_runtime.postprocessing.word_labels import label_words
from albert_runtime.sessions.token_classification import TokenClassificationSession


def tag_words(session: AlbertSession, example: Example) -> list[str]:
    """Return the tag of each word of the sentence: the label with the largest logit at the word's first token.

    The words are those of the file, and their labels are those that the entities of `session(words=...)` are made of:
    punctuation inside an entity is part of it. A sentence that is too long for the model is split into the session's
    windows. A word for which the tokenizer yields no token, such as a single variation selector, gets the tag O.
    """
    assert isinstance(session, TokenClassificationSession)
    words = [word for word, _ in example.expected]
    tags = [OUTSIDE] * len(words)
    tokens = session.tokens(words=words)
    for word in label_words(tokens, session.manifest.labels):
        number = tokens.word_ids[word.tokens.start]
        assert number is not None
        tags[number] = word.label
    return tags


def tag_scores(examples: Sequence[Example], answers: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return f1, precision and recall of entities, and accuracy of words, in percent.

    They are computed by seqeval in its default mode, which agrees with conlleval. If the labels are names without
    prefixes, neighbouring words with the same name are one entity, as in the runtime.
    """
    from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

    expected = [[tag for _, tag in example.expected] for example in examples]
    true, given = ([[_for_seqeval(tag) for tag in tags] for tags in side] for side in (expected, answers))
    return {
        "f1": 100 * float(f1_score(true, given, zero_division=0)),
        "precision": 100 * float(precision_score(true, given, zero_division=0)),
        "recall": 100 * float(recall_score(true, given, zero_division=0)),
        "accuracy": 100 * float(accuracy_score(true, given)),
    }


def _for_seqeval(label: str) -> str:
    """The label in the scheme BIOES, which seqeval reads in its default mode."""
    return label if label == OUTSIDE else "-".join(read_tag(label))
