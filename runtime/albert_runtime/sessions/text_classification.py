"""The session of text classification: a text, or a pair of texts, to labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from albert_runtime.answers import Label
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.classification import FUNCTIONS, label_text
from albert_runtime.session import AlbertSession, PreparedRequest, check_count, check_text
from albert_runtime.tokenization.encoding import Encoding


class TextClassificationSession(AlbertSession):
    """A text, or a pair of texts -> labels."""

    task = "text-classification"

    def __call__(
        self,
        text: str,
        text_pair: str | None = None,
        top_k: int | None = None,
        function_to_apply: str | None = None,
        threshold: float | None = None,
    ) -> tuple[Label, ...]:
        """The labels with their scores, best first. Texts that are too long are cut off at the end.

        Args:
            text: the text, or the first text of a pair.
            text_pair: the second text of a pair.
            top_k: how many labels to return; None for all.
            function_to_apply: what turns the model's logits into scores: "softmax" over all labels, "sigmoid" for each
                label by itself, or "none" for the logits themselves. None chooses as Hugging Face's pipeline does:
                "none" if config.json says `"problem_type": "regression"`, otherwise "sigmoid" if the model has one
                label or several may apply, otherwise "softmax".
            threshold: leave out the labels with a lower score; None for no limit. A usual value for models whose labels
                may apply together is 0.5.

        Raises:
            UsageError: a text is empty, or another argument is wrong.
        """
        return self._answer(self.prepare(text, text_pair, top_k, function_to_apply, threshold))

    def prepare(
        self,
        text: str,
        text_pair: str | None = None,
        top_k: int | None = None,
        function_to_apply: str | None = None,
        threshold: float | None = None,
    ) -> PreparedRequest[tuple[Label, ...]]:
        """See `AlbertSession.prepare`."""
        check_text("text", text)
        if text_pair is not None:
            check_text("text_pair", text_pair)
        if top_k is not None:
            check_count("top_k", top_k)
        if function_to_apply is not None and function_to_apply not in FUNCTIONS:
            known = ", ".join(map(repr, FUNCTIONS))
            raise UsageError(f"function_to_apply={function_to_apply!r} is unknown; choose one of {known}")
        if threshold is not None and not _is_number(threshold):
            raise UsageError(f"threshold must be a number, such as 0.5, not {threshold!r}")
        encoding = self._encode(text, text_pair)

        def finish(outputs: Sequence[Arrays]) -> tuple[Label, ...]:
            return label_text(
                outputs[0]["logits"],
                self.manifest.labels,
                self.bundle.config.get("problem_type"),
                function_to_apply,
                top_k=top_k,
                threshold=threshold,
            )

        return PreparedRequest((encoding,), finish)

    def encode_pair(self, text: str, text_pair: str) -> Encoding:
        """The tokens of a pair of texts as one sequence; if it is too long, only the first text is cut off.

        Raises:
            UsageError: a text is empty, or the second one leaves no room for the first.
        """
        return self._encode(check_text("text", text), check_text("text_pair", text_pair), truncation="only_first")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)
