"""Demo: what each of the seven demonstrations has to say about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random
from typing import Any, ClassVar

from torch import Tensor, nn

from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.example import Example
from tools.train_demos.words import Words


class Demo(ABC):
    """One task: its texts, its loss, and how it is asked."""

    #: full name of the task
    task: ClassVar[str]
    labels: ClassVar[tuple[str, ...]] = ()
    #: for the card: what the model was trained to do, and where it stops
    summary: ClassVar[str]
    limits: ClassVar[str]

    #: held-out examples by hand, which the trained model must answer; the first one is shown by `make demo`
    shown: ClassVar[tuple[Example, ...]] = ()

    # Sizes: the smallest that learn the task.
    vocabulary_size: ClassVar[int] = 1000
    hidden_size: ClassVar[int] = 128
    intermediate_size: ClassVar[int] = 256
    passes: ClassVar[int] = 3
    #: standard deviation of the first embeddings; larger where words are also put out
    embedding_range: ClassVar[float] = 0.05
    #: whether the task is to find the same words again elsewhere
    compares_words: ClassVar[bool] = False

    steps: ClassVar[int] = 600
    batch_size: ClassVar[int] = 32
    learning_rate: ClassVar[float] = 1e-3

    @abstractmethod
    def make(self, rng: Random, side: Words, progress: float) -> Example:
        """A new example with the words of `side`; harder as `progress` goes from 0 to 1."""

    def texts(self, example: Example) -> list[str]:
        """What the vocabulary learns from an example: the texts of its inputs."""
        values = example.inputs.values()
        return [text for value in values for text in ([value] if isinstance(value, str) else value)]

    @abstractmethod
    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        """The training loss of a batch of examples."""

    @abstractmethod
    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> Any:
        """What the model answers, in the form of `Example.expected`."""

    def is_right(self, model: nn.Module, tokenizer: AlbertTokenizer, example: Example) -> bool:
        """Whether the model's answer is the expected one."""
        return bool(self.answer(model, tokenizer, example.inputs) == example.expected)
