"""The outputs of the reference models: dataclasses that can also be indexed like tuples and dictionaries.

The fields and their order are those of Hugging Face's outputs, so that code written for those runs unchanged.
A field that was not asked for is None, and is left out when the output is read as a tuple.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class ModelOutput:
    """The base class of all outputs: `output.logits`, `output["logits"]` and `output[0]` all work."""

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

    last_hidden_state: `[batch, sequence, hidden]`. pooler_output: `[batch, hidden]`, the tanh of a dense layer on the
    first token; None if the model has no pooler. hidden_states: the embeddings and the result of each layer, each
    `[batch, sequence, hidden]`. attentions: the probabilities of each layer, `[batch, heads, sequence, sequence]`.
    """

    last_hidden_state: Any = None
    pooler_output: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class AlbertForPreTrainingOutput(ModelOutput):
    """The output of pretraining.

    prediction_logits: `[batch, sequence, vocab]`. sop_logits: `[batch, 2]`, index 0 for "in order" and 1 for "swapped".
    loss: the sum of both losses.
    """

    loss: Any = None
    prediction_logits: Any = None
    sop_logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


#: the same class under the name that transformers gives it for TensorFlow
TFAlbertForPreTrainingOutput = AlbertForPreTrainingOutput


@dataclass
class LogitsOutput(ModelOutput):
    """The logits of one head, in the shape that `albert_runtime.tasks` states, and the loss if labels were given."""

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class QuestionAnsweringOutput(ModelOutput):
    """start_logits and end_logits: `[batch, sequence]` each. loss: the mean of both losses."""

    loss: Any = None
    start_logits: Any = None
    end_logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class BeamSearchOutput(ModelOutput):
    """The output of question answering with a beam search; the fields are those of transformers' XLNet.

    start_top_log_probs, start_top_index: `[batch, starts]`, the most probable starts, best first. end_top_log_probs,
    end_top_index: `[batch, starts * ends]`, the most probable ends for each of them. cls_logits: `[batch]`, the logit
    of "there is no answer". With labels there are only the loss and cls_logits; the loss is the mean of the losses of
    start and end, and half of that of cls_logits.
    """

    loss: Any = None
    start_top_log_probs: Any = None
    start_top_index: Any = None
    end_top_log_probs: Any = None
    end_top_index: Any = None
    cls_logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None
