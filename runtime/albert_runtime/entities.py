"""Token labels -> entities: the head of token classification."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from albert_runtime.answers import Entity
from albert_runtime.postprocessing import Logits, check_count, softmax

OUTSIDE = "O"

#: B(egin), I(nside), E(nd) or L(ast), S(ingle) or U(nit): the tags of BIO, IO, BIOES and BILOU
_TAG = re.compile(r"([BIELSU])-(.+)", re.DOTALL)
_BEGINS = frozenset("BSU")
_ENDS = frozenset("ELSU")


def find_entities(
    logits: Logits,
    offsets: Sequence[tuple[int, int]],
    word_ids: Sequence[int | None],
    text: str,
    labels: Sequence[str],
) -> tuple[Entity, ...]:
    """The entities of a text, in its order.

    The tokens of a word follow the label of its first token, which is the one that models are trained on.
    Neighbouring words are one entity if the tags say so: B- begins one, I- continues one of the same kind (or
    begins one where there is none), E- ends one, S- is one by itself. Where the labels are plain names without
    such tags, neighbours of the same name are one entity. "O" is no entity. A score is the mean probability
    of the entity's words.

    Args:
        logits: [tokens, labels], without special tokens.
        offsets: where each token stands in `text`.
        word_ids: the word that each token belongs to; words are what stands between spaces.
        text: the text that was labelled.
        labels: the names of the labels.
    """
    check_count(logits, labels)
    words = split_words(offsets, word_ids, text)
    if not words:
        return ()
    scores = softmax(logits[[word[0] for word in words]])
    best = scores.argmax(axis=-1)
    tagged = all(label == OUTSIDE or _TAG.fullmatch(label) for label in labels)
    groups: list[tuple[str, list[int]]] = []
    open_kind: str | None = None
    for word, index in enumerate(best):
        label = labels[index]
        if label == OUTSIDE:
            open_kind = None
            continue
        tag = _TAG.fullmatch(label) if tagged else None
        position, kind = tag.groups() if tag else ("I", label)
        if kind == open_kind and position not in _BEGINS:
            groups[-1][1].append(word)
        else:
            groups.append((kind, [word]))
        open_kind = None if position in _ENDS else kind
    entities = []
    for kind, members in groups:
        start = offsets[words[members[0]][0]][0]
        end = offsets[words[members[-1]][-1]][1]
        score = float(np.mean([scores[word, best[word]] for word in members]))
        entities.append(Entity(kind, text[start:end], score, start, end))
    return tuple(entities)


def split_words(offsets: Sequence[tuple[int, int]], word_ids: Sequence[int | None], text: str) -> list[list[int]]:
    """The words of a text as lists of token numbers.

    Punctuation at either end of what stands between spaces is a word by itself, as in the corpora that entity
    models learn from: in "(Paris)," the word Paris has a label of its own, and the comma does not get into the
    entity. A token that shows nothing, the bare mark of a space, begins the word that follows it.
    """
    spaced: dict[int | None, list[int]] = {}
    for token, word_id in enumerate(word_ids):
        spaced.setdefault(word_id, []).append(token)
    words = []
    for tokens in spaced.values():
        inner = [place for place, token in enumerate(tokens) if not _is_punctuation(text[slice(*offsets[token])])]
        begin, end = (inner[0], inner[-1] + 1) if inner else (len(tokens), len(tokens))
        parts = [[token] for token in tokens[:begin]]
        parts += [tokens[begin:end]] if inner else []
        parts += [[token] for token in tokens[end:]]
        bare: list[int] = []
        for part in parts:
            start, stop = offsets[part[-1]]
            if start == stop:
                bare += part
            else:
                words.append(bare + part)
                bare = []
    return words


def _is_punctuation(surface: str) -> bool:
    """Whether there is nothing in `surface` but punctuation; currency and mathematical signs are not."""
    return all(unicodedata.category(sign).startswith("P") for sign in surface)
