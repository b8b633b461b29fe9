"""The session of token classification: a text to the entities in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from albert_runtime.answers import Entity
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.entities import AGGREGATION_STRATEGIES, find_entities
from albert_runtime.postprocessing.labelled_tokens import LabelledTokens
from albert_runtime.postprocessing.tags import OUTSIDE, read_tag
from albert_runtime.session import AlbertSession, PreparedRequest, check_count, check_text
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.given_words import encode_words, locate_words
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.windows import STRIDE, TextWindow, cut_windows, own_positions


class _WindowedText(NamedTuple):
    """A text, the characters of each of its words if they were given, and its windows."""

    text: str
    tokenizer: AlbertTokenizer
    words: tuple[tuple[int, int], ...] | None
    windows: tuple[TextWindow, ...]

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        return tuple(window.encoding for window in self.windows)

    def labelled(self, outputs: Sequence[Arrays]) -> LabelledTokens:
        """The tokens with their logits, each from the window that shows most of the text around it."""
        logits = [output["logits"] for output in outputs]
        parts = zip([window.encoding for window in self.windows], own_positions(self.windows), logits, strict=True)
        return LabelledTokens.of(self.text, list(parts), self.tokenizer, self.words)


class TokenClassificationSession(AlbertSession):
    """Text -> the entities in it."""

    task = "token-classification"

    def __call__(
        self,
        text: str | None = None,
        *,
        words: Sequence[str] | None = None,
        aggregation_strategy: str = "words",
        ignore_labels: Collection[str] = (OUTSIDE,),
        stride: int = STRIDE,
    ) -> tuple[Entity, ...]:
        """The entities of a text of any length, in its order.

        A text that is too long for the model goes through it in overlapping windows; each token takes its label from
        the window that shows most of the text around it.

        Args:
            text: the text.
            words: the words of a text that is split already. Each word has a label, and an answer says which words it
                is made of. Without `text`, the text is the words with spaces between them; with it, the words must
                occur in it, in order.
            aggregation_strategy: how the labels of tokens become entities. "words" (the default) labels each word by
                its first token and keeps the punctuation around words apart. "none", "simple", "first", "average" and
                "max" are those of Hugging Face's token classification pipeline, see `find_entities`.
            ignore_labels: the answers to leave out, by their `label`.
            stride: the tokens that two neighbouring windows share; at most half of a window, whatever is given.

        Raises:
            UsageError: there is no text, `words` does not fit it, or another argument has no meaning.
        """
        prepared = self.prepare(
            text, words=words, aggregation_strategy=aggregation_strategy, ignore_labels=ignore_labels, stride=stride
        )
        return self._answer(prepared)

    def prepare(
        self,
        text: str | None = None,
        *,
        words: Sequence[str] | None = None,
        aggregation_strategy: str = "words",
        ignore_labels: Collection[str] = (OUTSIDE,),
        stride: int = STRIDE,
    ) -> PreparedRequest[tuple[Entity, ...]]:
        """See `AlbertSession.prepare`."""
        if aggregation_strategy not in AGGREGATION_STRATEGIES:
            known = ", ".join(AGGREGATION_STRATEGIES)
            raise UsageError(f"aggregation_strategy must be one of {known}, not {aggregation_strategy!r}")
        self._check_ignored(ignore_labels)
        windowed = self._window(text, words, stride)

        def finish(outputs: Sequence[Arrays]) -> tuple[Entity, ...]:
            return self.entities(windowed.labelled(outputs), aggregation_strategy, ignore_labels)

        return PreparedRequest(windowed.encodings, finish)

    def entities(
        self,
        tokens: LabelledTokens,
        aggregation_strategy: str = "words",
        ignore_labels: Collection[str] = (OUTSIDE,),
    ) -> tuple[Entity, ...]:
        """The entities that are found in the labelled `tokens`; the other arguments are those of the call."""
        return find_entities(tokens, self.manifest.labels, aggregation_strategy, ignore_labels)

    def tokens(
        self, text: str | None = None, *, words: Sequence[str] | None = None, stride: int = STRIDE
    ) -> LabelledTokens:
        """The tokens of a text, with the logits of their labels; the arguments and what is raised are the call's."""
        windowed = self._window(text, words, stride)
        return windowed.labelled(list(self.run_each(windowed.encodings)))

    def _window(self, text: str | None, words: Sequence[str] | None, stride: int) -> _WindowedText:
        """The text, its words, and its overlapping windows, each short enough for the model."""
        check_count("stride", stride, least=0)
        if words is None:
            if text is None:
                raise UsageError("give a text, or the words of one: session('Ada lives in Rome.')")
            spans = None
            encoding = self.tokenizer(check_text("text", text), add_special_tokens=False).encodings[0]
        else:
            text, spans = locate_words(words, None if text is None else check_text("text", text))
            encoding = encode_words(self.tokenizer, words, spans)
        windows = cut_windows(self.tokenizer, encoding, max_length=self.max_length, stride=stride)
        return _WindowedText(text, self.tokenizer, spans, windows)

    def _check_ignored(self, ignore_labels: Collection[str]) -> None:
        """Raise a UsageError if an answer can't have one of these labels."""
        if isinstance(ignore_labels, str):
            raise UsageError(f"ignore_labels must be a list of labels, such as [{ignore_labels!r}], not a str")
        labels = self.manifest.labels
        known = dict.fromkeys([OUTSIDE, *(read_tag(label).kind for label in labels), *labels])
        unknown = [label for label in ignore_labels if label not in known]
        if unknown:
            raise UsageError(
                f"ignore_labels names {', '.join(map(repr, unknown))}, and the answers of this model have the labels "
                f"{', '.join(known)}"
            )
