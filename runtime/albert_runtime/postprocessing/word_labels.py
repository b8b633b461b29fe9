"""LabelledWord: the words of a text, each with the label of its first token."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from albert_runtime.postprocessing.labelled_tokens import LabelledTokens
from albert_runtime.postprocessing.probabilities import softmax
from albert_runtime.postprocessing.tags import OUTSIDE, Tag, read_tag
from albert_runtime.postprocessing.words import Role, Word, is_abbreviation, is_unspaced, role_of, split_words

#: what may stand inside an entity although the model's label says that it is outside
_INNER = (Role.PUNCTUATION, Role.POSSESSIVE)
#: the punctuation that may do so: a period, and the dots between the parts of foreign names. The label of other
#: punctuation, such as a comma or a quotation mark, is more often right than not.
_INNER_PUNCTUATION = frozenset(".\u00b7\u30fb")


class LabelledWord(NamedTuple):
    """A word that has at least one token, and its label."""

    #: the characters (start, end) of the text
    start: int
    end: int
    role: Role
    #: the numbers of its tokens
    tokens: range
    label: str
    #: the probability of the label; None for what is in an entity without the model's saying so
    score: float | None
    #: the probability of "O"; None if the model has no such label
    outside: float | None

    @property
    def tag(self) -> Tag:
        """What the label says."""
        return read_tag(self.label)


def label_words(tokens: LabelledTokens, labels: Sequence[str]) -> list[LabelledWord]:
    """The words that have tokens, in order, each with the label of its first token.

    Models are trained on the first token of each word, so the labels of the others mean nothing. In a script without
    spaces each token is a word; if the mark of a space before a token is outside, the token itself decides.

    Three labels are not the model's:

    - Punctuation or a possessive inside an entity is part of it: if the word after it continues the entity that stands
      before it, the label between them does not matter ("Natl. Airport").
    - A dash and a possessive that `split_words` has split off are outside, because the model was not trained on a first
      token there.
    - Punctuation that `split_words` has split off does not begin an entity.

    The last two do not hold for words that were given: those have the labels of words that the model was trained on.
    """
    words = _with_tokens(tokens, labels)
    if tokens.words is not None:
        return _bridge(words, tokens.text)
    words = [_outside(word) if word.role in (Role.DASH, Role.POSSESSIVE) else word for word in words]
    return _drop_leading_punctuation(_bridge(words, tokens.text))


def _with_tokens(tokens: LabelledTokens, labels: Sequence[str]) -> list[LabelledWord]:
    """The words that have tokens, each with the model's label for its first token."""
    words = _words_of(tokens)
    probabilities, label_ids = softmax(tokens.logits).tolist(), tokens.label_ids
    outside = labels.index(OUTSIDE) if OUTSIDE in labels else None
    labelled = []
    for owner, members in groupby(range(len(tokens.tokens)), key=_owners(tokens, words).__getitem__):
        first, *others = members
        if owner >= len(words):
            continue
        own = range(first, first + 1 + len(others))
        word, (start, end) = words[owner], tokens.span(own)
        best = label_ids[first]
        if best == outside and others and _is_mark_before_unspaced(tokens, first, word):
            first = others[0]
            best = label_ids[first]
        labelled.append(
            LabelledWord(
                word.start if tokens.words else max(word.start, start),
                word.end if tokens.words else min(word.end, end),
                word.role,
                own,
                labels[best],
                probabilities[first][best],
                None if outside is None else probabilities[first][outside],
            )
        )
    return labelled


def _is_mark_before_unspaced(tokens: LabelledTokens, token: int, word: Word) -> bool:
    """Whether a token is nothing but the mark of the space before a word of a script without spaces."""
    start, end = tokens.offsets[token]
    return tokens.words is None and start == end and is_unspaced(tokens.text[word.start : word.end])


def _words_of(tokens: LabelledTokens) -> list[Word]:
    """The words that were given, or those of the text."""
    if tokens.words is not None:
        return [Word(start, end, role_of(tokens.text[start:end])) for start, end in tokens.words]
    starts = [start for start, _ in tokens.offsets]
    changes = [
        start
        for start, word_id, previous in zip(starts[1:], tokens.word_ids[1:], tokens.word_ids, strict=False)
        if word_id != previous
    ]
    return split_words(tokens.text, starts, changes)


def _owners(tokens: LabelledTokens, words: Sequence[Word]) -> list[int]:
    """The number of the word that each token belongs to; `len(words)` for a token behind the last word."""
    if tokens.words is not None:
        return [len(words) if number is None else number for number in tokens.word_ids]
    # A token that stands for no character is the mark of the space before a word, and is the first token of that word.
    ends = [word.end for word in words]
    return [bisect_right(ends, start) for start, _ in tokens.offsets]


def _outside(word: LabelledWord) -> LabelledWord:
    """The word with the label "O"; unchanged if the model has no such label, because then every word has another."""
    return word if word.outside is None else word._replace(label=OUTSIDE, score=word.outside)


def _bridge(words: Sequence[LabelledWord], text: str) -> list[LabelledWord]:
    """The words, where punctuation and possessives inside an entity have its label."""
    runs = [list(members) for _, members in groupby(words, key=lambda word: word.role in _INNER)]
    bridged: list[LabelledWord] = []
    opened: Tag | None = None
    for run, following in zip(runs, [*runs[1:], []], strict=True):
        if opened and following and run[0].role in _INNER and _is_inside(opened, bridged[-1], run, following[0], text):
            inner = following[0].label if following[0].tag.position == "I" else f"I-{opened.kind}"
            run = [word if word.label == inner else word._replace(label=inner, score=None) for word in run]
        for word in run:
            opened = _open_after(opened, word.tag)
        bridged += run
    return bridged


def _is_inside(
    opened: Tag, before: LabelledWord, run: Sequence[LabelledWord], following: LabelledWord, text: str
) -> bool:
    """Whether the punctuation and possessives `run` are inside an entity, which began with `opened`."""
    if following.tag.kind != opened.kind or following.tag.begins:
        return False
    if any(
        word.role is Role.PUNCTUATION and not set(text[word.start : word.end]) <= _INNER_PUNCTUATION for word in run
    ):
        return False
    # Without a B- this is not sure: names with equal labels may stand on both sides of a period. Then the word before
    # the period must be an abbreviation or an initial.
    core = text[before.start : before.end]
    short = text[run[0].start : run[-1].end] == "." and (len(core) == 1 or is_abbreviation(core))
    return opened.position == "B" or short


def _drop_leading_punctuation(words: Sequence[LabelledWord]) -> list[LabelledWord]:
    """The words, where punctuation that would begin an entity is outside."""
    kept: list[LabelledWord] = []
    opened: Tag | None = None
    for word in words:
        continues = opened is not None and word.tag.kind == opened.kind and not word.tag.begins
        kept.append(_outside(word) if word.role is Role.PUNCTUATION and not continues else word)
        opened = _open_after(opened, kept[-1].tag)
    return kept


def _open_after(opened: Tag | None, tag: Tag) -> Tag | None:
    """The first tag of the entity that is open after `tag`, where the one that began with `opened` was open before."""
    if tag.ends or tag.kind == OUTSIDE:
        return None
    return opened if opened is not None and tag.kind == opened.kind and not tag.begins else tag
