"""Plain text as examples: words to mask, and pairs of neighbouring lines whose order the model predicts."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from random import Random

from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.datasets.parsing import refuse
from albert_export.utils.text_file import split_lines
from albert_runtime.errors import UsageError
from albert_runtime.tokenization.special_tokens import MASK_TOKEN

#: share of the words of a text that are masked, as in the training of BERT and ALBERT
_MASKED_SHARE = 0.15
#: the most words, separated by white space, of a text and of each text of a pair. Both fit models of 128 tokens, even
#: if some words are split into several pieces.
_LONGEST = 64
_LONGEST_OF_PAIR = 32
#: a word of letters only, between white space, with or without punctuation after it
_WORD = re.compile(r"(?<!\S)[^\W\d_]+(?=[\s.,;:!?)]|$)")


def read_masks(file: Path, text: str) -> Dataset:
    """Make an example of each word that is masked: 15% of the words of each line, but at least one.

    A word is a sequence of letters between white space, with or without punctuation after it. The words are chosen at
    random with a fixed seed, and each is masked alone. Lines of more than 64 words are split.

    Raises:
        UsageError: the file contains [MASK] already, or no such word.
    """
    rng = Random(0)
    examples = []
    for line in _lines(file, text):
        for part in _parts(line, _LONGEST):
            words = list(_WORD.finditer(part))
            count = max(1, round(_MASKED_SHARE * len(words))) if words else 0
            for word in sorted(rng.sample(words, count), key=re.Match.start):
                examples.append(Example({"text": _masked(part, word)}, word.group()))
    if not examples:
        raise UsageError(f"{file} has no word to mask; give sentences, one or more on each line")
    return Dataset(file, "fill-mask", "masks", tuple(examples))


def read_orders(file: Path, text: str) -> Dataset:
    """Make an example of each pair of neighbouring lines: half of them are swapped, and one word is masked.

    Both are chosen at random with a fixed seed. A blank line separates texts that have nothing to do with each other.
    Of each line, the first 32 words are used.

    Raises:
        UsageError: the file contains [MASK] already, or no line directly follows another.
    """
    rng = Random(0)
    examples = []
    for line, following in pairwise(_lines(file, text)):
        if not line or not following:
            continue
        texts = [_parts(one, _LONGEST_OF_PAIR)[0] for one in (line, following)]
        swapped = rng.random() < 0.5
        if swapped:
            texts.reverse()
        words = [(which, word) for which in range(2) for word in _WORD.finditer(texts[which])]
        masked = None
        if words:
            which, word = rng.choice(words)
            texts[which] = _masked(texts[which], word)
            masked = word.group()
        examples.append(Example({"first": texts[0], "second": texts[1]}, (not swapped, masked)))
    if not examples:
        raise UsageError(
            f"{file} has no two lines without a blank line between; give sentences in their order, one on each line"
        )
    return Dataset(file, "pretraining", "masks and order", tuple(examples))


def _lines(file: Path, text: str) -> list[str]:
    lines = [line.strip() for line in split_lines(text)]
    problems = [f"line {number}: {line!r:.60}" for number, line in enumerate(lines, 1) if MASK_TOKEN in line]
    refuse(f"{file} contains {MASK_TOKEN} already:", problems, "Give plain text; the evaluation masks words itself.")
    return lines


def _parts(line: str, longest: int) -> list[str]:
    """Split `line` into parts of at most `longest` words, and keep the white space within the parts."""
    starts = [word.start() for word in re.finditer(r"\S+", line)][::longest]
    return [line[start:end].rstrip() for start, end in pairwise([*starts, len(line)])]


def _masked(text: str, word: re.Match[str]) -> str:
    return text[: word.start()] + MASK_TOKEN + text[word.end() :]
