"""The session of question answering: a question and one or more contexts to passages of the contexts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

from albert_runtime.answers import Answer
from albert_runtime.contexts import TokenizedContext
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.beam_search import ContextBeams, best_beam_answers
from albert_runtime.postprocessing.beams import Beams
from albert_runtime.postprocessing.n_best import ContextLogits, best_answers
from albert_runtime.postprocessing.probabilities import log_of, logit
from albert_runtime.session import AlbertSession, PreparedRequest, check_count, check_text
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.windows import TextWindow

#: tokens in a window, if a call does not say otherwise: the length that SQuAD models are trained with
_MAX_SEQ_LEN = 384
_DOC_STRIDE = 128
_MAX_QUESTION_LEN = 64
#: the default of Hugging Face's pipeline; run_squad and the evaluation on SQuAD data allow 30
_MAX_ANSWER_LEN = 15
#: [CLS] question [SEP] context [SEP]
_SPECIAL_TOKENS = 3
#: the name of Google's head for SQuAD v2.0 in manifests
_BEAM_SEARCH = "beam-search"

_NOTHING_TO_SELECT = "the context holds nothing that the tokenizer knows as text; give it words to answer from"


@dataclass(frozen=True, kw_only=True)
class _Options:
    """The options of a call, see `QuestionAnsweringSession.__call__`. The constructor checks them.

    Raises:
        UsageError: an option is not of the right type, or out of range.
    """

    top_k: int = 1
    max_seq_len: int | None = None
    doc_stride: int | None = None
    max_question_len: int = _MAX_QUESTION_LEN
    max_answer_len: int = _MAX_ANSWER_LEN
    align_to_words: bool = True
    handle_impossible_answer: bool | None = None

    def __post_init__(self) -> None:
        for name in ("top_k", "max_question_len", "max_answer_len"):
            check_count(name, getattr(self, name))
        if self.max_seq_len is not None:
            check_count("max_seq_len", self.max_seq_len, least=_SPECIAL_TOKENS + 2)
        if self.doc_stride is not None:
            check_count("doc_stride", self.doc_stride)
        if not isinstance(self.align_to_words, bool):
            raise UsageError(f"align_to_words must be True or False, not {self.align_to_words!r}")
        if self.handle_impossible_answer is not None and not isinstance(self.handle_impossible_answer, bool):
            raise UsageError(
                f"handle_impossible_answer must be True, False or None, not {self.handle_impossible_answer!r}"
            )

    def window_length(self, longest: int) -> int:
        """The tokens in a window for a model that takes `longest` tokens."""
        if self.max_seq_len is None:
            return min(_MAX_SEQ_LEN, longest)
        if self.max_seq_len > longest:
            raise UsageError(f"max_seq_len={self.max_seq_len} is too much: the model takes {longest} tokens")
        return self.max_seq_len

    def step(self, length: int) -> int:
        """The tokens between the beginnings of two neighbouring windows of `length` tokens."""
        if self.doc_stride is None:
            return max(min(_DOC_STRIDE, length // 2), 1)
        if self.doc_stride > length:
            raise UsageError(f"doc_stride={self.doc_stride} is more than max_seq_len={length}; choose a smaller one")
        return self.doc_stride


class QuestionAnsweringSession(AlbertSession):
    """A question and a context -> the passage of the context that answers the question.

    The options have the names, the meaning and the defaults of Hugging Face's question-answering pipeline, and the
    answers are those that it gives with the slow tokenizer. Answers of Google's head for SQuAD v2.0 are those of its
    run_squad_v2.py.
    """

    task = "question-answering"

    @overload
    def __call__(
        self,
        question: str,
        context: str | Sequence[str],
        top_k: Literal[1] = 1,
        *,
        max_seq_len: int | None = None,
        doc_stride: int | None = None,
        max_question_len: int = _MAX_QUESTION_LEN,
        max_answer_len: int = _MAX_ANSWER_LEN,
        align_to_words: bool = True,
        handle_impossible_answer: bool | None = None,
    ) -> Answer: ...

    @overload
    def __call__(
        self,
        question: str,
        context: str | Sequence[str],
        top_k: int,
        *,
        max_seq_len: int | None = None,
        doc_stride: int | None = None,
        max_question_len: int = _MAX_QUESTION_LEN,
        max_answer_len: int = _MAX_ANSWER_LEN,
        align_to_words: bool = True,
        handle_impossible_answer: bool | None = None,
    ) -> Answer | tuple[Answer, ...]: ...

    def __call__(
        self,
        question: str,
        context: str | Sequence[str],
        top_k: int = 1,
        *,
        max_seq_len: int | None = None,
        doc_stride: int | None = None,
        max_question_len: int = _MAX_QUESTION_LEN,
        max_answer_len: int = _MAX_ANSWER_LEN,
        align_to_words: bool = True,
        handle_impossible_answer: bool | None = None,
    ) -> Answer | tuple[Answer, ...]:
        """The best `Answer`; if `top_k` is above 1, a tuple of at most `top_k` different answers, best first.

        The context may have any length: it goes through the model in overlapping windows. If several contexts are
        given, the answers of all of them are ranked together, and `Answer.context_index` says where each is from.

        Args:
            question: one question.
            context: the text that holds the answer, or several such texts.
            top_k: the number of answers. There are fewer if the contexts hold fewer different ones. Passages of one
                context with the same text are one answer.
            max_seq_len: the tokens in a window, with the question and the special tokens; None means 384, or what the
                model takes if that is less.
            doc_stride: the tokens between the beginnings of two neighbouring windows; None means 128, or half of
                `max_seq_len` if that is less. It is reduced to the tokens of the context that a window has room for.
            max_question_len: the most tokens of the question. The rest is cut off, and so is what would take more than
                half of a window; the session logs that once.
            max_answer_len: the most tokens in an answer.
            align_to_words: extend answers to whole words, that is, to the next white space on each side. If False, an
                answer begins and ends at tokens of the model, so that "Paris" is found in "(Paris)", and "n" in "Ann".
            handle_impossible_answer: whether the answer may be that there is none: the empty `Answer`, whose score is
                its `null_score`. It comes before a passage if the logarithm of its score is larger by more than the
                bundle's `null_threshold`, which is 0 if the bundle has none. With Google's head for SQuAD v2.0 it comes
                before all passages if the logarithm of its odds is larger than that, and after them otherwise. None
                means True if the bundle has a `null_threshold`, and False otherwise.

        Returns:
            An `Answer`, or a tuple of them if `top_k` is above 1.

        Raises:
            UsageError: a text is empty, an option is wrong, or the contexts hold nothing that can be an answer.
            BundleError: the outputs of the model are not finite.
        """
        return self._answer(
            self.prepare(
                question,
                context,
                top_k,
                max_seq_len=max_seq_len,
                doc_stride=doc_stride,
                max_question_len=max_question_len,
                max_answer_len=max_answer_len,
                align_to_words=align_to_words,
                handle_impossible_answer=handle_impossible_answer,
            )
        )

    def prepare(
        self, question: str, context: str | Sequence[str], top_k: int = 1, **options: Any
    ) -> PreparedRequest[Answer | tuple[Answer, ...]]:
        """See `AlbertSession.prepare`; `options` are the options of the call."""
        checked = _Options(top_k=top_k, **options)
        check_text("question", question)
        return self._prepare(question, self._tokenize_contexts(context), checked)

    def answer_many(
        self, questions: Sequence[str], context: str | Sequence[str], top_k: int = 1, **options: Any
    ) -> list[Answer | tuple[Answer, ...]]:
        """The answers to many questions about one context, which is tokenized only once.

        Each answer is what the call returns for the question; `options` are the options of the call.

        Raises:
            UsageError: as the call; the message names the question.
        """
        return [self._answer(prepared) for prepared in self.prepare_many(questions, context, top_k, **options)]

    def prepare_many(
        self, questions: Sequence[str], context: str | Sequence[str], top_k: int = 1, **options: Any
    ) -> Iterator[PreparedRequest[Answer | tuple[Answer, ...]]]:
        """The prepared request of each question of `answer_many`, one after the other.

        The texts and the options are checked at once, before the first request is prepared.
        """
        checked = _Options(top_k=top_k, **options)
        if isinstance(questions, (str, bytes)) or not isinstance(questions, Sequence):
            raise UsageError(f"questions must be a list of texts, not {type(questions).__name__}")
        for index, question in enumerate(questions):
            check_text(f"questions[{index}]", question)
        contexts = self._tokenize_contexts(context)
        return (self._prepare(question, contexts, checked) for question in questions)

    def _tokenize_contexts(self, context: str | Sequence[str]) -> list[TokenizedContext]:
        if isinstance(context, Sequence) and not isinstance(context, (str, bytes, bytearray)):
            if not context:
                raise UsageError("context is an empty list; give at least one text to answer from")
            texts = [check_text(f"context[{index}]", text) for index, text in enumerate(context)]
        else:
            texts = [check_text("context", context)]
        contexts = [TokenizedContext.of(text, self.tokenizer) for text in texts]
        if not any(len(one.encoding) for one in contexts):
            raise UsageError(_NOTHING_TO_SELECT)
        return contexts

    def _prepare(
        self, question: str, contexts: Sequence[TokenizedContext], options: _Options
    ) -> PreparedRequest[Answer | tuple[Answer, ...]]:
        length = options.window_length(self.max_length)
        step = options.step(length)
        tokens = self._question_tokens(question, options.max_question_len, length)
        windows = [one.windows(tokens, self.tokenizer, length=length, step=step) for one in contexts]
        encodings = tuple(window.encoding for of_context in windows for window in of_context)
        null_threshold = self._null_threshold(options.handle_impossible_answer)

        def finish(outputs: Sequence[Arrays]) -> Answer | tuple[Answer, ...]:
            rest = iter(outputs)
            rows = [[next(rest) for _ in of_context] for of_context in windows]
            answers = self._ranked(contexts, windows, rows, options, null_threshold)
            if not answers:
                raise UsageError(_NOTHING_TO_SELECT)
            return answers[0] if options.top_k == 1 else answers

        return PreparedRequest(encodings, finish)

    def _ranked(
        self,
        contexts: Sequence[TokenizedContext],
        windows: Sequence[tuple[TextWindow, ...]],
        rows: Sequence[Sequence[Arrays]],
        options: _Options,
        null_threshold: float | None,
    ) -> tuple[Answer, ...]:
        """The best answers; `rows` are the outputs for each window of each context."""
        settings: dict[str, Any] = {
            "top_k": options.top_k,
            "max_answer_len": options.max_answer_len,
            "align_to_words": options.align_to_words,
            "null_threshold": null_threshold,
        }
        of_contexts = list(zip(contexts, windows, rows, strict=True))
        if self.manifest.head == _BEAM_SEARCH:
            return best_beam_answers(
                [ContextBeams(context, seen, [Beams.of(row) for row in found]) for context, seen, found in of_contexts],
                **settings,
            )
        logits = [
            ContextLogits(context, seen, [row["start_logits"] for row in found], [row["end_logits"] for row in found])
            for context, seen, found in of_contexts
        ]
        return best_answers(logits, **settings)

    def null_odds(self, answer: Answer) -> float:
        """How much speaks for "no answer" and against `answer`, a passage: what `null_threshold` is compared with.

        It is the logarithm of the score of "no answer" less that of the passage. Google's head for SQuAD v2.0 finds
        out without the passage whether there is an answer: there it is the logit of "no answer".
        """
        if self.manifest.head == _BEAM_SEARCH:
            return logit(answer.null_score)
        return log_of(answer.null_score) - log_of(answer.score)

    def _question_tokens(self, question: str, max_question_len: int, length: int) -> Encoding:
        """The tokens of the question, without those that are cut off."""
        half = (length - _SPECIAL_TOKENS) // 2
        limit = min(max_question_len, half)
        if limit < 1:
            raise UsageError(f"the model takes {length} tokens, which is too few for a question and a context")
        # What is far behind the limit is not tokenized.
        start = self.tokenizer.beginning(question, limit + 1)
        tokens = self.tokenizer(start, add_special_tokens=False).encodings[0]
        if len(tokens) > limit:
            more = "" if start == question else "more than "
            self._once_warnings.log(
                "question",
                "the question has %s%d tokens and max_question_len is %d%s: %s%d tokens at its end were left out "
                "(said once for each session)",
                more,
                len(tokens),
                max_question_len,
                "" if limit == max_question_len else f", but a window of {length} tokens gives it at most {half}",
                more,
                len(tokens) - limit,
            )
        return tokens.part(range(min(len(tokens), limit)))

    def _null_threshold(self, handle_impossible_answer: bool | None) -> float | None:
        threshold = self.manifest.null_threshold
        if handle_impossible_answer is None:
            return threshold
        return (threshold or 0.0) if handle_impossible_answer else None
