"""Token labels -> entities: the postprocessing of token classification."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from albert_runtime.answers import Entity
from albert_runtime.postprocessing.probabilities import Logits, check_label_count, softmax

OUTSIDE = "O"

#: a tag of the schemes BIO, IO, BIOES and BILOU: B(egin), I(nside), E(nd) or L(ast), S(ingle) or U(nit), and a kind
TAG = re.compile(r"([BIELSU])-(.+)", re.DOTALL)
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

    A word has the label of its first token, because models are trained on the first token of each word. Tags decide
    which neighbouring words form one entity: B- begins an entity, I- continues one of the same kind (or begins one if
    there is none), E- ends one, and S- is an entity of one word. If the labels are plain names without such tags,
    neighbours with the same name form one entity. "O" means that a word is not part of an entity. The score of an
    entity is the mean probability of its words.

    Args:
        logits: `[tokens, labels]`, without special tokens.
        offsets: the characters (start, end) of `text` that each token stands for.
        word_ids: the number of the word that each token belongs to; words are separated by spaces.
        text: the text that was labelled.
        labels: the names of the labels.

    Raises:
        BundleError: there are more or fewer logits than labels, or they are not finite.
    """
    check_label_count(logits, labels)
    words = split_words(offsets, word_ids, text)
    if not words:
        return ()
    scores = softmax(logits[[word[0] for word in words]])
    best = scores.argmax(axis=-1)
    tagged = all(label == OUTSIDE or TAG.fullmatch(label) for label in labels)
    groups: list[tuple[str, list[int]]] = []
    open_kind: str | None = None
    for word, index in enumerate(best):
        label = labels[index]
        if label == OUTSIDE:
            open_kind = None
            continue
        tag = TAG.fullmatch(label) if tagged else None
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

    Between two spaces, punctuation at the beginning and at the end forms words of its own, as in the corpora that
    entity models are trained on: in "(Paris)," the word Paris has its own label, and the comma does not become part of
    the entity. A token that stands for no character, which is the bare mark of a space, belongs to the next word.
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
    """Whether `surface` holds nothing but punctuation; currency signs and mathematical signs are not punctuation."""
    return all(unicodedata.category(sign).startswith("P") for sign in surface)
