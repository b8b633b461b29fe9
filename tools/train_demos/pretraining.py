"""Pretraining: are the two parts of a little story in order, and which words of it are masked?"""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import IGNORED, pad, pad_labels
from tools.train_demos.demo import Demo, Example
from tools.train_demos.stories import LINKS, STORIES
from tools.train_demos.words import Words

_MASKED_SHARE = 0.15
#: a factor for hidden states, since values of about 1 are too small for a softmax
_HINT_SCALE = 4.0


class PretrainingDemo(Demo):
    """Predicts the order of two parts of a story (label 0 in order, 1 swapped, as in transformers)."""

    task = "pretraining"
    summary = "It says whether two parts of a little story stand in order or swapped, and fills masked words in them."
    limits = (
        "It knows some thirty chains of everyday events (baking, travelling, a day at work, ...). The order of other "
        "events is guessed. Masked words are a by-product: it was trained on this text only."
    )
    hidden_size = 96
    embedding_range = 0.12
    steps = 1500
    learning_rate = 2e-3
    shown = (
        Example({"first": "Maya put the cake into the oven.", "second": "She took the hot cake out."}, True),
        Example({"first": "Maya took the hot cake out.", "second": "She put the cake into the oven."}, False),
    )

    def make(self, rng: Random, side: Words, progress: float) -> Example:
        number = rng.randrange(len(STORIES))
        story = STORIES[number]
        while True:
            # The first part ends before event `middle`, and the second part begins there.
            start, middle = sorted(rng.sample(range(len(story)), 2))
            # In each story one pair of neighbouring events is held out: no training example changes parts between them.
            held_out = number % (len(story) - 1)
            first = [*range(start, rng.randint(start + 1, middle))]
            second = [*range(middle, rng.randint(middle + 1, min(len(story), middle + 2)))]
            if ((first[-1], second[0]) == (held_out, held_out + 1)) == side.held_out:
                break
        person, pronoun = side.person(rng)
        texts = [_tell(rng, [story[event] for event in events], person, pronoun) for events in (first, second)]
        ranks = [first[-1], second[0]]
        swapped = rng.random() < 0.5
        if swapped:
            texts.reverse()
            ranks.reverse()
        return Example({"first": texts[0], "second": texts[1]}, not swapped, ranks)

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        """The usual losses, and an auxiliary loss: the separators predict when the last and the next event happen.

        With this hint the model learns when an event happens, rather than which two parts make a pair.
        """
        firsts = [example.inputs["first"] for example in examples]
        seconds = [example.inputs["second"] for example in examples]
        encodings = tokenizer(firsts, seconds).encodings
        batch = pad(encodings)
        labels = pad_labels(
            [
                [IGNORED if special else token for token, special in zip(e.ids, e.special_tokens_mask, strict=True)]
                for e in encodings
            ]
        )
        # Half of the rows keep all words, since a session gets texts without masks too.
        rows = torch.tensor([rng.random() < 0.5 for _ in examples])
        masked = (torch.rand(labels.shape) < _MASKED_SHARE) & (labels != IGNORED) & rows[:, None]
        batch["input_ids"][masked] = tokenizer.mask_token_id
        output = model(
            **batch,
            labels=labels.masked_fill(~masked, IGNORED),
            sentence_order_label=torch.tensor([int(not example.expected) for example in examples]),
            output_hidden_states=True,
        )
        ends = torch.tensor([[e.type_ids.index(1) - 1, len(e) - 1] for e in encodings])
        guesses = output.hidden_states[-1][torch.arange(len(ends))[:, None], ends, : len(STORIES[0])]
        ranks = torch.tensor([example.target for example in examples])
        return output.loss + nn.functional.cross_entropy(_HINT_SCALE * guesses.flatten(0, 1), ranks.flatten())

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> bool:
        encodings = tokenizer(inputs["first"], inputs["second"]).encodings
        return int(model(**pad(encodings)).sop_logits.argmax()) == 0


def _tell(rng: Random, events: list[str], person: str, pronoun: str) -> str:
    """The events as sentences; from the second one on, the person may be a pronoun."""
    sentences = [events[0].format(p=person)]
    for event in events[1:]:
        link = rng.choice(LINKS)
        who = pronoun if rng.random() < 0.5 else person
        sentence = link + event.format(p=who)
        sentences.append(sentence[0].upper() + sentence[1:])
    return " ".join(sentences)
