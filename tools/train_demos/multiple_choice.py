"""Multiple choice: a situation, and which of two to four reactions goes with it."""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from albert_runtime.tokenizer import AlbertTokenizer
from tools.train_demos.batches import pad
from tools.train_demos.demo import Demo
from tools.train_demos.example import Example
from tools.train_demos.situations import SITUATIONS
from tools.train_demos.words import Words


class MultipleChoiceDemo(Demo):
    """Picks the plausible reaction to an everyday situation."""

    task = "multiple-choice"
    summary = "It picks what somebody would plausibly do next in an everyday situation."
    limits = (
        "It knows some fifty situations (rain, hunger, a flat tyre, ...) in three wordings each, with three reactions "
        "each. A situation that is none of these is guessed."
    )
    hidden_size = 96
    steps = 600
    batch_size = 16
    shown = (
        Example(
            {
                "prompt": "It started to rain.",
                "choices": ["Tom mowed the lawn.", "Tom opened an umbrella.", "Tom blew out the candles on the cake."],
            },
            1,
        ),
    )

    def make(self, rng: Random, side: Words, progress: float) -> Example:
        row = rng.randrange(len(SITUATIONS))
        told, reactions = SITUATIONS[row]
        # One pairing in nine is held out: its two texts are both trained on, but never side by side.
        pairs = [(i, j) for i in range(len(told)) for j in range(len(reactions))]
        held_out = pairs[row * 4 % len(pairs)]
        situation, reaction = held_out if side.held_out else rng.choice([pair for pair in pairs if pair != held_out])
        others = rng.sample([other for index, (_, other) in enumerate(SITUATIONS) if index != row], rng.randint(1, 3))
        choices = [rng.choice(other) for other in others]
        index = rng.randint(0, len(choices))
        choices.insert(index, reactions[reaction])
        person, _ = side.person(rng)
        prompt = told[situation].format(p=person)
        return Example({"prompt": prompt, "choices": [choice.format(p=person) for choice in choices]}, index)

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        most = max(len(example.inputs["choices"]) for example in examples)
        encodings = []
        missing = []
        for example in examples:
            choices = example.inputs["choices"]
            # Examples with fewer choices are filled up with empty ones, whose scores are left out of the loss.
            for choice in [*choices, *[""] * (most - len(choices))]:
                encodings += tokenizer(example.inputs["prompt"], choice).encodings
                missing.append(not choice)
        batch = {name: rows.unflatten(0, (-1, most)) for name, rows in pad(encodings, rng).items()}
        scores = model(**batch).logits.masked_fill(torch.tensor(missing).view(-1, most), -torch.inf)
        return nn.functional.cross_entropy(scores, torch.tensor([example.expected for example in examples]))

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> int:
        choices = inputs["choices"]
        batch = pad(tokenizer([inputs["prompt"]] * len(choices), choices).encodings)
        return int(model(**{name: rows.unsqueeze(0) for name, rows in batch.items()}).logits.argmax())
