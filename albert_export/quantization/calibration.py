"""Typical inputs: to find ranges and outliers of activations by, to round weights by, and to hold answers against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albert_export.samples.texts import Text
from albert_export.utils.text_file import read_text, split_lines
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import UsageError
from albert_runtime.tasks import CHOICES, Task
from albert_runtime.tokenization.padding import pad_batch

#: ranges hardly move after some dozens of inputs, and each takes a run of the model
_MOST = 64
#: of inputs to a graph without a static length
_LENGTH = 128
#: characters that a sentence has at least; what a word or two show of a model's ranges is no guide
_FEWEST_CHARACTERS = 20


def read_calibration_texts(file: str | Path) -> list[Text]:
    """The texts of a UTF-8 file, one a line; a tab stands between the two texts of a pair.

    Raises:
        UsageError: there is no such file, it is empty, or not text.
    """
    file = Path(file)
    advice = "give a UTF-8 text file with a typical input on each line, a tab between the texts of a pair"
    whole = read_text(file, "calibration data", advice)
    lines = (line.partition("\t") for line in split_lines(whole))
    texts = [(first, second.strip() or None) for first, _, second in lines]
    texts = [text for text in texts if text[0].strip()]
    if not texts:
        raise UsageError(f"the calibration data {file} is empty but for texts after tabs; {advice}")
    characters = sum(len(text) for pair in texts for text in pair if text)
    if characters < _FEWEST_CHARACTERS:
        raise UsageError(
            f"the calibration data {file} holds {characters} characters, less than a sentence: ranges found with it "
            f"would cut off what real inputs need; {advice}, some dozens of them"
        )
    return texts


def calibration_samples(
    texts: Sequence[Text],
    tokenizer: AlbertTokenizer,
    task: Task,
    *,
    longest: int,
    sequence_length: int | None = None,
    count: int = _MOST,
) -> list[dict[str, NDArray[np.int64]]]:
    """Inputs of the task's graph: `[1, sequence]`, with a choice between for multiple choice.

    Args:
        texts: of more than `count`, some are taken from all over.
        tokenizer: of the model.
        task: whose inputs to make.
        longest: the most tokens that the model takes.
        sequence_length: of a graph with static shapes; None leaves each sample its own length.
        count: the most samples to make.
    """
    count = min(len(texts), count)
    length = sequence_length or min(_LENGTH, longest)
    samples = []
    for index in range(count):
        text, pair = texts[index * len(texts) // count]
        encoding = tokenizer(text, pair, truncation="longest_first", max_length=length).encodings[0]
        batch = pad_batch([encoding], pad_token_id=tokenizer.pad_token_id, length=sequence_length)
        if CHOICES in task.input_axes:
            batch = {name: array[:, None] for name, array in batch.items()}
        samples.append(batch)
    return samples
