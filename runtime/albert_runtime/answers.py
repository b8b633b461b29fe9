"""The answers of sessions: one frozen dataclass for each kind of answer.

`start` and `end` count characters of the text that was given, so `text[start:end]` is the passage. A score is a
probability from 0 to 1, except for regression labels, where it is the predicted value. `to_dict()` returns an answer as
plain JSON types.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class _Record:
    """The base of the answers that are dataclasses of plain values."""

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON types."""
        return _plain(asdict(self))  # type: ignore[call-overload, no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


@dataclass(frozen=True)
class Answer(_Record):
    """A passage of the context that answers the question: `context[start:end]`.

    The empty answer says that there is none: its text is "", and `start` and `end` are 0.
    """

    text: str
    score: float
    start: int
    end: int
    #: the probability that the context holds no answer
    null_score: float = 0.0
    #: which context it is, counted from 0, if the question was asked about several
    context_index: int = 0


@dataclass(frozen=True)
class Label(_Record):
    """A label of the whole text, and its score."""

    label: str
    score: float


@dataclass(frozen=True)
class Entity(_Record):
    """A named thing in the text; `text` is the characters `start:end` of the text that was given.

    `to_dict` leaves out the fields that are None.
    """

    #: the kind of the entity, such as "PER"; with `aggregation_strategy="none"` the label of a token, such as "B-PER"
    label: str
    text: str
    score: float
    start: int
    end: int
    #: the text as the tokens spell it, in lower case and without accents if the vocabulary has none; with
    #: `aggregation_strategy="none"` the piece of the vocabulary
    word: str = ""
    #: the position of the token in the sequence, where [CLS] is 0; only with `aggregation_strategy="none"`
    index: int | None = None
    #: the entity is `words[start_word:end_word]`; only if the text was given as words
    start_word: int | None = None
    end_word: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The entity as JSON types."""
        return {name: value for name, value in super().to_dict().items() if value is not None}


@dataclass(frozen=True)
class Filled(_Record):
    """A piece that may stand in place of a [MASK]."""

    #: the piece, without the mark of its leading space
    token: str
    token_id: int
    score: float
    #: the whole text that was given, with this piece in place of the mask; other masks stay
    text: str


@dataclass(frozen=True)
class Choice(_Record):
    """The choice that goes best with the prompt."""

    index: int
    text: str
    score: float
    #: the probability of every choice, in the order given
    scores: tuple[float, ...]


@dataclass(frozen=True)
class SentenceOrder(_Record):
    """Whether two texts are in the order in which they were written."""

    #: "in order" or "swapped"
    label: str
    in_order: bool
    #: the probability of `label`
    score: float
    #: the pieces for each [MASK] in the two texts, best first
    filled: tuple[tuple[Filled, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Embedding:
    """A text as vectors. The arrays are read-only; two embeddings are equal if all their numbers are equal."""

    #: the output of the pooler, float32 `[hidden]`
    vector: NDArray[np.float32]
    #: the last hidden state, float32 `[sequence, hidden]`: [CLS], the tokens of the text, [SEP]
    tokens: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in ("vector", "tokens"):
            array = np.array(getattr(self, name), dtype=np.float32)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Embedding):
            return NotImplemented
        return np.array_equal(self.vector, other.vector) and np.array_equal(self.tokens, other.tokens)

    def __hash__(self) -> int:
        # Adding 0.0 turns -0.0 into 0.0: the two are equal, so their hashes must be equal.
        return hash((self.vector + 0.0).tobytes())

    def to_dict(self) -> dict[str, Any]:
        """The embedding as lists of numbers."""
        return {"vector": self.vector.tolist(), "tokens": self.tokens.tolist()}
