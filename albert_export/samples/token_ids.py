"""Sequences of token ids for models without a tokenizer: drawn from the vocabulary, and the same ones every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.config_file import is_int
from albert_export.samples.texts import Text
from albert_runtime.errors import UsageError, listed
from albert_runtime.tasks import CHOICES, Task
from albert_runtime.token_ids import first_problems, padding_id, parse_numbers

#: what the data is called in reports
DRAWN_IDS = "token ids drawn from the vocabulary"
#: the number of requests that the answers of a quantized graph are compared on, and that calibrate it: about as many as
#: the bundled corpus has for models with a tokenizer
COMPARED_REQUESTS = 120
CALIBRATION_REQUESTS = 64

_SEED = 20190926
#: ids in the running sequence that all sequences are cut from
_RUNNING_IDS = 4096
#: the roles of special tokens, whose ids config.json may name
_ROLES = ("pad", "unk", "bos", "eos", "cls", "sep", "mask")
#: the least and the most tokens of a sequence, and of those of self-tests, which run whenever a bundle is loaded
_LENGTHS = (4, 96)
_SHORT_LENGTHS = (4, 12)
_MOST_CHOICES = 4


@dataclass(frozen=True)
class TokenSource:
    """What sequences of token ids are made of."""

    #: a long run of ordinary ids, int64 `[ids]`
    ids: NDArray[np.int64]
    #: the id that fills sequences up
    pad: int
    #: the ids that begin and end a sequence; None if there are none
    first: int | None
    last: int | None
    #: the number of token types; with two or more, the second half of a pair has type 1
    segments: int = 2

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> TokenSource:
        """Ids drawn from the vocabulary of `config`, the content of config.json, without its special tokens.

        What has the role of [CLS] begins a sequence, and what has that of [SEP] ends it; ALBERT's configurations call
        them `bos_token_id` and `eos_token_id`.
        """
        size = config["vocab_size"]
        named = {role: config.get(f"{role}_token_id") for role in _ROLES}
        known = {role: one for role, one in named.items() if is_int(one) and 0 <= one < size}
        ordinary = np.setdiff1d(np.arange(size), [*known.values(), padding_id(config)])
        if not ordinary.size:
            ordinary = np.arange(size)
        return cls(
            ids=np.random.default_rng(_SEED).choice(ordinary, _RUNNING_IDS).astype(np.int64),
            pad=padding_id(config),
            first=known.get("cls", known.get("bos")),
            last=known.get("sep", known.get("eos")),
            segments=config.get("type_vocab_size", 2),
        )

    def sequence(self, start: int, length: int) -> NDArray[np.int64]:
        """`length` ids of the running sequence from `start` on, the first and the last of them special; `[length]`."""
        tokens = np.resize(np.roll(self.ids, -start), length)
        if self.first is not None:
            tokens[0] = self.first
        if self.last is not None:
            tokens[-1] = self.last
        return tokens

    def types(self, length: int) -> NDArray[np.int64]:
        """The token types of a pair of `length` tokens: 0 for the first half and 1 for the second; `[length]`."""
        return (np.arange(length) >= (length // 2 if self.segments > 1 else length)).astype(np.int64)


def id_requests(
    config: Mapping[str, Any], task: Task, count: int = 6, *, longest: int, short: bool = False
) -> list[dict[str, Any]]:
    """`count` requests for `session.run_ids`, as its keyword arguments of JSON types; every second one is a pair.

    Args:
        config: the content of config.json.
        task: the task; a request for multiple choice has two to four choices.
        count: the number of requests.
        longest: the most tokens of a sequence.
        short: make requests of few tokens, for self-tests.
    """
    source = TokenSource.of_config(config)
    low, high = (min(longest, one) for one in (_SHORT_LENGTHS if short else _LENGTHS))
    random = np.random.default_rng(_SEED + 1)
    requests = []
    for index in range(count):
        choices = int(random.integers(2, _MOST_CHOICES + 1)) if CHOICES in task.input_axes else 1
        lengths = [int(length) for length in random.integers(low, high + 1, choices)]
        starts = [int(start) for start in random.integers(0, _RUNNING_IDS, choices)]
        rows = [source.sequence(start, length).tolist() for start, length in zip(starts, lengths, strict=True)]
        pair = choices > 1 or index % 2
        types = [source.types(length).tolist() if pair else [0] * length for length in lengths]
        requests.append(_request(rows, types, task))
    return requests


def id_requests_from(
    texts: Sequence[Text], config: Mapping[str, Any], task: Task, *, longest: int
) -> list[dict[str, Any]]:
    """Requests for `session.run_ids` made of lines of ids; the second text of a pair has the second token type.

    What is longer than `longest` is cut off at the end.

    Raises:
        UsageError: what stands there is no id of the vocabulary; the message lists every such text.
    """
    size, problems, requests = config["vocab_size"], [], []
    for number, text in enumerate(texts, start=1):
        parts = [parse_numbers(part or "") for part in text]
        ids = [one for part in parts for one in part if isinstance(one, int) and 0 <= one < size]
        wrong = [str(one) for part in parts for one in part if one not in ids]
        if wrong:
            problems.append(f"sequence {number}: {', '.join(wrong[:8])}")
            continue
        ids = ids[:longest]
        first = len(parts[0]) if config.get("type_vocab_size", 2) > 1 else len(ids)
        requests.append(_request([ids], [[int(place >= first) for place in range(len(ids))]], task))
    if problems:
        headline = f"without a tokenizer, calibration data are token ids from 0 to {size - 1}, a sequence on each line:"
        raise UsageError(listed(headline, first_problems(problems)))
    return requests


def _request(rows: list[list[int]], types: list[list[int]], task: Task) -> dict[str, Any]:
    if CHOICES in task.input_axes:
        return {"input_ids": rows, "token_type_ids": types}
    return {"input_ids": rows[0], "token_type_ids": types[0]}
