"""Typical inputs, for the precisions that look at activations: `int8-static` for their ranges, `int4` to round by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albert_export.samples import sentences
from albert_export.targets import Plan
from albert_runtime import AlbertTokenizer
from albert_runtime.batch import pad_batch
from albert_runtime.errors import UsageError
from albert_runtime.tasks import CHOICES, Task

#: a text, or a pair of texts
Text = tuple[str, str | None]

#: ranges hardly move after some dozens of inputs, and each takes a run of the model
_MOST = 64
#: of inputs to a graph without a static length
_LENGTH = 128


def read_calibration_texts(file: str | Path) -> list[Text]:
    """The texts of a UTF-8 file, one a line; a tab stands between the two texts of a pair.

    Raises:
        UsageError: there is no such file, it is empty, or not text.
    """
    file = Path(file)
    advice = "give a UTF-8 text file with a typical input on each line, a tab between the texts of a pair"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read the calibration data {file}: {error.strerror or error}; {advice}") from error
    try:
        whole = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"the calibration data {file} is not text, see byte {error.start:,}; {advice}") from error
    if "\0" in whole:
        raise UsageError(f"the calibration data {file} is not text: it holds zero bytes; {advice}")
    lines = (line.partition("\t") for line in whole.splitlines())
    texts = [(first, second.strip() or None) for first, _, second in lines]
    texts = [text for text in texts if text[0].strip()]
    if not texts:
        raise UsageError(f"the calibration data {file} is empty; {advice}")
    return texts


def bundled_texts() -> list[Text]:
    """Single sentences, pairs and paragraphs of samples.txt."""
    lines = sentences()
    following = [*lines[1:], lines[0]]
    paragraphs = [" ".join(lines[start : start + 8]) for start in range(0, len(lines), 8)]
    return [
        *((line, None) for line in lines),
        *zip(lines, following, strict=True),
        *zip(lines, paragraphs, strict=False),
    ]


def calibration_samples(
    texts: Sequence[Text], tokenizer: AlbertTokenizer, task: Task, plan: Plan
) -> list[dict[str, NDArray[np.int32]]]:
    """Inputs of the planned graph: `[1, sequence]`, with a choice between for multiple choice.

    Of more texts than are needed, some are taken from all over the file.
    """
    count = min(len(texts), _MOST)
    length = plan.sequence_length or min(_LENGTH, plan.longest)
    samples = []
    for index in range(count):
        text, pair = texts[index * len(texts) // count]
        encoding = tokenizer(text, pair, truncation="longest_first", max_length=length).encodings[0]
        batch = pad_batch([encoding], pad_token_id=tokenizer.pad_token_id, length=plan.sequence_length)
        if CHOICES in task.input_axes:
            batch = {name: array[:, None] for name, array in batch.items()}
        samples.append({name: array.astype(np.int32) for name, array in batch.items()})
    return samples
