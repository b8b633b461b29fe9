"""The messages of ONNX (onnx.proto) that a stored graph is made of, read and written without the package onnx."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from albert_runtime.protobuf import Indexed, bytes_field, fields, number_field, text_field

# the numbers of fields
MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_NAME, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 2, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 3, 4, 5
_NODE_DOCUMENTATION, _NODE_METADATA = 6, 9
_ATTRIBUTE_NAME, _ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_TYPE = 1, 6, 11, 20
_TYPE_GRAPH = 5
_TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW_DATA, _TENSOR_EXTERNAL_DATA, _TENSOR_LOCATION = 2, 8, 9, 13, 14
_IN_FILE = 1
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
#: NodeProto, TensorProto and ValueInfoProto have different numbers for their names
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR, _TENSOR_TYPE_ELEMENT, _TENSOR_TYPE_SHAPE = 1, 1, 2
#: of TensorProto.DataType
INT64, BOOL = 7, 9


class Node(NamedTuple):
    """An operator of a graph."""

    #: the encoded NodeProto
    content: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    #: all fields but the names: nodes with the same kind compute the same of the same inputs
    kind: tuple[bytes, ...]
    #: whether it has graphs of its own, which may read values that are not among its inputs
    has_graph: bool


class Tensor(NamedTuple):
    """An initializer of a graph."""

    #: the encoded TensorProto without its values
    head: bytes
    name: str
    #: where its values are in the bytes that it was read from; None if they are not there as raw data
    raw_data: tuple[int, int] | None
    #: what it says of the file that has its values, such as "offset" -> "4096"; empty if it has them itself
    external: dict[str, str]


def read_node(message: bytes) -> Node:
    """The node in `message`, an encoded NodeProto."""
    inputs, outputs, kind, has_graph = [], [], [], False
    for field in fields(message):
        if field.number == _NODE_INPUT:
            inputs.append(message[field.start : field.end].decode())
        elif field.number == _NODE_OUTPUT:
            outputs.append(message[field.start : field.end].decode())
        elif field.number not in (_NODE_NAME, _NODE_DOCUMENTATION, _NODE_METADATA):
            kind.append(message[field.begin : field.end])
            if field.number == _NODE_ATTRIBUTE:
                parts = fields(message, field.start, field.end)
                has_graph = has_graph or any(one.number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS) for one in parts)
    return Node(message, tuple(inputs), tuple(outputs), tuple(sorted(kind)), has_graph)


def read_tensor(message: Indexed, start: int = 0, end: int | None = None) -> Tensor:
    """The initializer between two places of `message`. Its values are not read."""
    head, name, raw_data, external = [], "", None, {}
    for field in fields(message, start, end):
        if field.number == _TENSOR_RAW_DATA:
            raw_data = (field.start, field.end - field.start)
        elif field.number == _TENSOR_EXTERNAL_DATA:
            entry = {one.number: _bytes(message, one.start, one.end) for one in fields(message, field.start, field.end)}
            external[entry[_ENTRY_KEY].decode()] = entry[_ENTRY_VALUE].decode()
        elif field.number != _TENSOR_LOCATION:
            head.append(_bytes(message, field.begin, field.end))
            if field.number == _TENSOR_NAME:
                name = _bytes(message, field.start, field.end).decode()
    return Tensor(b"".join(head), name, raw_data, external)


def with_values(head: bytes, values: bytes) -> bytes:
    """The TensorProto of an initializer with its values."""
    return head + bytes_field(_TENSOR_RAW_DATA, values)


def with_place(head: bytes, file: str, offset: int, length: int) -> bytes:
    """The TensorProto of an initializer whose values are `length` bytes of the file of this name, from `offset` on."""
    places = {"location": file, "offset": str(offset), "length": str(length)}
    return (
        head
        + b"".join(
            bytes_field(_TENSOR_EXTERNAL_DATA, text_field(_ENTRY_KEY, name) + text_field(_ENTRY_VALUE, value))
            for name, value in places.items()
        )
        + number_field(_TENSOR_LOCATION, _IN_FILE)
    )


def scalar(name: str, element_type: int, values: bytes) -> bytes:
    """The TensorProto of an initializer without axes; `element_type` is one of TensorProto.DataType."""
    return with_values(number_field(_TENSOR_TYPE, element_type) + text_field(_TENSOR_NAME, name), values)


def node(operator: str, inputs: Iterable[str], outputs: Iterable[str], name: str, graph: bytes | None = None) -> bytes:
    """The NodeProto of an operator; `graph` is its attribute "body"."""
    content = b"".join(text_field(_NODE_INPUT, one) for one in inputs)
    content += b"".join(text_field(_NODE_OUTPUT, one) for one in outputs)
    content += text_field(_NODE_NAME, name) + text_field(_NODE_OPERATOR, operator)
    if graph is not None:
        attribute = text_field(_ATTRIBUTE_NAME, "body") + bytes_field(_ATTRIBUTE_GRAPH, graph)
        content += bytes_field(_NODE_ATTRIBUTE, attribute + number_field(_ATTRIBUTE_TYPE, _TYPE_GRAPH))
    return content


def graph(nodes: Iterable[bytes], name: str, inputs: Iterable[bytes], outputs: Iterable[bytes]) -> bytes:
    """The GraphProto of a subgraph; inputs and outputs are encoded ValueInfoProtos."""
    content = b"".join(bytes_field(GRAPH_NODE, one) for one in nodes) + text_field(GRAPH_NAME, name)
    content += b"".join(bytes_field(GRAPH_INPUT, one) for one in inputs)
    return content + b"".join(bytes_field(GRAPH_OUTPUT, one) for one in outputs)


def value(name: str, scalar_type: int | None = None) -> bytes:
    """The ValueInfoProto of an input or output of a subgraph.

    If it is not said to be a scalar of some type, it has the type of the value that stands for it outside.
    """
    content = text_field(_VALUE_NAME, name)
    if scalar_type is not None:
        tensor = number_field(_TENSOR_TYPE_ELEMENT, scalar_type) + bytes_field(_TENSOR_TYPE_SHAPE, b"")
        content += bytes_field(_VALUE_TYPE, bytes_field(_TYPE_TENSOR, tensor))
    return content


def value_name(message: bytes) -> str:
    """The name of an input or output of a graph, an encoded ValueInfoProto."""
    return next(message[one.start : one.end].decode() for one in fields(message) if one.number == _VALUE_NAME)


def _bytes(message: Indexed, start: int, end: int) -> bytes:
    # What is indexed can be sliced, too; a type that says both would need overloads.
    return bytes(message[start:end])  # type: ignore[index]
