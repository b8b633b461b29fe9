"""Example and Dataset: requests for a model, with the expected answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

#: what the expected answers are, and so how they are scored; see `albert_export.tasks.LabelledData.measures`
Kind = str


@dataclass(frozen=True)
class Example:
    """One request, and the expected answer to it."""

    #: keyword arguments for a call of the session
    request: dict[str, Any]
    #: The expected answer, whose type depends on the kind of the dataset. SQuAD: a tuple of right answers, empty if the
    #: question has none; labels: the name of the label; several labels: a tuple of names; values: a float; tags: a
    #: tuple of (word, tag); choices: the index of the choice; masks: the masked word; masks and order: whether the
    #: texts are in order, and the masked word or None.
    expected: Any
    #: the id of the question in a SQuAD file, else ""
    name: str = ""


@dataclass(frozen=True)
class Dataset:
    """The examples of one file, for models of one task."""

    file: Path
    #: full name of the task
    task: str
    kind: Kind
    #: at least one
    examples: Sequence[Example]

    def spread(self, count: int) -> Dataset:
        """Return a dataset of at most `count` examples, chosen at random from the whole file with a fixed seed.

        Files are often sorted, so the first examples are not representative.
        """
        if len(self.examples) <= count:
            return self
        chosen = sorted(Random(0).sample(range(len(self.examples)), count))
        return dataclasses.replace(self, examples=tuple(self.examples[index] for index in chosen))

    @property
    def name(self) -> str:
        """The name of the file, for messages."""
        return self.file.name
