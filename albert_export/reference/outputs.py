"""What the reference models return: dataclasses that also index like tuples and dictionaries.

Fields and their order are those of Hugging Face's outputs, so that code written against those runs unchanged.
A field that was not asked for is None, and is left out when the output is read as a tuple.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class ModelOutput:
    """Base of all outputs: `output.logits`, `output["logits"]` and `output[0]` all work."""

    def to_tuple(self) -> tuple[Any, ...]:
        """The fields that are not None, in order."""
        return tuple(value for value in (getattr(self, field.name) for field in fields(self)) if value is not None)

    def __getitem__(self, key: int | slice | str) -> Any:
        if isinstance(key, str):
            return getattr(self, key)
        return self.to_tuple()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.to_tuple())

    def __len__(self) -> int:
        return len(self.to_tuple())


@dataclass
class BaseModelOutput(ModelOutput):
    """The encoder's output.

    last_hidden_state: `[batch, sequence, hidden]`. pooler_output: `[batch, hidden]`, tanh of a dense layer over the
    first token; None without pooler. hidden_states: the embeddings and each layer's result, `[batch, sequence,
    hidden]` each. attentions: each layer's probabilities, `[batch, heads, sequence, sequence]`.
    """

    last_hidden_state: Any = None
    pooler_output: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class AlbertForPreTrainingOutput(ModelOutput):
    """prediction_logits: `[batch, sequence, vocab]`. sop_logits: `[batch, 2]`, in order, swapped. loss: both summed."""

    loss: Any = None
    prediction_logits: Any = None
    sop_logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


#: the same for TensorFlow, under the name that it goes by there
TFAlbertForPreTrainingOutput = AlbertForPreTrainingOutput


@dataclass
class LogitsOutput(ModelOutput):
    """One head's logits, in the shape that the task's contract names, and the loss where labels were given."""

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class QuestionAnsweringOutput(ModelOutput):
    """start_logits and end_logits: `[batch, sequence]` each. loss: the mean of both."""

    loss: Any = None
    start_logits: Any = None
    end_logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None
