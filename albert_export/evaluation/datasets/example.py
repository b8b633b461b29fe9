"""Example and Dataset: what a model is asked, and what it should answer."""

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
    """One request, and its answer."""

    #: keyword arguments of the session's call
    request: dict[str, Any]
    #: SQuAD: a tuple of right texts, empty where there is no answer; labels: the label's name; several labels: a tuple
    #: of names; values: a float; tags: a tuple of (word, tag); choices: the index; masks: the word; masks and order:
    #: (whether in order, the masked word or None)
    expected: Any
    #: the question's id in a SQuAD file, else ""
    name: str = ""


@dataclass(frozen=True)
class Dataset:
    """The examples of one file, for models of one task."""

    file: Path
    #: full name of the task
    task: str
    kind: Kind
    #: one or more
    examples: Sequence[Example]

    def spread(self, count: int) -> Dataset:
        """At most `count` of the examples, the same ones every time and from all over: files are often sorted."""
        if len(self.examples) <= count:
            return self
        chosen = sorted(Random(0).sample(range(len(self.examples)), count))
        return dataclasses.replace(self, examples=tuple(self.examples[index] for index in chosen))

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.file.name
