"""The libraries that run a TFLite file on texts, with the tokenizer that is packed into it, and what they expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TensorLayout:
    """The tensors that one class of a library expects of a model, by name and in this order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    #: the only supported length; None if it is read from the model
    length: int | None = None
    #: those of `outputs` that a model may lack
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextLibrary:
    """A library that reads texts by itself: it finds the tokenizer and the labels in the model's file."""

    #: its name in messages
    name: str
    #: task -> the tensors of its class for that task
    layouts: Mapping[str, TensorLayout]


_TEXT_INPUTS = ("ids", "segment_ids", "mask")
# BertNLClassifier finds inputs by their position (0.4.4) or by their names (before), and MediaPipe's TextClassifier by
# their names in the metadata; this layout suits all of them
_CLASSIFIER = TensorLayout(_TEXT_INPUTS, ("probability",))

#: TFLite Task Library 0.4.4
TASK_LIBRARY = TextLibrary(
    "TFLite Task Library",
    {
        # BertQuestionAnswerer finds tensors by their names in the metadata
        "question-answering": TensorLayout(("ids", "mask", "segment_ids"), ("end_logits", "start_logits"), 384),
        "text-classification": _CLASSIFIER,
    },
)
#: MediaPipe Tasks: TextClassifier and TextEmbedder, which makes an embedding of each output
MEDIAPIPE = TextLibrary(
    "MediaPipe",
    {
        "text-classification": _CLASSIFIER,
        "feature-extraction": TensorLayout(
            _TEXT_INPUTS,
            ("sentence_embedding", "pooler_output", "last_hidden_state"),
            optional=("sentence_embedding", "pooler_output"),
        ),
    },
)
#: the name of the target of an export -> its library
TEXT_LIBRARIES = {"task-library": TASK_LIBRARY, "mediapipe": MEDIAPIPE}
