"""The session of multiple choice: a prompt and choices to the best choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from albert_runtime.answers import Choice
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.classification import choose
from albert_runtime.session import AlbertSession, AnswerT, PreparedRequest, check_text

#: as many as there are letters to call them by
MOST_CHOICES = 26
#: the place of the choice in a prompt, as in RACE's cloze questions
_BLANK = "_"


class MultipleChoiceSession(AlbertSession):
    """A prompt and several choices -> the choice that goes best with the prompt."""

    task = "multiple-choice"

    def __call__(self, prompt: str, choices: Sequence[str], context: str | None = None) -> Choice:
        """The best of 2 to 26 choices. What is too long is cut off at the end, from the longer text first.

        Args:
            prompt: the beginning of a sentence, or a question.
            choices: the endings, or the answers.
            context: the text that the prompt is about, as in RACE; None if there is none, as in SWAG. With a context,
                the model reads the context and, as the second text, the prompt with the choice after it (or in place of
                a "_" in the prompt). Without one, it reads the prompt and the choice.

        Raises:
            UsageError: a text is empty, or there are too few or too many choices.
        """
        return self._answer(self.prepare(prompt, choices, context))

    def prepare(self, prompt: str, choices: Sequence[str], context: str | None = None) -> PreparedRequest[Choice]:
        """See `AlbertSession.prepare`."""
        check_text("prompt", prompt)
        if context is not None:
            check_text("context", context)
        if isinstance(choices, str) or not isinstance(choices, Sequence):
            raise UsageError(f"choices must be a list of texts, not {type(choices).__name__}")
        if len(choices) < 2:
            raise UsageError(f"multiple choice needs two choices or more, not {len(choices)}")
        if len(choices) > MOST_CHOICES:
            raise UsageError(f"multiple choice takes at most {MOST_CHOICES} choices (A to Z), not {len(choices)}")
        for index, choice in enumerate(choices):
            check_text(f"choices[{index}]", choice)

        def finish(outputs: Sequence[Arrays]) -> Choice:
            return choose(np.concatenate([output["logits"] for output in outputs]), choices)

        pairs = choice_pairs(prompt, choices, context)
        return PreparedRequest(tuple(self._encode(first, second) for first, second in pairs), finish)

    def arrays(self, prompt: str, choices: Sequence[str], context: str | None = None) -> Arrays:
        """See `AlbertSession.arrays`; the shape is `[1, choices, sequence]`."""
        return self._choice_arrays(self.prepare(prompt, choices, context))

    def _answer(self, prepared: PreparedRequest[AnswerT]) -> AnswerT:
        # All choices run at once, as one row.
        [logits] = self.run(self._choice_arrays(prepared))["logits"]
        return prepared.finish([{"logits": logits[choice : choice + 1]} for choice in range(len(logits))])

    def _choice_arrays(self, prepared: PreparedRequest[Any]) -> Arrays:
        return {name: array[np.newaxis] for name, array in self._pad(prepared.encodings).items()}


def choice_pairs(prompt: str, choices: Sequence[str], context: str | None) -> list[tuple[str, str]]:
    """The pair of texts that the model reads for each choice.

    With a context, the pairs are those of Google's race_utils.py and of Hugging Face's examples for RACE.
    """
    if context is None:
        return [(prompt, choice) for choice in choices]
    if _BLANK in prompt:
        return [(context, prompt.replace(_BLANK, choice)) for choice in choices]
    return [(context, f"{prompt} {choice}") for choice in choices]
