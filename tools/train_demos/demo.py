"""Demo and Example: what each of the seven demonstrations defines, and what it learns from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from torch import Tensor, nn

from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.words import Words


@dataclass(frozen=True)
class Example:
    """A request to a session, and the right answer."""

    #: keyword arguments of the runtime session's call
    inputs: dict[str, Any]
    #: the answer, in the form of `albert_export.demos.DemoExample.expected`
    expected: Any
    #: what the loss needs in addition, for example where in the context the answer is
    target: Any = None


class Demo(ABC):
    """One task: its texts, its loss, and the way in which the trained model is asked."""

    #: the full name of the task
    task: ClassVar[str]
    labels: ClassVar[tuple[str, ...]] = ()
    #: texts for the card: what the model was trained to do, and what it can't do
    summary: ClassVar[str]
    limits: ClassVar[str]

    #: handwritten held-out examples, which the trained model must answer right; `make demo` shows the first one
    shown: ClassVar[tuple[Example, ...]] = ()

    # These are the smallest sizes that learn the task.
    vocabulary_size: ClassVar[int] = 1000
    hidden_size: ClassVar[int] = 128
    intermediate_size: ClassVar[int] = 256
    passes: ClassVar[int] = 3
    #: standard deviation of the initial embeddings; larger for tasks that also predict words
    embedding_range: ClassVar[float] = 0.05
    #: whether the task is to find the same words in two places
    compares_words: ClassVar[bool] = False

    steps: ClassVar[int] = 600
    batch_size: ClassVar[int] = 32
    learning_rate: ClassVar[float] = 1e-3

    @abstractmethod
    def make(self, rng: Random, side: Words, progress: float) -> Example:
        """A new example with the words of `side`. It gets harder while `progress` goes from 0 to 1."""

    def texts(self, example: Example) -> list[str]:
        """The texts of an example that the vocabulary is trained on: by default, all texts of its inputs."""
        values = example.inputs.values()
        return [text for value in values for text in ([value] if isinstance(value, str) else value)]

    @abstractmethod
    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        """The training loss of a batch of examples."""

    @abstractmethod
    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> Any:
        """The model's answer, in the form of `Example.expected`."""

    def is_right(self, model: nn.Module, tokenizer: AlbertTokenizer, example: Example) -> bool:
        """Whether the model's answer is the expected one."""
        return bool(self.answer(model, tokenizer, example.inputs) == example.expected)
