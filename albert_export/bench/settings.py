"""Settings and Workload: the conditions of a benchmark, and the texts and questions that are answered in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from albert_export.evaluation.dataset_reading import read_dataset
from albert_export.utils.text_file import read_text, split_lines

#: the lengths in tokens if bundles are compared with peers
PEER_LENGTHS = (32, 128, 384)


@dataclass(frozen=True)
class Settings:
    """The conditions under which every bundle and every peer is measured."""

    #: sequence lengths in tokens; the first run and the memory are measured at the first of them
    lengths: tuple[int, ...] = (128,)
    #: the two sequence lengths between which changes are measured, of bundles only
    resize: tuple[int, int] = (32, 384)
    #: sequences in a run
    batch: int = 1
    #: None means as many as there are cores that this process may use
    threads: int | None = None
    #: processes for each subject
    rounds: int = 3
    #: timed runs at each length in each round
    runs: int = 20
    #: the engine's name; None means the first one installed for the suffix of the model file
    engine: str | None = None
    #: the graph of a bundle with several; None means the first
    precision: str | None = None


@dataclass(frozen=True)
class Workload:
    """Texts and questions that are answered from beginning to end, tokenization included; there may be none."""

    #: the lines of a text file
    texts: tuple[str, ...] = ()
    texts_file: str | None = None
    #: question and context, in the order of the file
    questions: tuple[tuple[str, str], ...] = ()
    questions_file: str | None = None

    @classmethod
    def read(cls, texts: Path | None, questions: Path | None) -> Workload:
        """Read the files; blank lines of `texts` are left out.

        Args:
            texts: a file in UTF-8 with a text on each line; None for none.
            questions: a file in the format of SQuAD; None for none.

        Raises:
            UsageError: a file can't be read, holds nothing to answer, or is not in such a format.
        """
        lines: tuple[str, ...] = ()
        asked: tuple[tuple[str, str], ...] = ()
        if texts is not None:
            content = read_text(texts, "text file", "--texts takes a file with a text on each line")
            lines = tuple(line for line in split_lines(content) if line.strip())
        if questions is not None:
            examples = read_dataset(questions, "question-answering").examples
            asked = tuple((one.request["question"], one.request["context"]) for one in examples)
        return cls(lines, None if texts is None else str(texts), asked, None if questions is None else str(questions))

    def share(self, number: int, rounds: int) -> Workload:
        """Return what round `number` of `rounds`, counted from 0, answers: each text is answered in one round only.

        So a long file is answered once and not in every round, and what else the machine does still affects all
        subjects alike.
        """
        return replace(self, texts=self.texts[number::rounds], questions=self.questions[number::rounds])

    def sample(self, count: int) -> list[tuple[int, ...]]:
        """Return the places of at most `count` texts, and of at most `count` questions, evenly spaced."""
        sizes = len(self.texts), len(self.questions)
        return [tuple(range(0, size, max(1, math.ceil(size / count)))) for size in sizes]

    def to_request(self) -> dict[str, Any]:
        """Return what the process of a subject is told of it."""
        return {"texts": self.texts, "questions": self.questions}

    def to_dict(self) -> dict[str, Any]:
        """The names of the files and how many texts and questions they hold, as JSON types."""
        return {
            "texts_file": self.texts_file,
            "texts": len(self.texts),
            "questions_file": self.questions_file,
            "questions": len(self.questions),
        }
