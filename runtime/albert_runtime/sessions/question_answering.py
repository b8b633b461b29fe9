"""The session of question answering: a question and a context to passages of the context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, overload

from albert_runtime.answers import Answer
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.n_best import best_answers
from albert_runtime.postprocessing.probabilities import Logits
from albert_runtime.session import AlbertSession, PreparedRequest, check_count, check_text
from albert_runtime.windows import STRIDE, TextWindow, number_windows

#: tokens in a question-answering window: the length that SQuAD models are trained with
_ANSWER_WINDOW = 384
#: tokens in the longest answer, if a call does not say otherwise
_MAX_ANSWER_TOKENS = 30


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
        stride: int = STRIDE,
    ) -> Answer: ...

    @overload
    def __call__(
        self,
        question: str,
        context: str,
        top_k: int,
        max_answer_tokens: int = _MAX_ANSWER_TOKENS,
        stride: int = STRIDE,
    ) -> Answer | tuple[Answer, ...]: ...

    def __call__(
        self,
        question: str,
        context: str,
        top_k: int = 1,
        max_answer_tokens: int = _MAX_ANSWER_TOKENS,
        stride: int = STRIDE,
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
        return self._answer(self.prepare(question, context, top_k, max_answer_tokens, stride))

    def prepare(
        self,
        question: str,
        context: str,
        top_k: int = 1,
        max_answer_tokens: int = _MAX_ANSWER_TOKENS,
        stride: int = STRIDE,
    ) -> PreparedRequest[Answer | tuple[Answer, ...]]:
        """See `AlbertSession.prepare`."""
        check_count("top_k", top_k)
        check_count("max_answer_tokens", max_answer_tokens)
        windows = self.windows(question, context, stride)

        def finish(outputs: Sequence[Arrays]) -> Answer | tuple[Answer, ...]:
            logits = _passage_logits(windows, outputs)
            answers = self.answers(logits, context, top_k=top_k, max_answer_tokens=max_answer_tokens)
            if not answers:
                raise UsageError(
                    "the context holds nothing that the tokenizer knows as text; give it words to answer from"
                )
            return answers[0] if top_k == 1 else answers

        return PreparedRequest(tuple(window.encoding for window in windows), finish)

    def passage_logits(self, question: str, context: str, stride: int = STRIDE) -> PassageLogits:
        """The logits of a context of any length; the arguments and what is raised are those of the call."""
        windows = self.windows(question, context, stride)
        return _passage_logits(windows, list(self.run_each([window.encoding for window in windows])))

    def answers(
        self, logits: PassageLogits, context: str, *, top_k: int = 1, max_answer_tokens: int = _MAX_ANSWER_TOKENS
    ) -> tuple[Answer, ...]:
        """The best passages of `context`, best first; there are none if the tokenizer finds no text in it."""
        return best_answers(*logits, context, top_k=top_k, max_answer_tokens=max_answer_tokens)

    def windows(self, question: str, context: str, stride: int = STRIDE) -> tuple[TextWindow, ...]:
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


def _passage_logits(windows: tuple[TextWindow, ...], outputs: Sequence[Arrays]) -> PassageLogits:
    starts, ends = ([one[name] for one in outputs] for name in ("start_logits", "end_logits"))
    return PassageLogits(windows, starts, ends)
