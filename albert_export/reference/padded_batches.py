"""Padded batches: the inputs of single runs, put together by their lengths so that hardly anything is padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime.engines import Arrays
from albert_runtime.tasks import Task

#: the most tokens of a batch. Matrix products of so many rows are as fast as larger ones (measured with albert-base,
#: PyTorch and TensorFlow), and smaller batches are padded less and can be spread over more cores
_MOST_TOKENS = 512
#: the share of its length that the shortest sequence of a batch has of the longest at least
_LEAST_SHARE = 0.9


@dataclass(frozen=True)
class PaddedBatch:
    """Several single runs as one."""

    #: the arrays of all runs, one after the other along the first axis, padded behind their ends
    inputs: Arrays
    #: the index of each run, and the length of its sequence
    rows: tuple[tuple[int, int], ...]
    #: for each run, the size of the last axis of each input
    sizes: tuple[dict[str, int], ...]

    def split(self, outputs: Arrays, task: Task) -> Iterator[tuple[int, Arrays]]:
        """The index of each run with its own outputs, which are cut to the sizes of its inputs.

        The batch axis stays, of size 1.
        """
        for row, ((index, _), own) in enumerate(zip(self.rows, self.sizes, strict=True)):
            sizes = {axes[-1]: own[name] for name, axes in task.inputs().items()}
            alone = {}
            for name, array in outputs.items():
                cut = tuple(slice(sizes.get(axis)) for axis in task.outputs[name][1:])
                alone[name] = array[(slice(row, row + 1), *cut)].copy()
            yield index, alone


def padded_batches(
    many: Sequence[Mapping[str, NDArray[Any]]], *, pad_id: int, same_length: bool = False
) -> list[PaddedBatch]:
    """Put `many` single runs together to batches of similar lengths, the longest first.

    Args:
        many: the inputs of each run, `[1, sequence]` or `[1, choices, sequence]`; places of masks are `[1, masks]`.
        pad_id: the token id of padding; the mask and the token types of padding are 0.
        same_length: put only sequences of equal lengths together.
    """
    groups: list[list[int]] = []
    shapes = [inputs["input_ids"].shape for inputs in many]
    for index in sorted(range(len(many)), key=lambda index: (shapes[index][1:-1], -shapes[index][-1])):
        shape = shapes[index]
        if groups:
            first = shapes[groups[-1][0]]
            tokens = (len(groups[-1]) + 1) * int(np.prod(first))
            share = 1.0 if same_length else _LEAST_SHARE
            if first[1:-1] == shape[1:-1] and tokens <= _MOST_TOKENS and shape[-1] >= share * first[-1]:
                groups[-1].append(index)
                continue
        groups.append([index])
    # The longest batches run first, so that no core has a long one left when the others have ended.
    groups.sort(key=lambda group: -len(group) * int(np.prod(shapes[group[0]])))
    return [_batch(many, group, pad_id) for group in groups]


def _batch(many: Sequence[Mapping[str, NDArray[Any]]], group: list[int], pad_id: int) -> PaddedBatch:
    sizes = tuple({name: array.shape[-1] for name, array in many[index].items()} for index in group)
    inputs: Arrays = {}
    for name in many[group[0]]:
        fill = pad_id if name == "input_ids" else 0
        rows = [many[index][name] for index in group]
        longest = max(own[name] for own in sizes)
        inputs[name] = np.concatenate(
            [
                np.pad(row, [(0, 0)] * (row.ndim - 1) + [(0, longest - row.shape[-1])], constant_values=fill)
                for row in rows
            ]
        )
    return PaddedBatch(inputs, tuple((index, own["input_ids"]) for index, own in zip(group, sizes, strict=True)), sizes)
