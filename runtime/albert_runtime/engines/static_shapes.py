"""Graphs of static shapes take one sequence (`[1, 384]`); larger batches are computed one sequence at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from albert_runtime.engines import Arrays

#: the declared size of a dynamic axis
ANY = -1


def fits(shape: Sequence[int], declared: Sequence[int]) -> bool:
    """Whether a graph that declares the shape `declared` can compute `shape`, at once or one sequence at a time."""
    last = len(declared) - 1
    return len(shape) == len(declared) and all(
        size > 0 and (limit in (ANY, size) or (limit == 1 and axis < last))
        for axis, (size, limit) in enumerate(zip(shape, declared, strict=True))
    )


def run_in_parts(feed: Arrays, declared: Sequence[int], compute: Callable[[Arrays], Arrays]) -> Arrays:
    """The outputs of `compute`, called for each index of those axes for which the graph takes only size 1.

    Args:
        feed: the inputs, all of the same shape, which `fits` what is declared.
        declared: the shape of every input, with `ANY` for dynamic axes.
        compute: runs the graph.
    """
    shape = next(iter(feed.values())).shape
    axes = [axis for axis, size in enumerate(declared) if size == 1 and shape[axis] > 1]
    if not axes:
        return compute(feed)
    outputs: Arrays = {}
    for place in np.ndindex(*(shape[axis] for axis in axes)):
        part = [slice(None)] * len(shape)
        for axis, row in zip(axes, place, strict=True):
            part[axis] = slice(row, row + 1)
        for name, output in compute({name: one[tuple(part)] for name, one in feed.items()}).items():
            if name not in outputs:
                whole = [shape[axis] if axis in axes else size for axis, size in enumerate(output.shape)]
                outputs[name] = np.empty(whole, output.dtype)
            outputs[name][tuple(part[: output.ndim])] = output
    return outputs
