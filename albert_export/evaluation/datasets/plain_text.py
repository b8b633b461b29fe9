"""Plain text as examples: words to mask, and neighbouring lines whose order is to be told."""

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

#: of the words of a text, those that are masked; as in the training of BERT and ALBERT
_MASKED_SHARE = 0.15
#: words between white space in one request. Both lengths fit models of 128 tokens, and leave room for rare words.
_LONGEST = 64
_LONGEST_OF_PAIR = 32
#: a word of letters, between white space but for punctuation after it
_WORD = re.compile(r"(?<!\S)[^\W\d_]+(?=[\s.,;:!?)]|$)")


def read_masks(file: Path, text: str) -> Dataset:
    """Words of the file, each masked alone: 15% of those of each line, and at least one, the same ones every time.

    A word is a run of letters between white space, with or without punctuation after it. Lines of more than 64 words
    are parted.

    Raises:
        UsageError: the file holds [MASK] already, or no such word.
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
        raise UsageError(f"{file} holds no word to mask; give sentences, one or more on each line")
    return Dataset(file, "fill-mask", "masks", tuple(examples))


def read_orders(file: Path, text: str) -> Dataset:
    """Pairs of neighbouring lines, half of them swapped at random, with one word masked; the same ones every time.

    A blank line parts texts that have nothing to do with each other. Of each line, the first 32 words are taken.

    Raises:
        UsageError: the file holds [MASK] already, or no two lines stand together.
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
            f"{file} has no two lines that stand together; give sentences in their order, one on each line"
        )
    return Dataset(file, "pretraining", "masks and order", tuple(examples))


def _lines(file: Path, text: str) -> list[str]:
    lines = [line.strip() for line in split_lines(text)]
    problems = [f"line {number}: {line!r:.60}" for number, line in enumerate(lines, 1) if MASK_TOKEN in line]
    refuse(f"{file} holds {MASK_TOKEN} already:", problems, "Give plain text; words are masked here.")
    return lines


def _parts(line: str, longest: int) -> list[str]:
    """`line` in parts of at most `longest` words, with the white space between them as it is."""
    starts = [word.start() for word in re.finditer(r"\S+", line)][::longest]
    return [line[start:end].rstrip() for start, end in pairwise([*starts, len(line)])]


def _masked(text: str, word: re.Match[str]) -> str:
    return text[: word.start()] + MASK_TOKEN + text[word.end() :]
