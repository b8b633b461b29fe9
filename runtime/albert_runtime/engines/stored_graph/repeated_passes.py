"""Finds the passes of a layer that are the same, and has a graph hold one of them, in a Loop.

onnxruntime packs the weights of each MatMul when a session opens. It keeps what is equal once, but packs and compares
it for every node, so that the twelve passes of an ALBERT take twelve times the time of one. In a Loop there is one.
The nodes of the pass are those of the graph, and compute the same values.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from typing import NamedTuple

from albert_runtime.engines.stored_graph.onnx_messages import BOOL, INT64, Node, graph, node, scalar, value

#: a Loop for fewer passes would gain little
_FEWEST = 3
#: the search takes time that grows with the square of this
_MOST_NODES = 3000
_PREFIX = "albert_runtime.passes."


class Rolled(NamedTuple):
    """A graph with a Loop, or without one if there are no such passes."""

    #: the encoded NodeProtos, in their order
    nodes: list[bytes]
    #: the encoded TensorProtos of the initializers that the Loop needs
    initializers: list[bytes]
    #: how many passes the Loop stands for; 0 if there is none
    passes: int


class _Passes(NamedTuple):
    """Passes that follow each other."""

    #: the number of the first node
    start: int
    #: the number of nodes in each
    length: int
    #: how many passes there are
    passes: int
    #: the values that a pass takes from the one before it: the node in the pass, and the output of that node
    carried: list[tuple[int, int]]
    #: the names of these values in front of the first pass
    given: list[str]


def rolled(nodes: Sequence[Node], constants: Collection[str], outputs: Collection[str]) -> Rolled:
    """The graph with its passes in a Loop.

    Args:
        nodes: the nodes of the graph, each behind those that it reads.
        constants: the names of the initializers, which all passes share.
        outputs: the names of the graph's outputs.
    """
    unchanged = Rolled([one.content for one in nodes], [], 0)
    names = {name for one in nodes for name in (*one.inputs, *one.outputs)}
    usable = len(nodes) <= _MOST_NODES and not any(one.has_graph for one in nodes)
    if not usable or any(name.startswith(_PREFIX) for name in names):
        return unchanged
    passes = _find(nodes, constants)
    if passes is None or _leaks(nodes, passes, outputs):
        return unchanged
    count, enough, number, going_on, gone_on = (
        f"{_PREFIX}{name}" for name in ("count", "true", "number", "continue", "continued")
    )
    first, second, last = (_carried_names(nodes, passes, one) for one in (0, 1, passes.passes - 1))
    # The body is the second pass: unlike the first one, it reads its inputs by names that are free in the new graph.
    body = graph(
        [
            *(one.content for one in nodes[passes.start + passes.length : passes.start + 2 * passes.length]),
            node("Identity", [going_on], [gone_on], f"{_PREFIX}identity"),
        ],
        f"{_PREFIX}body",
        [value(number, INT64), value(going_on, BOOL), *map(value, first)],
        [value(gone_on, BOOL), *map(value, second)],
    )
    loop = node("Loop", [count, enough, *passes.given], last, f"{_PREFIX}loop", body)
    end = passes.start + passes.passes * passes.length
    return Rolled(
        [*unchanged.nodes[: passes.start], loop, *unchanged.nodes[end:]],
        [scalar(count, INT64, struct.pack("<q", passes.passes)), scalar(enough, BOOL, b"\x01")],
        passes.passes,
    )


def _find(nodes: Sequence[Node], constants: Collection[str]) -> _Passes | None:
    """The passes that cover the most nodes; None if there are not enough of them."""
    numbers: dict[object, int] = {}
    kinds = [numbers.setdefault(_looks(one, constants), len(numbers)) for one in nodes]
    longest, first, period = 0, 0, 0
    for length in range(1, len(kinds) // _FEWEST + 1):
        run = 0  # how many nodes in a row are like those that are `length` before them
        for place in range(length, len(kinds)):
            run = run + 1 if kinds[place] == kinds[place - length] else 0
            # Multiples of the true length repeat as well, but cover less.
            if run > longest and run >= (_FEWEST - 1) * length:
                longest, first, period = run, place - run - length + 1, length
    if not period:
        return None
    found = []
    for start in range(first, first + period):
        passes = _linked(nodes, start, period, (longest + period - (start - first)) // period)
        if passes is not None:
            found.append(passes)
    # Cut elsewhere, the same nodes hand over more values.
    return min(found, key=lambda one: (len(one.carried), -one.passes), default=None)


def _looks(one: Node, constants: Collection[str]) -> tuple[object, ...]:
    """What is equal for the same node of each pass."""
    inputs = tuple(name if name in constants or not name else None for name in one.inputs)
    return one.kind, inputs, tuple(map(bool, one.outputs))


def _linked(nodes: Sequence[Node], start: int, length: int, count: int) -> _Passes | None:
    """The passes from `start` on, if each takes the same from the one before it, and all the same from elsewhere."""
    if count < _FEWEST:
        return None
    passes = [nodes[start + number * length : start + (number + 1) * length] for number in range(count)]
    sources = [_sources(one, passes[number - 1] if number else ()) for number, one in enumerate(passes)]
    carried: dict[tuple[int, int], str] = {}
    for first, second in zip(sources[0], sources[1], strict=True):
        if isinstance(second, _Before):
            # The first pass takes a value of the graph there, and always the same one.
            if not isinstance(first, str) or carried.setdefault(second.place, first) != first:
                return None
        elif first != second:
            return None
    if not carried or any(one != sources[1] for one in sources[2:]):
        return None
    return _Passes(start, length, count, list(carried), list(carried.values()))


class _Before(NamedTuple):
    """A value of the pass before."""

    place: tuple[int, int]


def _sources(one: Sequence[Node], before: Sequence[Node]) -> list[object]:
    """Where each input of a pass comes from: a place in the pass, one in the pass before it, or a name elsewhere."""
    own, earlier = _places(one), _places(before)
    sources: list[object] = []
    for name in (name for each in one for name in each.inputs):
        sources.append(own[name] if name in own else _Before(earlier[name]) if name in earlier else name)
    return sources


def _places(nodes: Sequence[Node]) -> dict[str, tuple[int, int]]:
    return {
        name: (number, output) for number, one in enumerate(nodes) for output, name in enumerate(one.outputs) if name
    }


def _carried_names(nodes: Sequence[Node], passes: _Passes, number: int) -> list[str]:
    """The names of what pass `number` hands over."""
    first = passes.start + number * passes.length
    return [nodes[first + place].outputs[output] for place, output in passes.carried]


def _leaks(nodes: Sequence[Node], passes: _Passes, outputs: Collection[str]) -> bool:
    """Whether a value inside the passes is read behind them, other than what the last pass hands over."""
    end = passes.start + passes.passes * passes.length
    inside = {name for one in nodes[passes.start : end] for name in one.outputs}
    inside -= set(_carried_names(nodes, passes, passes.passes - 1))
    read = {name for one in nodes[end:] for name in one.inputs}
    return bool(inside & (read | set(outputs)))
