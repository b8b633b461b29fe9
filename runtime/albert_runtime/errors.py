"""The exceptions of this project, which all derive from AlbertError.

    AlbertError                   the base of all the others
      UsageError             2    the request itself is wrong (a path, an option, a text)
        RequestError         2    one of many requests is wrong
      UnsupportedError       3    a model, task or file is not supported
        CheckpointError      3    a checkpoint can't be read or is not an ALBERT
        BundleError          3    a bundle is damaged or does not fit
      DependencyError        4    an optional dependency is missing
      ConversionError        5    the conversion failed
      ParityError            6    the converted model gives other answers
      AccuracyError          7    the accuracy budget is exceeded
      BudgetError            8    the size, memory or latency budget is exceeded
      OperatorError          9    the target runtime lacks an operator

The number is the exit code of the command line. A message says what was given, what is wrong with it, what is
supported, and what to type next.
"""

from __future__ import annotations

from collections.abc import Sequence


class AlbertError(Exception):
    """The base of every exception that this project raises on purpose."""

    exit_code = 1


class UsageError(AlbertError, ValueError):
    """The request is wrong: a path does not exist, options don't go together, or a text can't be used."""

    exit_code = 2


class RequestError(UsageError):
    """One of many requests is wrong; the others are not affected."""

    def __init__(self, index: int, reason: str) -> None:
        # Both are passed on as `args`, so that the error can be pickled.
        super().__init__(index, reason)
        #: the number of the request, counted from 0
        self.index = index
        #: what is wrong with it
        self.reason = reason

    def __str__(self) -> str:
        return f"request {self.index}: {self.reason}"


class UnsupportedError(AlbertError):
    """The model, the task or the file is not supported."""

    exit_code = 3


class CheckpointError(UnsupportedError):
    """The checkpoint can't be read, is incomplete, or is not an ALBERT."""


class BundleError(UnsupportedError):
    """The bundle is damaged, incomplete, or made for another task or runtime."""


class DependencyError(AlbertError, ImportError):
    """An optional dependency is missing; the message carries the pip line."""

    exit_code = 4


class ConversionError(AlbertError):
    """The conversion failed."""

    exit_code = 5


class ParityError(AlbertError):
    """The converted model does not give the answers of the original model."""

    exit_code = 6


class AccuracyError(AlbertError):
    """The quantized model loses more accuracy than the budget allows."""

    exit_code = 7


class BudgetError(AlbertError):
    """A size, memory or latency budget is exceeded."""

    exit_code = 8


class OperatorError(AlbertError):
    """The target runtime lacks an operator of the graph."""

    exit_code = 9


def listed(headline: str, problems: Sequence[str]) -> str:
    """`headline` and below it `problems`, each on its own line."""
    return "\n".join([headline, *(f"  - {problem}" for problem in problems)])
