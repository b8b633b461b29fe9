"""Feature extraction: sentences on the same subject get similar embeddings."""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos import words
from tools.train_demos.batches import pad
from tools.train_demos.demo import Demo, Example
from tools.train_demos.subjects import FRAMES, SUBJECTS
from tools.train_demos.templates import fill, slots_of
from tools.train_demos.words import Words

#: the temperature of the softmax over cosines
_TEMPERATURE = 0.1


class FeatureExtractionDemo(Demo):
    """Embeds a sentence as `pooler_output`; sentences on the same subject have a higher cosine."""

    task = "feature-extraction"
    summary = (
        "Its `pooler_output` is an embedding of a sentence: sentences on the same subject (weather, cooking, sport, "
        "travel, "
        "music, money, health, school, animals, computers) have a higher cosine than others."
    )
    limits = "It knows these ten subjects and the words that it was trained on; it says nothing about finer meaning."
    hidden_size = 96
    passes = 2
    steps = 400
    batch_size = 24
    learning_rate = 1.5e-3
    shown = (
        Example(
            {"text": "We expect snow and fog in the mountains."},
            {"closer": "It will be sunny in Madrid tomorrow.", "farther": "Fry the onions in butter."},
        ),
    )

    def make(self, rng: Random, side: Words, progress: float) -> Example:
        same, other = rng.sample(sorted(SUBJECTS), 2)
        texts = [_sentence(rng, side, subject) for subject in (same, same, other)]
        while texts[1] == texts[0]:
            texts[1] = _sentence(rng, side, same)
        return Example({"text": texts[0]}, {"closer": texts[1], "farther": texts[2]}, (same, other))

    def texts(self, example: Example) -> list[str]:
        return [example.inputs["text"], *example.expected.values()]

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        """The supervised contrastive loss (Khosla et al. 2020), which compares each sentence with all others."""
        subjects = sorted(SUBJECTS)
        texts = [text for example in examples for text in self.texts(example)]
        of_text = torch.tensor([subjects.index(s) for e in examples for s in (e.target[0], *e.target)])
        embeddings = functional.normalize(model(**pad(tokenizer(texts).encodings)).pooler_output, dim=-1)
        itself = torch.eye(len(texts), dtype=torch.bool)
        logits = (embeddings @ embeddings.T / _TEMPERATURE).masked_fill(itself, -torch.inf)
        same = (of_text[:, None] == of_text[None, :]) & ~itself
        log_shares = functional.log_softmax(logits, dim=-1).masked_fill(~same, 0.0)
        return -(log_shares.sum(-1) / same.sum(-1).clamp(min=1)).mean()

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> Tensor:
        """The embedding, `[hidden]`, with norm 1."""
        encodings = tokenizer(inputs["text"]).encodings
        return functional.normalize(model(**pad(encodings)).pooler_output[0], dim=-1)

    def is_right(self, model: nn.Module, tokenizer: AlbertTokenizer, example: Example) -> bool:
        text, closer, farther = (self.answer(model, tokenizer, {"text": text}) for text in self.texts(example))
        return bool(text @ closer > text @ farther)


def _sentence(rng: Random, side: Words, name: str) -> str:
    """A sentence on the subject. One in six patterns of each subject is held out."""
    subject = SUBJECTS[name]
    if not side.held_out and rng.random() < 0.5:
        # A frame fits every subject, so that only the words in it show the subject.
        known = sorted({word for slot in subject.words.values() for word in slot})
        return fill(
            rng.choice(FRAMES), {"a": rng.choice(known), "b": rng.choice(known), "person": side.person(rng)[0]}
        )[0]
    patterns = [p for index, p in enumerate(subject.sentences) if (index % 6 == 5) == side.held_out]
    template = rng.choice(patterns)
    names = {"person": side.person(rng)[0], "town": side.name(rng, words.TOWNS), "day": rng.choice(words.DAYS)}
    values = {slot: names.get(slot) or rng.choice(subject.words[slot]) for slot in sorted(slots_of(template))}
    return fill(template, values)[0]
