"""Token labels -> entities: the postprocessing of token classification."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from albert_runtime.answers import Entity
from albert_runtime.postprocessing.labelled_tokens import LabelledTokens
from albert_runtime.postprocessing.probabilities import Scores, check_label_count, softmax
from albert_runtime.postprocessing.tags import OUTSIDE, Tag, group_tags, read_tag
from albert_runtime.postprocessing.word_labels import label_words

#: "words" is this package's own; the others are those of Hugging Face's token classification pipeline
AGGREGATION_STRATEGIES = ("words", "none", "simple", "first", "average", "max")


class _Part(NamedTuple):
    """What one tag is given to: a token or a word."""

    tag: Tag
    #: None if the score of the entity does not depend on this part
    score: float | None
    #: the numbers of its tokens
    tokens: range
    #: the characters of the text
    start: int
    end: int


def find_entities(
    tokens: LabelledTokens,
    labels: Sequence[str],
    aggregation_strategy: str = "words",
    ignore_labels: Collection[str] = (OUTSIDE,),
) -> tuple[Entity, ...]:
    """The entities of a text, in its order.

    Every strategy but "none" groups neighbours by their tags, see `tags.group_tags`; the score of an entity is the mean
    of the scores of its parts. The strategies differ in what the parts are, and which label a part has:

    - "words": words, as `words.split_words` finds them, or as they were given. A word has the label of its first token,
      because models are trained on the first token of each word; see `word_labels.label_words`.
    - "none": each token is an answer of its own, with the whole label ("B-PER").
    - "simple": tokens.
    - "first", "average", "max": what stands between two spaces, punctuation included. Its label is that of its first
      token, or the best of the mean of its tokens' probabilities, or that of the token that is surest.

    Args:
        tokens: the tokens of the text, with the logits of their labels.
        labels: the names of the labels.
        aggregation_strategy: one of AGGREGATION_STRATEGIES.
        ignore_labels: the answers to leave out, by their `label`.

    Raises:
        BundleError: there are more or fewer logits than labels, or they are not finite.
    """
    check_label_count(tokens.logits, labels)
    if not tokens.tokens:
        return ()
    if aggregation_strategy == "none":
        return tuple(answer for answer in _token_answers(tokens, labels) if answer.label not in ignore_labels)
    parts = _parts(tokens, labels, aggregation_strategy)
    groups = [parts[group.start : group.stop] for group in group_tags([part.tag for part in parts])]
    return tuple(_entity(tokens, group) for group in groups if group[0].tag.kind not in ignore_labels)


def _token_answers(tokens: LabelledTokens, labels: Sequence[str]) -> list[Entity]:
    """An answer for each token."""
    scores = softmax(tokens.logits)
    answers = []
    for token, best in enumerate(tokens.label_ids):
        start, end = tokens.offsets[token]
        text, score, own = tokens.text[start:end], float(scores[token, best]), range(token, token + 1)
        span = (start, end, tokens.piece(token), token + 1)
        answers.append(Entity(labels[best], text, score, *span, *_word_span(tokens, own)))
    return answers


def _parts(tokens: LabelledTokens, labels: Sequence[str], strategy: str) -> list[_Part]:
    """What the tags of the text are given to, in order."""
    if strategy == "words":
        return [_Part(word.tag, word.score, word.tokens, word.start, word.end) for word in label_words(tokens, labels)]
    count = len(tokens.tokens)
    starts = range(count) if strategy == "simple" else filter(tokens.starts_word, range(count))
    scores = softmax(tokens.logits)
    parts = []
    for start, stop in pairwise([*starts, count]):
        own = range(start, stop)
        word_scores = _word_scores(scores[start:stop], strategy)
        best = int(word_scores.argmax())
        parts.append(_Part(read_tag(labels[best]), float(word_scores[best]), own, *tokens.span(own)))
    return parts


def _word_scores(scores: Scores, strategy: str) -> Scores:
    """The probabilities of the labels of one word, from those of its tokens, `[tokens, labels]`."""
    if strategy == "average":
        mean: Scores = scores.mean(axis=0)
        return mean
    chosen: Scores = scores[scores.max(axis=-1).argmax() if strategy == "max" else 0]
    return chosen


def _entity(tokens: LabelledTokens, parts: Sequence[_Part]) -> Entity:
    """The entity that neighbouring parts form."""
    own = range(parts[0].tokens.start, parts[-1].tokens.stop)
    # A part of no characters is the mark of a space; its place is the next word, which may not be in the entity.
    visible = [part for part in parts if part.start < part.end] or parts[:1]
    start, end = visible[0].start, visible[-1].end
    scores = [part.score for part in parts if part.score is not None]
    score = sum(scores) / len(scores)
    kind, text = parts[0].tag.kind, tokens.text[start:end]
    return Entity(kind, text, score, start, end, tokens.spell(own), None, *_word_span(tokens, own))


def _word_span(tokens: LabelledTokens, own: range) -> tuple[int, int] | tuple[None, None]:
    """The numbers (first, one behind the last) of the given words that the tokens are in; None if none were given."""
    if tokens.words is None:
        return None, None
    first, last = tokens.word_ids[own.start], tokens.word_ids[own.stop - 1]
    assert first is not None
    assert last is not None
    return first, last + 1
