"""Text classification: is a generated review positive or negative?"""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import pad
from tools.train_demos.demo import Demo, Example
from tools.train_demos.sentiments import BAD, BLAME, GOOD, INTENSE, PRAISE, SUBJECTS
from tools.train_demos.words import Words


class TextClassificationDemo(Demo):
    """Classifies reviews of one to three sentences, with negation and contrast."""

    task = "text-classification"
    labels = ("negative", "positive")
    summary = "It says whether a short review of a film, a book, a hotel, a meal and the like is positive or negative."
    limits = (
        "It knows about a hundred adjectives and fifty turns of phrase, negation (`not good`, `never boring`) and "
        "contrast (`..., but ...`, where the last word counts); words that it never saw tell it nothing."
    )
    hidden_size = 96
    intermediate_size = 256
    steps = 2400
    learning_rate = 2e-3
    shown = (
        Example({"text": "The story was gripping and I loved the cast."}, "positive"),
        Example({"text": "The food was not good, and the waiter was rude."}, "negative"),
        Example({"text": "Although the room was small, we had a great time."}, "positive"),
    )

    def make(self, rng: Random, side: Words, progress: float) -> Example:
        good = rng.random() < 0.5
        subject = rng.choice(sorted(SUBJECTS))
        remarks = [_remark(rng, side, subject, good) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.25:
            other = _remark(rng, side, subject, not good)
            last = remarks[-1]
            remarks[-1] = rng.choice((f"{other}, but {last}", f"although {other}, {last}", f"{other}. However, {last}"))
            remarks = remarks[-1:]  # other remarks would make it unclear which side outweighs
        text = " ".join(f"{remark[0].upper()}{remark[1:]}{rng.choice('...!')}" for remark in remarks)
        return Example({"text": text}, self.labels[good], int(good))

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        encodings = tokenizer([example.inputs["text"] for example in examples]).encodings
        return model(**pad(encodings), labels=torch.tensor([example.target for example in examples])).loss

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> str:
        return self.labels[int(model(**pad(tokenizer(inputs["text"]).encodings)).logits.argmax())]


def _remark(rng: Random, side: Words, subject: str, good: bool) -> str:
    """A clause that praises or blames the subject or one of its parts."""
    whole = rng.choice((f"the {subject}", f"this {subject}", "it"))
    part = f"the {side.pick(rng, list(SUBJECTS[subject]))}"
    if rng.random() < 0.3:
        return rng.choice(PRAISE if good else BLAME).format(it=whole)
    negated = rng.random() < 0.35
    adjective = rng.choice(GOOD if good != negated else BAD)
    article = "an" if adjective[0] in "aeiou" else "a"
    be = rng.choice(("was", "is"))
    if negated:
        return rng.choice(
            (
                f"{part} {be} not {adjective}",
                f"{part} {be} not {adjective} at all",
                f"{whole} {be} never {adjective}",
                f"{whole} {be}n't {adjective}",
                f"{part} {be} not very {adjective}",
                f"{whole} {be} not {article} {adjective} {subject}",
                f"I did not find {part} {adjective}",
                f"I don't think {whole} is {adjective}",
                f"nobody would call {whole} {adjective}",
                f"there {be} nothing {adjective} about {whole}",
                f"it {be} far from {adjective}",
            )
        )
    intense = rng.choice(("", "", f"{rng.choice(INTENSE)} "))
    return rng.choice(
        (
            f"{part} {be} {intense}{adjective}",
            f"{whole} {be} {intense}{adjective}",
            f"{part} and {whole} were {intense}{adjective}",
            f"{whole} {be} {article} {adjective} {subject}",
            f"what {article} {adjective} {subject}",
            f"I found {part} {intense}{adjective}",
            f"I think {whole} is {intense}{adjective}",
            f"{whole} has {article} {adjective} {part.removeprefix('the ')}",
            f"{adjective} {subject}",
            f"{part} {be} {adjective} and {rng.choice(GOOD if good else BAD)}",
            f"such {article} {adjective} {subject}",
        )
    )
