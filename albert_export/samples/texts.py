"""The texts that the package brings: sentences to verify bundles with, and a corpus to calibrate and compare with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

#: a text, or a pair of texts
Text = tuple[str, str | None]

#: the number of sentences of the corpus that are for calibration; the others are for evaluation
_CALIBRATION_SENTENCES = 80


@cache
def sentences() -> tuple[str, ...]:
    """The sentences of samples.txt, many of which are difficult for tokenizers."""
    return bundled_lines("samples.txt")


@cache
def corpus() -> tuple[str, ...]:
    """The sentences of corpus.txt, which are typical English."""
    return bundled_lines("corpus.txt")


def calibration_corpus() -> list[Text]:
    """Typical inputs for calibration if the user gives none: sentences, pairs and paragraphs of the corpus."""
    return as_texts(corpus()[:_CALIBRATION_SENTENCES])


def evaluation_corpus() -> list[Text]:
    """Texts of the same kind to compare answers with; none of their sentences is used for calibration."""
    return as_texts(corpus()[_CALIBRATION_SENTENCES:])


def bundled_lines(file: str) -> tuple[str, ...]:
    """The lines of a text file in this package, without comments."""
    lines = files("albert_export.samples").joinpath(file).read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("# "))


def as_texts(lines: Sequence[str], rounds: int = 1) -> list[Text]:
    """A text for each line: in turn the line alone, with the next line, and with a paragraph of the next four lines.

    In a second and third round, each line is in one of its other two texts.
    """
    texts: list[Text] = []
    for number in range(rounds):
        for index, line in enumerate(lines):
            following = [lines[(index + offset) % len(lines)] for offset in range(1, 5)]
            texts.append((line, (None, following[0], " ".join(following))[(index + number) % 3]))
    return texts
