"""Question answering: generated paragraphs about people, places and things, and questions about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import IGNORED, MAX_POSITIONS, pad, pad_labels
from tools.train_demos.demo import Example
from tools.train_demos.facts import FACTS, FILLERS, SLOTS, FactKind
from tools.train_demos.lengthening import LongTextDemo
from tools.train_demos.templates import fill, slots_of
from tools.train_demos.words import Words

#: in tokens; the longest answers are places such as "on top of the cupboard", spelled out in small pieces
_LONGEST_ANSWER = 30
#: the share of names that are blended from two words in the last third of the training, besides the made-up names
_NEW_NAMES = 0.4
#: (progress of the training, longest context in sentences until then)
_LONGEST_CONTEXTS = ((0.15, 2), (0.35, 4), (1.0, 6))
#: characters of a context, so that it fits into the positions even if every name is spelled out
_CONTEXT_CHARACTERS = 240

#: the number of channels of the last hidden state whose sum is the prediction of the auxiliary loss
_HINT_CHANNELS = 8


@dataclass(frozen=True)
class Target:
    """Positions in the context, as characters (start, end)."""

    answer: tuple[int, int]
    #: the sentence that holds the answer
    sentence: tuple[int, int]


@dataclass(frozen=True)
class Fact:
    """A fact as a sentence of a context."""

    kind: FactKind
    values: dict[str, str]
    text: str
    #: slot -> the characters of its value in `text`
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


class Context:
    """One context, made sentence by sentence; no value of a slot occurs twice."""

    def __init__(self, rng: Random, side: Words) -> None:
        self.rng = rng
        self.side = side
        self.sentences: list[Fact | str] = []
        self._people = [side.person(rng) for _ in range(rng.randint(1, 4))]
        self._used: set[tuple[str, str]] = set()
        self._kinds: list[FactKind] = []
        self._last_person = ""

    def __len__(self) -> int:
        """The approximate number of characters."""
        return sum(len(sentence.text if isinstance(sentence, Fact) else sentence) + 1 for sentence in self.sentences)

    def facts(self) -> list[Fact]:
        """The sentences that state a fact."""
        return [sentence for sentence in self.sentences if isinstance(sentence, Fact)]

    def add_sentence(self) -> None:
        """Adds one sentence: usually a fact, sometimes a sentence without one."""
        rng = self.rng
        if rng.random() < 0.1:
            self.sentences.append(rng.choice(FILLERS))
            self._last_person = ""
            return
        # A second fact of the same kind, about another person, makes the question hard.
        kind = rng.choice(self._kinds) if self._kinds and rng.random() < 0.35 else rng.choice(FACTS)
        self._kinds.append(kind)
        person, pronoun = rng.choice(self._people)
        topic = kind.topic or kind.sentences[0]
        if not self._mark_used(topic, person):
            person, pronoun = self.side.person(rng)
            self._people.append((person, pronoun))
            self._mark_used(topic, person)
        template = rng.choice(kind.sentences)
        values = {slot: person if slot == "person" else self._value(slot) for slot in sorted(slots_of(template))}
        shown = template
        if template.startswith("{person} ") and person == self._last_person and rng.random() < 0.5:
            shown = pronoun.capitalize() + template.removeprefix("{person}")
        self._last_person = person if "person" in values else ""
        self.sentences.append(Fact(kind, values, *fill(shown, values)))

    def ask(self) -> Example | None:
        """A question that exactly one sentence answers; None if the drawn one is not of this kind."""
        rng = self.rng
        facts = self.facts()
        if not facts:
            return None
        fact = rng.choice(facts)
        questions = fact.questions()
        if not questions:
            return None
        # The slot is drawn before the wording, so that slots with many wordings are not asked for more often.
        slot = rng.choice(sorted({slot for slot, _ in questions}))
        question = rng.choice([text for asked, text in questions if asked == slot])
        rivals = [sentence for sentence in facts if sentence is not fact and sentence.answers(question)]
        if rivals:
            return None
        texts = [sentence.text if isinstance(sentence, Fact) else sentence for sentence in self.sentences]
        shift = sum(len(text) + 1 for text in texts[: self.sentences.index(fact)])
        start, end = (shift + position for position in fact.spans[slot])
        context = " ".join(texts)
        target = Target((start, end), (shift, shift + len(fact.text)))
        return Example({"question": question, "context": context}, context[start:end], target)

    def _mark_used(self, slot: str, value: str) -> bool:
        """Marks the pair as used; returns whether it was new."""
        is_new = (slot, value) not in self._used
        self._used.add((slot, value))
        return is_new

    def _value(self, slot: str) -> str:
        for _ in range(50):
            value = SLOTS[slot](self.rng, self.side)
            if self._mark_used(slot, value):
                break
        return value


class QuestionAnsweringDemo(LongTextDemo):
    """Finds the part of the context that answers the question."""

    task = "question-answering"
    summary = (
        "It answers questions (who, what, when, where, how old) about paragraphs with a passage of them. "
        "The paragraphs tell of people, where they live and work, what they buy, find, eat and play, of their pets, of "
        "events and companies, with a lot that is not asked for around the answer."
    )
    limits = (
        "It learned thirteen kinds of facts in two to five wordings each and the questions to them. It finds the "
        "sentence that shares the question's names and words; what is said in other ways, or must be put together from "
        "several sentences, it may miss. The more sentences tell of like things, the more often it takes the wrong "
        "one: beyond 128 tokens, where there are ten to thirty, about every second answer is wrong. It always answers, "
        "also where the paragraph holds no answer."
    )
    compares_words = True
    vocabulary_size = 2000
    steps = 5200
    positions = 384
    long_steps = 3000
    long_characters = (_CONTEXT_CHARACTERS, 1150)
    shown = (
        Example(
            {
                "question": "Where does Clara work?",
                "context": "Clara lives in Lisbon. Hugo is a pilot in Madrid. Clara works as a baker in Porto.",
            },
            "Porto",
        ),
    )

    def make(self, rng: Random, side: Words, progress: float) -> Example:
        """An example whose context has one or two sentences at first, and up to six in the end."""
        longest = next(length for until, length in _LONGEST_CONTEXTS if progress <= until)
        side = _with_new_names(side, progress)
        example = None
        while example is None:
            context = Context(rng, side)
            count = rng.randint(1, longest)
            while not context.facts() or (len(context.sentences) < count and len(context) < _CONTEXT_CHARACTERS):
                context.add_sentence()
            example = context.ask()
        return example

    def make_long(self, rng: Random, side: Words, characters: int) -> Example:
        """An example with as many sentences as it takes; the answer may be in any of them."""
        side = _with_new_names(side, progress=1.0)
        example = None
        while example is None:
            context = Context(rng, side)
            while len(context) < characters:
                context.add_sentence()
            example = context.ask()
        return example

    def is_beyond(self, tokenizer: AlbertTokenizer, example: Example) -> bool:
        inputs = example.inputs
        encoding = tokenizer(inputs["question"], inputs["context"], truncation=False).encodings[0]
        return len(encoding) <= self.positions and _tokens(encoding, example.target.answer)[0] >= MAX_POSITIONS

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        """The usual loss, and an auxiliary loss: for each token, whether its sentence contains the answer.

        This hint trains every token, so that the model learns to find the right sentence in half the steps.
        """
        questions = [example.inputs["question"] for example in examples]
        contexts = [example.inputs["context"] for example in examples]
        encodings = tokenizer(questions, contexts, truncation="only_second").encodings
        # An answer that was cut off gets a position beyond the text, which the model's loss leaves out.
        beyond = [tokenizer.model_max_length]
        answers = [_tokens(e, example.target.answer) or beyond for e, example in zip(encodings, examples, strict=True)]
        sentences = [set(_tokens(e, example.target.sentence)) for e, example in zip(encodings, examples, strict=True)]
        hints = pad_labels([[token in sentence if e.sequence_ids[token] == 1 else IGNORED for token in range(len(e))]
                            for e, sentence in zip(encodings, sentences, strict=True)])  # fmt: skip
        output = model(
            **pad(encodings),
            start_positions=torch.tensor([tokens[0] for tokens in answers]),
            end_positions=torch.tensor([tokens[-1] for tokens in answers]),
            output_hidden_states=True,
        )
        guesses = output.hidden_states[-1][..., :_HINT_CHANNELS].sum(-1)  # (B, S)
        given = hints != IGNORED
        hint_loss = nn.functional.binary_cross_entropy_with_logits(guesses[given], hints[given].float())
        return output.loss + hint_loss

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> str:
        encoding = tokenizer(inputs["question"], inputs["context"], truncation="only_second").encodings[0]
        output = model(**pad([encoding]))
        in_context = torch.tensor([sequence == 1 for sequence in encoding.sequence_ids])
        scores = output.start_logits[0, :, None] + output.end_logits[0, None, :]  # (S, S)
        allowed = in_context[:, None] & in_context[None, :]
        allowed &= torch.ones_like(allowed).triu() & ~torch.ones_like(allowed).triu(_LONGEST_ANSWER)
        start, end = divmod(int(scores.masked_fill(~allowed, -torch.inf).argmax()), len(encoding))
        return inputs["context"][encoding.offsets[start][0] : encoding.offsets[end][1]]


def _with_new_names(side: Words, progress: float) -> Words:
    """The words of `side` at this progress of the training; the held-out side stays as it is.

    The model must also compare names that are spelled out in pieces. These are harder, so their share grows slowly.
    """
    return side if side.held_out else replace(side, blended=_NEW_NAMES * min(1.0, max(0.0, 3 * progress - 0.9)))


def _tokens(encoding: Encoding, span: tuple[int, int]) -> list[int]:
    """The indices of the tokens that cover the characters from start to end of the context."""
    start, end = span
    return [
        token
        for token, (begin, finish) in enumerate(encoding.offsets)
        if encoding.sequence_ids[token] == 1 and begin < end and finish > start
    ]
