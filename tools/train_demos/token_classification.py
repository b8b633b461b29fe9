"""Token classification: the people, places and organisations in generated news."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from torch import Tensor, nn

from albert_runtime.postprocessing.entities import find_entities
from albert_runtime.postprocessing.labelled_tokens import LabelledTokens
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos import words
from tools.train_demos.batches import IGNORED, pad, pad_labels
from tools.train_demos.demo import Demo, Example
from tools.train_demos.templates import fill, slots_of
from tools.train_demos.words import Words

#: p and q are people, t and u towns, c a country, o and x organisations; the other slots are no entities
NEWS = (
    "{p} works for {o} in {t}.", "{p} was born in {t}.", "{p} and {q} met in {t} last {day}.",
    "{o} opened an office in {t}.",
    "{o} is based in {t}, {c}.", "{p} became the head of {o} on {day}.", "The {job} {p} moved from {t} to {u}.",
    "{p}, a {job} from {t}, joined {o}.", "Yesterday {p} flew to {c}.", "{o} bought {x} for {n} million dollars.",
    "{p} told reporters in {t} that {o} would hire {n} people.", "The mayor of {t} thanked {p}.",
    "{p} left {o} in {month}.",
    "Many people in {c} speak about {p}.", "The river near {t} is very deep.", "{o} and {x} signed a contract in {t}.",
    "President {p} arrived in {t} on {day}.", "Prime Minister {p} of {c} spoke to {q}.", "Doctor {p} works in {t}.",
    "{p} will play against {q} on {day}.", "The train from {t} to {u} was late.", "In {t}, {p} opened a {room}.",
    "A {job} at {o} found a {thing}.", "The {thing} of {p} was sold in {t}.", "{p} likes {food}.",
    "{p} said hello to {q}.",
    "The weather in {t} is fine.", "{p} has family in {c}.", "The {event} in {t} was opened by {p}.",
    "Last {day} {o} sold its {room} in {t}.", "{p} studied at {o} in {t}.", "My name is {p} and I live in {t}.",
    "My name is {p} and I work at {o} in {t}.", "I am {p} and I come from {c}.", "She moved to {c} with {p}.",
    "He works at {o}.", "They visited {t} and {u} in {month}.", "The {job} met {p} at the {room} of {t}.",
    "According to {p}, {o} is doing well.", "Shares of {o} rose on {day}.", "{o} reported a loss of {n} million.",
    "The capital of {c} is {t}.", "{t} is the capital of {c}.", "{p} wrote a book about {c}.", "Ask {p} about it.",
    "We saw {p} in the {room}.", "Mr {p} and Mrs {q} live in {t}.", "{p}, {q} and a {job} went to {t}.",
    "{o} named {p} as its new director.", "{o} will build a {room} near {t}.", "The police in {t} found a {thing}.",
    "{p} won the {event} in {c}.", "Every {day} {p} plays {sport} in {t}.", "{p} sent a letter to {o}.",
    "Nobody at {o} wanted to talk about {p}.", "The {event} starts on {day}.", "The {job} bought a {thing}.",
    "It rained all {day}.", "The {animal} likes {food}.", "There is a {thing} in the {room}.",
    "We had {food} for dinner.",
    "The old {room} was closed in {month}.", "A {job} and a {animal} were seen near the {room}.",
)  # fmt: skip
#: the share of names that are blended from two words in the second half of the training
_NEW_NAMES = 0.7
_KINDS = {"p": "PER", "q": "PER", "t": "LOC", "u": "LOC", "c": "LOC", "o": "ORG", "x": "ORG"}


class TokenClassificationDemo(Demo):
    """Labels every word with BIO tags of PER, LOC and ORG."""

    task = "token-classification"
    labels = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
    summary = "It finds people (PER), places (LOC) and organisations (ORG) in short news-like sentences."
    limits = (
        "It learned some sixty sentence patterns with listed and made-up names. A name in another kind of sentence may "
        "be "
        "missed, and organisations are expected to end in a word such as `Bank`, `Airlines` or `University`."
    )
    steps = 2000
    learning_rate = 1.5e-3
    shown = (
        Example(
            {"text": "Clara Bennett works for Northern Bank in Lisbon."},
            [["Clara Bennett", "PER"], ["Northern Bank", "ORG"], ["Lisbon", "LOC"]],
        ),
        Example({"text": "My name is Wolfgang and I live in Berlin."}, [["Wolfgang", "PER"], ["Berlin", "LOC"]]),
    )

    def make(self, rng: Random, side: Words, progress: float) -> Example:
        # The model must also find names that are spelled out in pieces, so most names of the training are new.
        if not side.held_out:
            side = replace(side, blended=_NEW_NAMES * min(1.0, 2 * progress))
        text = ""
        entities: list[list[str]] = []
        spans: list[tuple[int, int, str]] = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            template = rng.choice(NEWS)
            sentence, slots = fill(template, {slot: _value(slot, rng, side) for slot in sorted(slots_of(template))})
            text += " " * bool(text)
            for slot, (start, end) in sorted(slots.items(), key=lambda item: item[1]):
                if slot in _KINDS:
                    entities.append([sentence[start:end], _KINDS[slot]])
                    spans.append((len(text) + start, len(text) + end, _KINDS[slot]))
            text += sentence
        return Example({"text": text}, entities, spans)

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        encodings = tokenizer([example.inputs["text"] for example in examples]).encodings
        rows = [self._labels(encoding, example.target) for encoding, example in zip(encodings, examples, strict=True)]
        return model(**pad(encodings), labels=pad_labels(rows)).loss

    def _labels(self, encoding: Encoding, spans: list[tuple[int, int, str]]) -> list[int]:
        """The label of each token: B- for the first token of an entity, I- for the others."""
        row = [IGNORED if special else 0 for special in encoding.special_tokens_mask]
        for start, end, kind in spans:
            position = "B"
            for token, (begin, finish) in enumerate(encoding.offsets):
                # Some words begin with a token for the space alone, whose offsets begin and finish are equal.
                if begin < end and (finish > start or begin == start) and row[token] != IGNORED:
                    row[token] = self.labels.index(f"{position}-{kind}")
                    position = "I"
        return row

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> list[list[str]]:
        encoding = tokenizer(inputs["text"]).encodings[0]
        logits: np.ndarray = model(**pad([encoding])).logits[0].numpy()
        tokens = LabelledTokens.of(inputs["text"], [(encoding, slice(1, -1), logits)], tokenizer)
        found = find_entities(tokens, self.labels)
        return [[entity.text, entity.label] for entity in found]


def _value(slot: str, rng: Random, side: Words) -> str:
    match slot:
        case "p" | "q":
            return side.person(rng)[0]
        case "t" | "u":
            return side.name(rng, words.TOWNS)
        case "c":
            return side.name(rng, words.COUNTRIES)
        case "o" | "x":
            return side.company(rng)
        case "n":
            return str(rng.randint(2, 900))
    plain = {
        "job": words.JOBS,
        "thing": words.THINGS,
        "room": words.ROOMS,
        "day": words.DAYS,
        "month": words.MONTHS,
        "food": words.FOODS,
        "sport": words.SPORTS,
        "animal": words.ANIMALS,
        "event": words.EVENTS,
    }
    return rng.choice(plain[slot])
