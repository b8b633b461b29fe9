"""Calibration: typical inputs, from which ranges of activations, outlier channels and Hessians are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.samples.texts import Text
from albert_export.samples.token_ids import CALIBRATION_REQUESTS, id_requests, id_requests_from
from albert_export.utils.evenly_spaced import evenly_spaced
from albert_export.utils.text_file import read_text, split_lines
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import UsageError
from albert_runtime.tasks import CHOICES, INPUT_NAMES, Task
from albert_runtime.token_ids import padding_id
from albert_runtime.tokenization.padding import pad_batch

#: the default number of inputs: more of them hardly change the ranges, and each takes a run of the model
_MOST = 64
#: the longest input, in tokens, to a graph without a static length
_LENGTH = 128
#: the smallest size of a file; the ranges of a word or two are too narrow for real inputs
_FEWEST_CHARACTERS = 20


def read_calibration_texts(file: str | Path) -> list[Text]:
    """Read the texts of a UTF-8 file, one on each line, with a tab between the two texts of a pair.

    Raises:
        UsageError: the file can't be read, is not UTF-8 text, or has less text than a sentence.
    """
    file = Path(file)
    advice = "give a UTF-8 text file with a typical input on each line, a tab between the texts of a pair"
    whole = read_text(file, "calibration data", advice)
    lines = (line.partition("\t") for line in split_lines(whole))
    texts = [(first, second.strip() or None) for first, _, second in lines]
    texts = [text for text in texts if text[0].strip()]
    if not texts:
        raise UsageError(f"the calibration data {file} is empty, or has only texts after tabs; {advice}")
    characters = sum(len(text) for pair in texts for text in pair if text)
    if characters < _FEWEST_CHARACTERS:
        raise UsageError(
            f"the calibration data {file} holds {characters} characters, less than a sentence: ranges found with it "
            f"would be too narrow for real inputs; {advice}, some dozens of them"
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
    """Return inputs of the task's graph by name: int64 `[1, sequence]`, or `[1, 1, sequence]` for multiple choice.

    Args:
        texts: if there are more than `count`, evenly spaced ones are used.
        tokenizer: of the model.
        task: the task of the graph.
        longest: the number of tokens that the model supports.
        sequence_length: the length of a graph with static shapes; None leaves each sample its own length.
        count: the largest number of samples.
    """
    length = sequence_length or min(_LENGTH, longest)
    samples = []
    for text, pair in evenly_spaced(texts, count):
        encoding = tokenizer(text, pair, truncation="longest_first", max_length=length).encodings[0]
        batch = pad_batch([encoding], pad_token_id=tokenizer.pad_token_id, length=sequence_length)
        if CHOICES in task.input_axes:
            batch = {name: array[:, None] for name, array in batch.items()}
        samples.append(batch)
    return samples


def calibration_id_samples(
    texts: Sequence[Text],
    config: Mapping[str, Any],
    task: Task,
    *,
    longest: int,
    sequence_length: int | None = None,
    count: int = _MOST,
) -> list[dict[str, NDArray[np.int64]]]:
    """Return inputs as `calibration_samples` does, for a model without a tokenizer.

    Args:
        texts: the user's own sequences, lines of ids; if there are none, ids are drawn from the vocabulary.
        config: the content of config.json.
        task, longest, sequence_length, count: see `calibration_samples`.

    Raises:
        UsageError: the texts are no ids; the message lists them.
    """
    length = sequence_length or min(_LENGTH, longest)
    if texts:
        chosen = evenly_spaced(texts, count)
        count = len(chosen)
        requests = id_requests_from(chosen, config, task, longest=length)
    else:
        requests = id_requests(config, task, CALIBRATION_REQUESTS, longest=length)
    choices = CHOICES in task.input_axes
    samples = []
    for request in requests:
        rows = [request[name] for name in ("input_ids", "token_type_ids")]
        for ids, types in zip(*rows, strict=True) if choices else [rows]:
            size, behind = len(ids), (sequence_length or len(ids)) - len(ids)
            padded = ([*ids, *[padding_id(config)] * behind], [1] * size + [0] * behind, [*types, *[0] * behind])
            arrays = zip(INPUT_NAMES, padded, strict=True)
            axes = (1, 1, -1) if choices else (1, -1)
            samples.append({name: np.array(values, np.int64).reshape(axes) for name, values in arrays})
    return samples[:count]
