"""The second phase of training, which teaches a model texts that are too long for the positions of the first phase."""

from __future__ import annotations

from abc import abstractmethod
from random import Random
from typing import ClassVar

from torch import Tensor, nn

from albert_export.reference.torch_albert import AlbertPreTrainedModel
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.demo import Demo, Example
from tools.train_demos.training import optimize
from tools.train_demos.words import Words


class LongTextDemo(Demo):
    """A task that learns longer texts in a second phase of training, after the short ones."""

    #: the number of positions of the finished model
    positions: ClassVar[int]
    #: the least and the greatest number of characters of the longer texts. Some texts should be too long for the
    #: positions, so that every position is trained
    long_characters: ClassVar[tuple[int, int]]

    long_steps: ClassVar[int]
    #: the share of steps with longer texts. The other steps repeat the first phase, so that it is not forgotten
    long_share: ClassVar[float] = 0.35
    long_batch_size: ClassVar[int] = 8
    long_learning_rate: ClassVar[float] = 5e-4

    @abstractmethod
    def make_long(self, rng: Random, side: Words, characters: int) -> Example:
        """A new example with the words of `side`, of about `characters` characters."""

    @abstractmethod
    def is_beyond(self, tokenizer: AlbertTokenizer, example: Example) -> bool:
        """Whether the example fits into the positions, and its answer is beyond those of the first phase."""


def lengthen(demo: LongTextDemo, model: AlbertPreTrainedModel, tokenizer: AlbertTokenizer, seed: int) -> None:
    """Adds positions to a model that `training.train` made, and trains it on longer texts too.

    Args:
        demo: the demo to learn.
        model: the model, in evaluation mode before and after.
        tokenizer: its `model_max_length` becomes the new number of positions.
        seed: decides the texts and their order, as in the first phase.
    """
    add_positions(model, demo.positions)
    tokenizer.model_max_length = demo.positions
    rng = Random(f"{seed} {demo.task} lengthening")
    side = Words(held_out=False)

    def loss_at(_: int) -> Tensor:
        if rng.random() < demo.long_share:
            # All examples have about the same length, which saves padding.
            characters = rng.randint(*demo.long_characters)
            examples = [demo.make_long(rng, side, characters) for _ in range(demo.long_batch_size)]
        else:
            examples = [demo.make(rng, side, 1.0) for _ in range(demo.batch_size)]
        return demo.loss(model, tokenizer, examples, rng)

    model.train()
    optimize(model, loss_at, demo.long_steps, demo.long_learning_rate, f"{demo.task}, longer texts")
    model.eval()


def add_positions(model: AlbertPreTrainedModel, positions: int) -> None:
    """Lengthens the position embeddings to `[positions, embedding_size]`, in place.

    The new rows repeat the trained ones. Of all initial values that were tried (sinusoids, sinusoids with the mean of
    the trained rows, the last rows in order or mirrored), these answer by far the most long examples before training.
    """
    embeddings = model.get_submodule("albert.embeddings")
    trained = embeddings.get_parameter("position_embeddings.weight").detach()
    repeated = trained.repeat(-(-positions // len(trained)), 1)[:positions]
    embeddings.position_embeddings = nn.Embedding.from_pretrained(repeated, freeze=False)
    model.config.max_position_embeddings = positions
