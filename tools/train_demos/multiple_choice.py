"""Multiple choice: which of two to four reactions fits a situation?"""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import IGNORED, pad
from tools.train_demos.demo import Demo, Example
from tools.train_demos.situations import SITUATIONS
from tools.train_demos.words import Words

#: a factor for hidden states, since values of about 1 are too small for a softmax over all situations
_HINT_SCALE = 4.0


class MultipleChoiceDemo(Demo):
    """Picks the plausible reaction to an everyday situation."""

    task = "multiple-choice"
    summary = "It picks what somebody would plausibly do next in an everyday situation."
    limits = (
        "It knows some fifty situations (rain, hunger, a flat tyre, ...) in three wordings each, with three reactions "
        "each. A situation that is none of these is guessed."
    )
    hidden_size = 96
    passes = 3
    steps = 800
    learning_rate = 1.5e-3
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
        # One in nine pairs is held out: both of its texts are trained on, but never together.
        pairs = [(i, j) for i in range(len(told)) for j in range(len(reactions))]
        held_out = pairs[row * 4 % len(pairs)]
        situation, reaction = held_out if side.held_out else rng.choice([pair for pair in pairs if pair != held_out])
        rows = rng.sample([other for other in range(len(SITUATIONS)) if other != row], rng.randint(1, 3))
        index = rng.randint(0, len(rows))
        choices = [rng.choice(SITUATIONS[other][1]) for other in rows]
        choices.insert(index, reactions[reaction])
        rows.insert(index, row)
        person, _ = side.person(rng)
        prompt = told[situation].format(p=person)
        return Example({"prompt": prompt, "choices": [choice.format(p=person) for choice in choices]}, index, rows)

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        """The usual loss, and an auxiliary loss: the separators after prompt and choice predict the situation of each.

        Without this hint the loss does not fall for a long time, as nothing shows the model what to compare.
        """
        most = max(len(example.inputs["choices"]) for example in examples)
        encodings: list[Encoding] = []
        missing = []
        hints = []
        for example in examples:
            choices = example.inputs["choices"]
            # Examples with fewer choices get empty ones, whose scores do not count in the loss.
            encodings += tokenizer(
                [example.inputs["prompt"]] * most, [*choices, *[""] * (most - len(choices))]
            ).encodings
            missing.append([index >= len(choices) for index in range(most)])
            row = example.target[example.expected]
            hints += [(row, choice) for choice in example.target] + [(row, IGNORED)] * (most - len(choices))
        batch = {name: rows.unflatten(0, (-1, most)) for name, rows in pad(encodings).items()}
        output = model(**batch, output_hidden_states=True)
        ends = torch.tensor([[encoding.type_ids.index(1) - 1, len(encoding) - 1] for encoding in encodings])
        hidden = output.hidden_states[-1]  # (B * C, S, H)
        guesses = _HINT_SCALE * hidden[torch.arange(len(ends))[:, None], ends, : len(SITUATIONS)]
        hint_loss = nn.functional.cross_entropy(guesses.flatten(0, 1), torch.tensor(hints).flatten())
        scores = output.logits.masked_fill(torch.tensor(missing), -torch.inf)
        loss = nn.functional.cross_entropy(scores, torch.tensor([example.expected for example in examples]))
        return loss + hint_loss

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> int:
        choices = inputs["choices"]
        batch = pad(tokenizer([inputs["prompt"]] * len(choices), choices).encodings)
        return int(model(**{name: rows.unsqueeze(0) for name, rows in batch.items()}).logits.argmax())
