"""The seven session classes, one for each task; `tasks.TASKS` refers to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, overload

import numpy as np

from albert_runtime.answers import Answer, Choice, Embedding, Entity, Filled, Label, SentenceOrder
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.classification import choose, judge_order, label_text
from albert_runtime.postprocessing.entities import find_entities
from albert_runtime.postprocessing.masked_words import fill_masks
from albert_runtime.postprocessing.n_best import best_answers
from albert_runtime.postprocessing.probabilities import Logits
from albert_runtime.session import AlbertSession, check_count, check_text
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.windows import TextWindow, number_windows, own_positions

#: tokens in a question-answering window: the length that SQuAD models are trained with
_ANSWER_WINDOW = 384
#: tokens that two neighbouring windows share
_STRIDE = 128
#: tokens in the longest answer, if a call does not say otherwise
_MAX_ANSWER_TOKENS = 30


class FeatureExtractionSession(AlbertSession):
    """Text -> vectors."""

    task = "feature-extraction"

    def __call__(self, text: str) -> Embedding:
        """The embedding of the text. A text that is too long is cut off at the end."""
        encoding = self._encode(check_text("text", text))
        outputs = self.run(self._pad([encoding]))
        return Embedding(outputs["pooler_output"][0], outputs["last_hidden_state"][0, : len(encoding)])

    def arrays(self, text: str) -> Arrays:
        """See `AlbertSession.arrays`."""
        return self._pad([self._encode(check_text("text", text))])


class PretrainingSession(AlbertSession):
    """Two texts -> whether they are in their original order, and pieces for the masks in them."""

    task = "pretraining"

    def __call__(self, first: str, second: str, top_k: int = 5) -> SentenceOrder:
        """Predict the order of two texts, and the `top_k` best pieces for each [MASK] in them.

        Raises:
            UsageError: a text is empty, or so long that a [MASK] would be cut off.
        """
        check_count("top_k", top_k)
        encoding = self._encode_texts(first, second)
        outputs = self.run(self._pad([encoding]))
        filled = _fill(self, outputs["prediction_logits"][0], encoding, (first, second), top_k)
        return judge_order(outputs["sop_logits"][0], filled)

    def arrays(self, first: str, second: str) -> Arrays:
        """See `AlbertSession.arrays`."""
        return self._pad([self._encode_texts(first, second)])

    def _encode_texts(self, first: str, second: str) -> Encoding:
        return self._encode(check_text("first", first), check_text("second", second), keep_masks=True)


class FillMaskSession(AlbertSession):
    """A text with [MASK] in it -> the pieces that may stand there."""

    task = "fill-mask"

    def __call__(self, text: str, top_k: int = 5) -> tuple[tuple[Filled, ...], ...]:
        """The `top_k` best pieces for each [MASK], best first; the masks are in the order of the text.

        Raises:
            UsageError: there is no [MASK], or the text is so long that one would be cut off.
        """
        check_count("top_k", top_k)
        encoding = self._encode_text(text)
        outputs = self.run(self._pad([encoding]))
        return _fill(self, outputs["logits"][0], encoding, (text,), top_k)

    def arrays(self, text: str) -> Arrays:
        """See `AlbertSession.arrays`."""
        return self._pad([self._encode_text(text)])

    def _encode_text(self, text: str) -> Encoding:
        encoding = self._encode(check_text("text", text), keep_masks=True)
        if self.tokenizer.mask_token_id not in encoding.ids:
            raise UsageError('there is no [MASK] in the text; write one, as in "Paris is the [MASK] of France."')
        return encoding


class TextClassificationSession(AlbertSession):
    """A text, or a pair of texts -> labels."""

    task = "text-classification"

    def __call__(self, text: str, text_pair: str | None = None) -> tuple[Label, ...]:
        """Every label with its score, best first. Texts that are too long are cut off at the end."""
        logits = self.run(self.arrays(text, text_pair))["logits"][0]
        return label_text(logits, self.manifest.labels, self.bundle.config.get("problem_type"))

    def arrays(self, text: str, text_pair: str | None = None) -> Arrays:
        """See `AlbertSession.arrays`."""
        check_text("text", text)
        if text_pair is not None:
            check_text("text_pair", text_pair)
        return self._pad([self._encode(text, text_pair)])


class LabelledTokens(NamedTuple):
    """The tokens of one text with the logits of their labels; special tokens are left out."""

    #: float32 `[tokens, labels]`
    logits: Logits
    #: the characters (start, end) of the text that each token stands for
    offsets: list[tuple[int, int]]
    #: the number of the word that each token belongs to
    word_ids: list[int | None]

    @property
    def label_ids(self) -> list[int]:
        """The index of the best label of each token."""
        ids: list[int] = self.logits.argmax(axis=-1).tolist()
        return ids


class TokenClassificationSession(AlbertSession):
    """Text -> the entities in it."""

    task = "token-classification"

    def __call__(self, text: str) -> tuple[Entity, ...]:
        """The entities of a text of any length, in its order.

        A text that is too long for the model goes through it in overlapping windows; each token takes its label from
        the window that shows most of the text around it.
        """
        return self.entities(self.tokens(text), text)

    def entities(self, tokens: LabelledTokens, text: str) -> tuple[Entity, ...]:
        """The entities of `text`, found in its labelled `tokens`."""
        return find_entities(tokens.logits, tokens.offsets, tokens.word_ids, text, self.manifest.labels)

    def tokens(self, text: str) -> LabelledTokens:
        """The tokens of a text of any length, in its order, each from the window that shows most of the text around it.

        Raises:
            UsageError: the text is empty.
        """
        windows = self.windows(text)
        encodings = [window.encoding for window in windows]
        logits: list[Logits] = []
        offsets: list[tuple[int, int]] = []
        word_ids: list[int | None] = []
        for encoding, part, outputs in zip(encodings, own_positions(windows), self.run_each(encodings), strict=True):
            logits.append(outputs["logits"][part])
            offsets += encoding.offsets[part]
            word_ids += encoding.word_ids[part]
        return LabelledTokens(np.concatenate(logits), offsets, word_ids)

    def arrays(self, text: str) -> Arrays:
        """See `AlbertSession.arrays`; there is a row for each window."""
        return self._pad([window.encoding for window in self.windows(text)])

    def windows(self, text: str) -> tuple[TextWindow, ...]:
        """The overlapping windows of the text, each short enough for the model.

        Raises:
            UsageError: the text is empty.
        """
        room = self.max_length - 2  # [CLS] and [SEP]
        stride = min(_STRIDE, room // 2)
        encodings = self.tokenizer(
            check_text("text", text),
            truncation="only_first",
            max_length=self.max_length,
            stride=stride,
            return_overflowing_tokens=True,
        ).encodings
        return number_windows(encodings, sequence_id=0, stride=stride)


class MultipleChoiceSession(AlbertSession):
    """A prompt and several choices -> the choice that goes best with the prompt."""

    task = "multiple-choice"

    def __call__(self, prompt: str, choices: Sequence[str]) -> Choice:
        """The best of two or more choices. What is too long is cut off at the end, from the longer text first."""
        return choose(self.run(self.arrays(prompt, choices))["logits"][0], choices)

    def arrays(self, prompt: str, choices: Sequence[str]) -> Arrays:
        """See `AlbertSession.arrays`; the shape is `[1, choices, sequence]`."""
        check_text("prompt", prompt)
        if isinstance(choices, str) or not isinstance(choices, Sequence):
            raise UsageError(f"choices must be a list of texts, not {type(choices).__name__}")
        if len(choices) < 2:
            raise UsageError(f"multiple choice needs two choices or more, not {len(choices)}")
        for index, choice in enumerate(choices):
            check_text(f"choices[{index}]", choice)
        rows = self._pad([self._encode(prompt, choice) for choice in choices])
        return {name: array[np.newaxis] for name, array in rows.items()}


class PassageLogits(NamedTuple):
    """The windows of one context, and the logits for where an answer starts and ends."""

    windows: tuple[TextWindow, ...]
    #: float32 `[sequence]` for each window
    starts: list[Logits]
    #: float32 `[sequence]` for each window
    ends: list[Logits]


class QuestionAnsweringSession(AlbertSession):
    """A question and a context -> the passage of the context that answers the question."""

    task = "question-answering"

    @overload
    def __call__(
        self,
        question: str,
        context: str,
        top_k: Literal[1] = 1,
        max_answer_tokens: int = _MAX_ANSWER_TOKENS,
        stride: int = _STRIDE,
    ) -> Answer: ...

    @overload
    def __call__(
        self,
        question: str,
        context: str,
        top_k: int,
        max_answer_tokens: int = _MAX_ANSWER_TOKENS,
        stride: int = _STRIDE,
    ) -> Answer | tuple[Answer, ...]: ...

    def __call__(
        self,
        question: str,
        context: str,
        top_k: int = 1,
        max_answer_tokens: int = _MAX_ANSWER_TOKENS,
        stride: int = _STRIDE,
    ) -> Answer | tuple[Answer, ...]:
        """The best answer; if `top_k` is above 1, a tuple of at most `top_k` answers, best first.

        The context may have any length: it goes through the model in overlapping windows of at most 384 tokens.

        Args:
            question: one question.
            context: the text that holds the answer.
            top_k: the number of answers.
            max_answer_tokens: the most tokens in an answer.
            stride: the tokens that two neighbouring windows share; at most half of the tokens of the context in a
                window are shared, whatever is given.

        Raises:
            UsageError: a text is empty, or the question leaves no room for the context in a window.
        """
        check_count("top_k", top_k)
        check_count("max_answer_tokens", max_answer_tokens)
        logits = self.passage_logits(question, context, stride)
        answers = self.answers(logits, context, top_k=top_k, max_answer_tokens=max_answer_tokens)
        if not answers:
            raise UsageError("the context holds nothing that the tokenizer knows as text; give it words to answer from")
        return answers[0] if top_k == 1 else answers

    def passage_logits(self, question: str, context: str, stride: int = _STRIDE) -> PassageLogits:
        """The logits of a context of any length; the arguments and what is raised are those of the call."""
        windows = self.windows(question, context, stride)
        outputs = list(self.run_each([window.encoding for window in windows]))
        starts, ends = ([one[name] for one in outputs] for name in ("start_logits", "end_logits"))
        return PassageLogits(windows, starts, ends)

    def answers(
        self, logits: PassageLogits, context: str, *, top_k: int = 1, max_answer_tokens: int = _MAX_ANSWER_TOKENS
    ) -> tuple[Answer, ...]:
        """The best passages of `context`, best first; there are none if the tokenizer finds no text in it."""
        return best_answers(*logits, context, top_k=top_k, max_answer_tokens=max_answer_tokens)

    def arrays(self, question: str, context: str, stride: int = _STRIDE) -> Arrays:
        """See `AlbertSession.arrays`; there is a row for each window."""
        return self._pad([window.encoding for window in self.windows(question, context, stride)])

    def windows(self, question: str, context: str, stride: int = _STRIDE) -> tuple[TextWindow, ...]:
        """The overlapping windows of the context; the question comes first in each.

        Raises:
            UsageError: a text is empty, or the question leaves no room for the context in a window.
        """
        check_text("question", question)
        check_text("context", context)
        check_count("stride", stride, least=0)
        length = min(_ANSWER_WINDOW, self.max_length)
        asked = len(self.tokenizer.encode(question, add_special_tokens=False))
        room = length - asked - 3  # [CLS] question [SEP] context [SEP]
        if room < 1:
            raise UsageError(
                f"the question has {asked} tokens, and at most {length - 4} fit beside the context; shorten it"
            )
        stride = min(stride, room // 2)
        encodings = self.tokenizer(
            question,
            context,
            truncation="only_second",
            max_length=length,
            stride=stride,
            return_overflowing_tokens=True,
        ).encodings
        return number_windows(encodings, sequence_id=1, stride=stride)


def _fill(
    session: AlbertSession, logits: Logits, encoding: Encoding, texts: Sequence[str], top_k: int
) -> tuple[tuple[Filled, ...], ...]:
    return fill_masks(logits, encoding, texts, session.tokenizer, top_k)
