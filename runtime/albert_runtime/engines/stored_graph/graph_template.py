"""GraphTemplate: an optimized graph without its large weights, which stay in the file of the model.

The graph of albert-base-v2 takes 20 kB in this way, where the model has 44 MB. onnxruntime maps the weights from the
model's file, so that those which it packs are not read into memory first, and of a table of embeddings only the rows
that are looked up.
"""

from __future__ import annotations

import base64
import json
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from albert_runtime.engines.stored_graph.onnx_messages import (
    GRAPH_INITIALIZER,
    GRAPH_NODE,
    GRAPH_OUTPUT,
    MODEL_GRAPH,
    Node,
    Tensor,
    read_node,
    read_tensor,
    value_name,
    with_place,
    with_values,
)
from albert_runtime.engines.stored_graph.repeated_passes import rolled
from albert_runtime.protobuf import bytes_field, fields

#: initializers of fewer bytes stay in the graph
SMALL_BYTES = 1024
#: weights that the optimization has changed are kept in the template, if they are not more than this
_MOST_NEW_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20
_HEADER = struct.Struct("<I")


@dataclass(frozen=True)
class Weight:
    """An initializer whose values are in the file of the model."""

    #: the encoded TensorProto without its values
    head: bytes
    #: the place of its values behind the first byte of the model, and their bytes
    offset: int
    length: int


@dataclass(frozen=True)
class GraphTemplate:
    """An optimized graph, as an encoded ModelProto without the initializers in `weights`."""

    graph: bytes
    weights: tuple[Weight, ...]

    def model(self, file: str, start: int) -> bytes:
        """The graph as an encoded ModelProto.

        Args:
            file: the name of the file that holds the model.
            start: the place of the model's first byte in it.
        """
        tensors = (with_place(one.head, file, start + one.offset, one.length) for one in self.weights)
        # Where a field with a message is there twice, protobuf's readers merge the two.
        return self.graph + bytes_field(
            MODEL_GRAPH, b"".join(bytes_field(GRAPH_INITIALIZER, tensor) for tensor in tensors)
        )

    def to_bytes(self) -> bytes:
        """The template, as `from_bytes` reads it."""
        weights = [[base64.b64encode(one.head).decode(), one.offset, one.length] for one in self.weights]
        header = json.dumps(weights).encode()
        return _HEADER.pack(len(header)) + header + self.graph

    @classmethod
    def from_bytes(cls, content: bytes) -> GraphTemplate:
        """The template in `content`.

        Raises:
            ValueError, TypeError, struct.error: it is none.
        """
        (length,) = _HEADER.unpack_from(content)
        end = _HEADER.size + length
        records = json.loads(content[_HEADER.size : end])
        weights = tuple(Weight(base64.b64decode(head), offset, size) for head, offset, size in records)
        return cls(content[end:], weights)


def make_template(optimized: Path, model: Path, start: int, length: int) -> GraphTemplate | None:
    """The template of a model; None if the optimization has changed most of its weights.

    Args:
        optimized: the optimized model that onnxruntime wrote, with its large initializers in other files beside it.
        model: the file that holds the model it was made of.
        start: the place of the model's first byte in it.
        length: the bytes of the model.

    Raises:
        ValueError, IndexError, KeyError, OSError: a file can't be read, or is not such a model.
    """
    with model.open("rb") as stream:
        stored = _raw_data_in(stream, start, length)
        content = optimized.read_bytes()
        others, (place, end) = _around_graph(content)
        nodes: list[Node] = []
        constants: set[str] = set()
        outputs: set[str] = set()
        weights: list[Weight] = []
        rest: list[bytes] = []
        new_bytes = 0
        for field in fields(content, place, end):
            message = content[field.start : field.end]
            if field.number == GRAPH_NODE:
                nodes.append(read_node(message))
                continue
            if field.number == GRAPH_OUTPUT:
                outputs.add(value_name(message))
            if field.number != GRAPH_INITIALIZER:
                rest.append(content[field.begin : field.end])
                continue
            tensor = read_tensor(message)
            constants.add(tensor.name)
            if not tensor.external:
                rest.append(content[field.begin : field.end])
                continue
            values = _ExternalValues(optimized.parent, tensor)
            offset = stored.get((tensor.name, values.length))
            if offset is not None and values.same_as(stream, start + offset):
                weights.append(Weight(tensor.head, offset, values.length))
                continue
            new_bytes += values.length
            if new_bytes > _MOST_NEW_BYTES:
                return None
            rest.append(bytes_field(GRAPH_INITIALIZER, with_values(tensor.head, values.read())))
    loop = rolled(nodes, constants, outputs)
    rest += [bytes_field(GRAPH_INITIALIZER, one) for one in loop.initializers]
    graph = b"".join(bytes_field(GRAPH_NODE, one) for one in loop.nodes) + b"".join(rest)
    return GraphTemplate(others + bytes_field(MODEL_GRAPH, graph), tuple(weights))


class _ExternalValues:
    """The values of an initializer, in a file beside the model."""

    def __init__(self, folder: Path, tensor: Tensor) -> None:
        self._file = folder / tensor.external["location"]
        self._offset = int(tensor.external.get("offset", "0"))
        self.length = int(tensor.external["length"])

    def read(self) -> bytes:
        with self._file.open("rb") as stream:
            stream.seek(self._offset)
            return stream.read(self.length)

    def same_as(self, other: BinaryIO, place: int) -> bool:
        """Whether the file `other` has the same bytes at `place`."""
        with self._file.open("rb") as stream:
            stream.seek(self._offset)
            other.seek(place)
            left = self.length
            while left:
                count = min(left, _CHUNK_BYTES)
                if stream.read(count) != other.read(count):
                    return False
                left -= count
        return True


def _around_graph(content: bytes) -> tuple[bytes, tuple[int, int]]:
    """The fields of a model but for its graph, and where that is."""
    others, place = [], (0, 0)
    for field in fields(content):
        if field.number == MODEL_GRAPH:
            place = (field.start, field.end)
        else:
            others.append(content[field.begin : field.end])
    return b"".join(others), place


def _raw_data_in(stream: BinaryIO, start: int, length: int) -> dict[tuple[str, int], int]:
    """The name and the bytes of each large initializer of a model -> the place of its values behind `start`."""
    found = {}
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for field in fields(content, start, start + length):
            if field.number != MODEL_GRAPH:
                continue
            for one in fields(content, field.start, field.end):
                if one.number == GRAPH_INITIALIZER:
                    tensor = read_tensor(content, one.start, one.end)
                    if tensor.raw_data is not None and tensor.raw_data[1] >= SMALL_BYTES:
                        place, size = tensor.raw_data
                        found[tensor.name, size] = place - start
    return found
