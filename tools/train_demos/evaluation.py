"""Measures how many new examples a trained model answers right."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count as numbers
from itertools import islice
from random import Random

import torch
from torch import nn

from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.demo import Demo, Example
from tools.train_demos.lengthening import LongTextDemo
from tools.train_demos.words import Words

#: the number of copies of a model with disturbed weights
_COPIES = 4
#: the noise in their weights, as a share of the weights' standard deviation
_DISTURBANCE = 0.1


@dataclass(frozen=True)
class Score:
    """The number of right answers, and of all answers."""

    right: int
    total: int

    @property
    def share(self) -> float:
        """The share of right answers, 0 to 1."""
        return self.right / self.total


def new_examples(demo: Demo, *, held_out: bool, count: int, seed: int) -> Iterator[Example]:
    """Examples of full difficulty, made with random numbers that the training does not use."""
    rng = Random(f"{seed} {demo.task} {'held-out' if held_out else 'familiar'}")
    side = Words(held_out)
    return (demo.make(rng, side, 1.0) for _ in range(count))


def new_long_examples(
    demo: LongTextDemo, tokenizer: AlbertTokenizer, *, held_out: bool, count: int, seed: int
) -> Iterator[Example]:
    """Longer examples, whose answers are beyond the positions of the first training phase."""
    rng = Random(f"{seed} {demo.task} long {'held-out' if held_out else 'familiar'}")
    side = Words(held_out)
    made = (demo.make_long(rng, side, rng.randint(*demo.long_characters)) for _ in numbers())
    return islice((example for example in made if demo.is_beyond(tokenizer, example)), count)


def disturbed(model: nn.Module, seed: int) -> list[nn.Module]:
    """Copies of a model with different random noise in their weights, about as much as 4-bit quantization adds.

    An answer that all copies give does not depend on the rounding of the weights.
    """
    copies = [copy.deepcopy(model) for _ in range(_COPIES)]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in (weight for one in copies for weight in one.parameters() if weight.dim() > 1):
            weight += _DISTURBANCE * weight.std() * torch.randn(weight.shape, generator=generator)
    return copies


def measure(demo: Demo, model: nn.Module, tokenizer: AlbertTokenizer, examples: Iterable[Example]) -> Score:
    """The score of the model on the examples."""
    with torch.inference_mode():
        answers = [demo.is_right(model, tokenizer, example) for example in examples]
    return Score(sum(answers), len(answers))
