"""Question answering: made-up paragraphs about people, places and things, and questions about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from albert_runtime.encoding import Encoding
from albert_runtime.tokenizer import AlbertTokenizer
from tools.train_demos.batches import pad
from tools.train_demos.demo import Demo
from tools.train_demos.example import Example
from tools.train_demos.facts import FACTS, FILLERS, SLOTS, FactKind
from tools.train_demos.templates import fill, slots_of
from tools.train_demos.words import Words

#: tokens; the longest answers are places such as "on top of the cupboard", spelled out
_LONGEST_ANSWER = 30
#: (progress of the training, sentences of a context until then)
_LONGEST_CONTEXTS = ((0.3, 3), (0.5, 5), (0.7, 8), (1.0, 12))


import os
SHIFT=int(os.environ.get('SHIFT','1'))
@dataclass(frozen=True)
class Told:
    """A fact as a sentence of a context."""

    kind: FactKind
    values: dict[str, str]
    text: str
    #: where in `text` the slots' values stand
    spans: dict[str, tuple[int, int]]

    def questions(self) -> list[tuple[str, str]]:
        """Every (slot, question) that this sentence answers."""
        return [
            (slot, fill(question, self.values)[0])
            for slot, questions in self.kind.questions.items()
            if slot in self.spans
            for question in questions
            if slots_of(question) <= self.values.keys()
        ]

    def answers(self, question: str) -> bool:
        """Whether the sentence answers this question."""
        return any(text == question for _, text in self.questions())


class Story:
    """The sentences of one context, told one after the other; no value of a slot occurs twice."""

    def __init__(self, rng: Random, side: Words) -> None:
        self.rng = rng
        self.side = side
        self.sentences: list[Told | str] = []
        self._people = [side.person(rng) for _ in range(rng.randint(1, 4))]
        self._used: set[tuple[str, str]] = set()
        self._kinds: list[FactKind] = []
        self._last_person = ""

    def tell(self) -> None:
        """One more sentence: a fact, or now and then one that tells nothing."""
        rng = self.rng
        if rng.random() < 0.1:
            self.sentences.append(rng.choice(FILLERS))
            self._last_person = ""
            return
        # The same kind again about someone else is what makes the question hard.
        kind = rng.choice(self._kinds) if self._kinds and rng.random() < 0.35 else rng.choice(FACTS)
        self._kinds.append(kind)
        person, pronoun = rng.choice(self._people)
        topic = kind.topic or kind.sentences[0]
        if not self._is_new(topic, person):
            person, pronoun = self.side.person(rng)
            self._people.append((person, pronoun))
            self._is_new(topic, person)
        template = rng.choice(kind.sentences)
        values = {slot: person if slot == "person" else self._value(slot) for slot in sorted(slots_of(template))}
        shown = template
        if template.startswith("{person} ") and person == self._last_person and rng.random() < 0.5:
            shown = pronoun.capitalize() + template.removeprefix("{person}")
        self._last_person = person if "person" in values else ""
        self.sentences.append(Told(kind, values, *fill(shown, values)))

    def _is_new(self, slot: str, value: str) -> bool:
        """Whether the pair was not there before; it is from now on."""
        is_new = (slot, value) not in self._used
        self._used.add((slot, value))
        return is_new

    def _value(self, slot: str) -> str:
        for _ in range(50):
            value = SLOTS[slot](self.rng, self.side)
            if self._is_new(slot, value):
                break
        return value


class QuestionAnsweringDemo(Demo):
    """Finds the span of the context that answers the question."""

    task = "question-answering"
    shown = (
        Example(
            {
                "question": "Where does Clara work?",
                "context": "Clara lives in Lisbon. She works as a baker in Porto. Her friend Hugo is a pilot and lives in "
                "Madrid.",
            },
            "Porto",
        ),
    )

    def make(self, rng: Random, side: Words, progress: float) -> Example:
        """A context of 1 to 3 sentences at first, of up to 12 in the end; made-up names join in step by step."""
        longest = next(length for until, length in _LONGEST_CONTEXTS if progress <= until)
        side = replace(side, made=side.made * min(1.0, 2 * progress))
        story = Story(rng, side)
        count = rng.randint(1, longest)
        while len(story.sentences) < count or not any(isinstance(told, Told) for told in story.sentences):
            story.tell()
        facts = [told for told in story.sentences if isinstance(told, Told)]
        fact = rng.choice(facts)
        questions = fact.questions()
        if not questions:
            return self.make(rng, side, progress)
        # First the slot, then the wording: a slot with many wordings is not asked for more often.
        slot = rng.choice(sorted({slot for slot, _ in questions}))
        question = rng.choice([text for asked, text in questions if asked == slot])
        rivals = [told for told in facts if told is not fact and told.answers(question)]
        if rivals:
            return self.make(rng, side, progress)
        texts = [told.text if isinstance(told, Told) else told for told in story.sentences]
        shift = sum(len(text) + 1 for text in texts[: story.sentences.index(fact)])
        start, end = (shift + position for position in fact.spans[slot])
        context = " ".join(texts)
        return Example({"question": question, "context": context}, context[start:end], (start, end))

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        encodings = [tokenizer(example.inputs["question"], example.inputs["context"]).encodings[0] for example in examples]
        spans = [_token_span(encoding, *example.target) for encoding, example in zip(encodings, examples, strict=True)]
        starts, ends = torch.tensor(spans).unbind(1)
        return model(**pad(encodings, rng if SHIFT else None), start_positions=starts, end_positions=ends).loss

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> str:
        encoding = tokenizer(inputs["question"], inputs["context"]).encodings[0]
        output = model(**pad([encoding]))
        in_context = torch.tensor([sequence == 1 for sequence in encoding.sequence_ids])
        scores = output.start_logits[0, :, None] + output.end_logits[0, None, :]  # (S, S)
        allowed = in_context[:, None] & in_context[None, :]
        allowed &= torch.ones_like(allowed).triu() & ~torch.ones_like(allowed).triu(_LONGEST_ANSWER)
        start, end = divmod(int(scores.masked_fill(~allowed, -torch.inf).argmax()), len(encoding))
        return inputs["context"][encoding.offsets[start][0] : encoding.offsets[end][1]]


def _token_span(encoding: Encoding, start: int, end: int) -> tuple[int, int]:
    """The first and the last token that show a part of the context's characters start to end."""
    tokens = [
        index
        for index, (begin, finish) in enumerate(encoding.offsets)
        if encoding.sequence_ids[index] == 1 and begin < end and finish > start
    ]
    return tokens[0], tokens[-1]
