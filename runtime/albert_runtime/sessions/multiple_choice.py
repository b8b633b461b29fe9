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


class MultipleChoiceSession(AlbertSession):
    """A prompt and several choices -> the choice that goes best with the prompt."""

    task = "multiple-choice"

    def __call__(self, prompt: str, choices: Sequence[str]) -> Choice:
        """The best of two or more choices. What is too long is cut off at the end, from the longer text first."""
        return self._answer(self.prepare(prompt, choices))

    def prepare(self, prompt: str, choices: Sequence[str]) -> PreparedRequest[Choice]:
        """See `AlbertSession.prepare`."""
        check_text("prompt", prompt)
        if isinstance(choices, str) or not isinstance(choices, Sequence):
            raise UsageError(f"choices must be a list of texts, not {type(choices).__name__}")
        if len(choices) < 2:
            raise UsageError(f"multiple choice needs two choices or more, not {len(choices)}")
        for index, choice in enumerate(choices):
            check_text(f"choices[{index}]", choice)

        def finish(outputs: Sequence[Arrays]) -> Choice:
            return choose(np.concatenate([output["logits"] for output in outputs]), choices)

        return PreparedRequest(tuple(self._encode(prompt, choice) for choice in choices), finish)

    def arrays(self, prompt: str, choices: Sequence[str]) -> Arrays:
        """See `AlbertSession.arrays`; the shape is `[1, choices, sequence]`."""
        return self._choice_arrays(self.prepare(prompt, choices))

    def _answer(self, prepared: PreparedRequest[AnswerT]) -> AnswerT:
        # All choices run at once, as one row.
        [logits] = self.run(self._choice_arrays(prepared))["logits"]
        return prepared.finish([{"logits": logits[choice : choice + 1]} for choice in range(len(logits))])

    def _choice_arrays(self, prepared: PreparedRequest[Any]) -> Arrays:
        return {name: array[np.newaxis] for name, array in self._pad(prepared.encodings).items()}
