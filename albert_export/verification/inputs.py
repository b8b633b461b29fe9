"""The inputs on which the values of two sessions are compared: running text, padded, in many lengths and batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from albert_export.samples.sample_texts import SampleTexts
from albert_export.samples.token_ids import TokenSource
from albert_runtime import AlbertSession, AlbertTokenizer
from albert_runtime.tasks import CHOICES, INPUT_NAMES, Task

Arrays = dict[str, NDArray[np.int64]]
#: the most added tokens that are compared
ADDED_TOKENS = 100
#: ids from all over a vocabulary that knows none of the samples
_RUNNING_IDS = 512


def token_source(session: AlbertSession, samples: SampleTexts) -> TokenSource:
    """Return the tokens of the sample sentences, or tokens drawn from the vocabulary if there is no tokenizer."""
    if not session.manifest.has_tokenizer:
        return TokenSource.of_config(session.bundle.config)
    tokenizer = session.tokenizer
    added = [*tokenizer.vocabulary.beyond_pieces.values()][:ADDED_TOKENS]
    text = _running_ids(tokenizer, samples)
    # the added tokens come early, so that sequences of most lengths have some
    ids = np.array([*text[:2], *added, *text[2:]], np.int64)
    return TokenSource(ids, tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id)


def value_cases(source: TokenSource, task: Task, longest: int) -> Iterator[tuple[str, Arrays]]:
    """Yield inputs, each with a label: lengths from 1 to `longest`, ragged batches, 2 to 7 choices."""
    lengths = sorted({length for length in (1, 2, 3, 5, 8, 17, 33, 64, 129, 256, longest) if length <= longest})
    if CHOICES in task.input_axes:
        for choices, length in zip((2, 3, 4, 5, 6, 7, 2), (*lengths[:6], lengths[-1]), strict=False):
            yield f"{choices} choices of {length} tokens", _batch(source, [length] * choices, choices)
        ragged = [min(longest, length) for length in (21, 5, 9, 2, 16, 11)]
        yield "2 x 3 ragged choices", _batch(source, ragged, 3)
        return
    for length in lengths:
        yield f"1 x {length} tokens", _batch(source, [length])
    yield "ragged batch of 4", _batch(source, [min(longest, length) for length in (40, 1, 17, 29)])


def _running_ids(tokenizer: AlbertTokenizer, samples: SampleTexts) -> list[int]:
    """The token ids of the samples; if most of them would be unknown, ids from all over the vocabulary."""
    if samples.is_unknown:
        ids = tokenizer.vocabulary.all_ids
        return [int(index) for index in np.roll(ids, len(ids) // 2)[:: max(1, len(ids) // _RUNNING_IDS)]]
    return [i for line in samples.sentences for i in tokenizer.encode(line, add_special_tokens=False)]


def padding_rows(session: AlbertSession, samples: SampleTexts) -> list[Arrays]:
    """Return the inputs for three sequences of different lengths, each of one axis."""
    if not session.manifest.has_tokenizer:
        source = token_source(session, samples)
        lengths = [min(length, session.max_length) for length in (24, 9, 15)]
        cases = [_batch(source, [length]) for length in lengths]
        return [{name: array[0] for name, array in case.items()} for case in cases]
    rows = []
    for line in samples.sentences[:3]:
        encoding = session.tokenizer(line, truncation=True, max_length=session.max_length).encodings[0]
        fields = (encoding.ids, encoding.attention_mask, encoding.type_ids)
        rows.append({name: np.array(values, np.int64) for name, values in zip(INPUT_NAMES, fields, strict=True)})
    return rows


def _batch(source: TokenSource, lengths: list[int], choices: int = 0) -> Arrays:
    """Return padded rows of running text, a row for each of `lengths`; with `choices`, so many rows form an example.

    Each row begins with [CLS] and ends with [SEP] where there is room for both. Its second half is the second segment,
    if the model has two.
    """
    shape = (len(lengths), max(lengths))
    arrays = {name: np.zeros(shape, np.int64) for name in INPUT_NAMES}
    arrays["input_ids"][:] = source.pad
    for row, length in enumerate(lengths):
        arrays["input_ids"][row, :length] = source.sequence(31 * row, length)
        arrays["attention_mask"][row, :length] = 1
        arrays["token_type_ids"][row, :length] = source.types(length)
    if choices:
        return {name: array.reshape(-1, choices, shape[1]) for name, array in arrays.items()}
    return arrays
