"""One session for each task, and `load`, which picks the one that fits a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, overload

import numpy as np

from albert_runtime.answers import Answer, Choice, Embedding, Entity, Filled, Label, SentenceOrder
from albert_runtime.bundle import open_bundle
from albert_runtime.engines import Arrays, Engine
from albert_runtime.entities import find_entities
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing import Logits, best_answers, choose, fill_masks, judge_order, label_text
from albert_runtime.session import AlbertSession, check_count, check_text
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.windows import TextWindow, best_seen, number_windows

#: tokens of a question-answering window: the length that SQuAD models are trained at
_ANSWER_WINDOW = 384
#: tokens that neighbouring windows share
_STRIDE = 128


class FeatureExtractionSession(AlbertSession):
    """Text -> vectors."""

    task = "feature-extraction"

    def __call__(self, text: str) -> Embedding:
        """The text's embedding. A text that is too long is cut off at the end."""
        encoding = self._encode(check_text("text", text))
        outputs = self.run(self._pad([encoding]))
        return Embedding(outputs["pooler_output"][0], outputs["last_hidden_state"][0, : len(encoding)])

    def arrays(self, text: str) -> Arrays:
        """See `AlbertSession.arrays`."""
        return self._pad([self._encode(check_text("text", text))])


class PretrainingSession(AlbertSession):
    """Two texts -> whether they stand in their order, and what belongs in their masks."""

    task = "pretraining"

    def __call__(self, first: str, second: str, top_k: int = 5) -> SentenceOrder:
        """Judge the order of two texts, and fill each [MASK] in them with the `top_k` best pieces.

        Raises:
            UsageError: a text is empty, or so long that a mask is cut off.
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
    """Text with [MASK] in it -> what belongs there."""

    task = "fill-mask"

    def __call__(self, text: str, top_k: int = 5) -> tuple[tuple[Filled, ...], ...]:
        """For each [MASK] of the text, in its order, the `top_k` best pieces, best first.

        Raises:
            UsageError: there is no [MASK], or the text is so long that one is cut off.
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
        """Every label with its score, best first. A text that is too long is cut off at the end."""
        logits = self.run(self.arrays(text, text_pair))["logits"][0]
        return label_text(logits, self.manifest.labels, self.bundle.config.get("problem_type"))

    def arrays(self, text: str, text_pair: str | None = None) -> Arrays:
        """See `AlbertSession.arrays`."""
        check_text("text", text)
        if text_pair is not None:
            check_text("text_pair", text_pair)
        return self._pad([self._encode(text, text_pair)])


class LabelledTokens(NamedTuple):
    """The tokens of one text, special ones left out."""

    #: float32 `[tokens, labels]`
    logits: Logits
    #: where each stands in the text
    offsets: list[tuple[int, int]]
    #: which word each belongs to
    word_ids: list[int | None]


class TokenClassificationSession(AlbertSession):
    """Text -> the entities in it."""

    task = "token-classification"

    def __call__(self, text: str) -> tuple[Entity, ...]:
        """The entities of a text of any length, in its order.

        A text that is too long for the model goes through it in overlapping windows; each token takes its label
        from the window that shows most of what stands around it.
        """
        return self.entities(self.tokens(text), text)

    def entities(self, tokens: LabelledTokens, text: str) -> tuple[Entity, ...]:
        """The entities of `text`, whose `tokens` have been labelled."""
        return find_entities(tokens.logits, tokens.offsets, tokens.word_ids, text, self.manifest.labels)

    def tokens(self, text: str) -> LabelledTokens:
        """The tokens of a text of any length, in its order, each from the window where it is best seen.

        Raises:
            UsageError: the text is empty.
        """
        windows = self.windows(text)
        encodings = [window.encoding for window in windows]
        logits: list[Logits] = []
        offsets: list[tuple[int, int]] = []
        word_ids: list[int | None] = []
        for encoding, part, outputs in zip(encodings, best_seen(windows), self.run_each(encodings), strict=True):
            logits.append(outputs["logits"][part])
            offsets += encoding.offsets[part]
            word_ids += encoding.word_ids[part]
        return LabelledTokens(np.concatenate(logits), offsets, word_ids)

    def arrays(self, text: str) -> Arrays:
        """See `AlbertSession.arrays`; a row for each window."""
        return self._pad([window.encoding for window in self.windows(text)])

    def windows(self, text: str) -> tuple[TextWindow, ...]:
        """The overlapping windows that the text is seen through, each short enough for the model.

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
    """A prompt and several choices -> the one that goes best with it."""

    task = "multiple-choice"

    def __call__(self, prompt: str, choices: Sequence[str]) -> Choice:
        """The best of two or more choices. Texts that are too long are cut off at the end, the longer one first."""
        return choose(self.run(self.arrays(prompt, choices))["logits"][0], choices)

    def arrays(self, prompt: str, choices: Sequence[str]) -> Arrays:
        """See `AlbertSession.arrays`; [1, choices, sequence]."""
        check_text("prompt", prompt)
        if isinstance(choices, str) or not isinstance(choices, Sequence):
            raise UsageError(f"choices must be a list of texts, not {type(choices).__name__}")
        if len(choices) < 2:
            raise UsageError(f"multiple choice needs two choices or more, not {len(choices)}")
        for index, choice in enumerate(choices):
            check_text(f"choices[{index}]", choice)
        rows = self._pad([self._encode(prompt, choice) for choice in choices])
        return {name: array[np.newaxis] for name, array in rows.items()}


class QuestionAnsweringSession(AlbertSession):
    """A question and a context -> the passage of the context that answers it."""

    task = "question-answering"

    @overload
    def __call__(
        self,
        question: str,
        context: str,
        top_k: Literal[1] = 1,
        max_answer_tokens: int = 30,
        stride: int = _STRIDE,
    ) -> Answer: ...

    @overload
    def __call__(
        self, question: str, context: str, top_k: int, max_answer_tokens: int = 30, stride: int = _STRIDE
    ) -> Answer | tuple[Answer, ...]: ...

    def __call__(
        self,
        question: str,
        context: str,
        top_k: int = 1,
        max_answer_tokens: int = 30,
        stride: int = _STRIDE,
    ) -> Answer | tuple[Answer, ...]:
        """The best answer; or, with `top_k` above 1, a tuple of so many or fewer, best first.

        A context of any length will do: it goes through the model in overlapping windows of at most 384 tokens.

        Args:
            question: one question.
            context: the text that holds the answer.
            top_k: how many answers.
            max_answer_tokens: the longest answer, in tokens.
            stride: tokens that neighbouring windows share; at most half of the room beside the question is.

        Raises:
            UsageError: a text is empty, or the question fills the window by itself.
        """
        check_count("top_k", top_k)
        check_count("max_answer_tokens", max_answer_tokens)
        windows = self.windows(question, context, stride)
        starts, ends = [], []
        for outputs in self.run_each([window.encoding for window in windows]):
            starts.append(outputs["start_logits"])
            ends.append(outputs["end_logits"])
        answers = best_answers(windows, starts, ends, context, top_k=top_k, max_answer_tokens=max_answer_tokens)
        if not answers:
            raise UsageError("the context holds nothing that the tokenizer knows as text; give it words to answer from")
        return answers[0] if top_k == 1 else answers

    def arrays(self, question: str, context: str, stride: int = _STRIDE) -> Arrays:
        """See `AlbertSession.arrays`; a row for each window."""
        return self._pad([window.encoding for window in self.windows(question, context, stride)])

    def windows(self, question: str, context: str, stride: int = _STRIDE) -> tuple[TextWindow, ...]:
        """The overlapping windows that the context is seen through, each behind the question.

        Raises:
            UsageError: a text is empty, or the question fills the window by itself.
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


SESSIONS: dict[str, type[AlbertSession]] = {
    session.task: session
    for session in (
        FeatureExtractionSession,
        PretrainingSession,
        FillMaskSession,
        TextClassificationSession,
        TokenClassificationSession,
        MultipleChoiceSession,
        QuestionAnsweringSession,
    )
}


def load(
    bundle: str | Path,
    *,
    threads: int | None = None,
    verify: bool = True,
    engine: Engine | str | None = None,
) -> AlbertSession:
    """The session for the bundle in a folder; see `AlbertSession` for the arguments and what is raised."""
    opened = open_bundle(bundle, check=verify)
    return SESSIONS[opened.manifest.task](opened, threads=threads, verify=verify, engine=engine)


def _fill(
    session: AlbertSession, logits: Logits, encoding: Encoding, texts: Sequence[str], top_k: int
) -> tuple[tuple[Filled, ...], ...]:
    return fill_masks(logits, encoding, texts, session.tokenizer, top_k)
