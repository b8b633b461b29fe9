"""The schedule of a run: what its progress lines say about the time that the whole run still takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from albert_export.utils.terminal import Progress
from albert_export.utils.time_left import TimeLeft, in_words


@dataclass(frozen=True)
class Work:
    """What a step runs, as the number of tokens that each model of the run computes in it."""

    tokens: dict[str, int]
    #: whether the step may turn out not to be needed
    optional: bool


class Schedule:
    """Passes on progress lines, and adds to them how long the run still takes, where that is known.

    A step that is to come is announced with the tokens that it runs, since their number is known before the time that a
    model takes for them. As soon as the pace of every model is known that the announced steps run, lines end in "about
    20 s left", or in "up to 20 s left" if a step may turn out not to be needed. Before, and after a step that was not
    announced has begun, nothing is said.

    Args:
        progress: called with each line.
        now: the clock, in seconds.
    """

    def __init__(self, progress: Progress, *, now: Callable[[], float] = time.monotonic) -> None:
        self._progress, self._now = progress, now
        self._steps: dict[str, Work] = {}
        #: the seconds that a model takes for a token
        self._paces: dict[str, float] = {}
        self._current: Work | None = None
        self._began = now()
        #: what the time is told of if that is less than the run: "for int8"; empty for all of it
        self.part = ""
        #: on which condition the run ends with the steps that were announced: "with this recipe"; empty if it does
        self.condition = ""

    @classmethod
    def of(cls, progress: Progress) -> Schedule:
        """Return `progress` itself if it is a schedule, or else one that knows nothing and passes the lines on."""
        return progress if isinstance(progress, Schedule) else cls(progress)

    def __call__(self, line: str) -> None:
        """Say what is being done."""
        left = self.left()
        self._progress(f"{line}, {left}" if left else line)

    def set_pace(self, model: str, seconds: float, tokens: int) -> None:
        """Tell what `model` took for a number of tokens."""
        if tokens:
            self._paces[model] = seconds / tokens

    def expect(self, step: str, *, optional: bool = False, **tokens: int) -> None:
        """Announce a step, or what is known about it now.

        Args:
            step: the name of the step.
            optional: whether it may turn out not to be needed.
            tokens: the name of each model that it runs, with the number of tokens.
        """
        self._steps[step] = Work(tokens, optional)

    def drop(self, step: str) -> None:
        """Tell that a step is not needed."""
        self._steps.pop(step, None)

    def clear(self) -> None:
        """Forget the steps: what comes is not known any more."""
        self._steps, self._current = {}, None

    def begin(self, step: str) -> None:
        """Tell that a step begins, and that the one before it has ended."""
        self._current, self._began = self._steps.pop(step, None), self._now()
        if self._current is None:
            self.clear()

    def step(self, step: str, line: str) -> TimeLeft:
        """Begin a step that tells which share of it is done; `line` says what it does."""
        self.begin(step)
        return TimeLeft(line, self, now=self._now, words=self._with_share)

    def left(self, of_step: float | None = None) -> str:
        """The time that the run still takes, in words; empty if it is not known.

        Args:
            of_step: the seconds that the current step still takes; None means what was estimated less what has passed.
        """
        if self._current is None:
            return ""
        of_current = self._seconds(self._current) - (self._now() - self._began) if of_step is None else of_step
        seconds = max(0.0, of_current) + sum(map(self._seconds, self._steps.values()))
        if not 0 < seconds < float("inf"):
            return ""
        optional = self._current.optional or any(work.optional for work in self._steps.values())
        words = [f"{'up to' if optional else 'about'} {in_words(seconds)} left", self.part, self.condition]
        return " ".join(filter(None, words))

    def _seconds(self, work: Work) -> float:
        """The estimated seconds of a step; infinite if the pace of a model is not known."""
        paces = (self._paces.get(model, float("inf")) * tokens for model, tokens in work.tokens.items() if tokens)
        return sum(paces)

    def _with_share(self, line: str, share: float, seconds: float) -> None:
        """Say how much of the step is done, and what the whole run still takes."""
        left = self.left(seconds)
        self._progress(f"{line} ({share:.0%})" + (f", {left}" if left else ""))
