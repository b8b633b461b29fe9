"""What each input of a graph is for, told by what reads it: names are often those that a tracer made up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import onnx

from albert_converters.doctor.diagnosis import role_of_name
from albert_converters.onnx.graph_view import ConstantSource, GraphView, array_of, subgraphs

#: operators that see only the shape of what they read
_SHAPE_ONLY = ("Shape", "Size")
_LOOKUPS = ("Gather", "GatherND", "GatherElements", "GatherBlockQuantized")
#: operators that a mask is computed with before it gets to the attention scores
_MASK_ARITHMETIC = ("Sub", "Mul", "Where", "Equal", "Greater", "GreaterOrEqual", "Less", "Not", "And", "Or", "Expand")
#: a mask passes none of these on its way to the attention scores; hidden states do
_LAYERS = ("MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul", "MatMulNBits", "FusedMatMul",
           "Conv", "LayerNormalization", "SkipLayerNormalization", "Einsum")  # fmt: skip
#: the operator of ONNX Runtime that does all lookups: the number of an input -> its role, and the number of its table
_FUSED_EMBEDDINGS = "EmbedLayerNormalization"
_FUSED_ROLES = {0: ("ids", 2), 1: ("segments", 4), 7: ("mask", None), 8: ("positions", 3)}
#: parts of a table's name -> the role of the input that looks up its rows
_TABLE_NAMES = {"token_type": "segments", "segment": "segments", "position": "positions", "word_embed": "ids"}
#: field of config.json -> the role of the input that looks up a table of so many rows
_SIZES = {"vocab_size": "ids", "type_vocab_size": "segments", "max_position_embeddings": "positions"}
_SEGMENTS = 2


class InputRole(NamedTuple):
    """What one input is for."""

    #: "ids", "mask", "segments", "positions", "other", or "unknown" for integers of which nothing tells it
    role: str
    #: the number of rows of the table that the input looks up; values must be below it
    table_rows: int | None = None
    #: whether the graph alone tells the role, whatever the name of the input is
    is_certain: bool = False


class _Table(NamedTuple):
    name: str
    rows: int


class _Uses(NamedTuple):
    """What is reached from an input."""

    tables: list[_Table]
    #: roles that operators state themselves
    stated: set[str]
    reaches_attention: bool
    operators: set[str]


def input_roles(
    graphs: Sequence[GraphView], is_integer: Mapping[str, bool], sizes: Mapping[str, int]
) -> dict[str, InputRole]:
    """Tell the role of each input of a model.

    An input that looks up the table of the vocabulary has the token ids; one that looks up the table of two rows has
    the token types; one that gets to the attention scores by way of arithmetic alone is the mask. Where the graph
    does not decide, the name does.

    Args:
        graphs: the main graph and the bodies of its nodes, outermost first.
        is_integer: name of an input -> whether its values are integers.
        sizes: role -> the number of rows of its table, as far as it is known; see `table_sizes`.
    """
    uses = {name: _uses(graphs, name) for name in is_integer}
    tables = list(dict.fromkeys(table for one in uses.values() for table in one.tables))
    roles = _roles_of_tables(tables, sizes)
    found = {name: _role(name, uses[name], integer, roles) for name, integer in is_integer.items()}
    unknown = [name for name, one in found.items() if one.role == "unknown"]
    if len(unknown) == 1 and not any(one.role == "ids" for one in found.values()):
        found[unknown[0]] = found[unknown[0]]._replace(role="ids")  # what has token ids at all has them there
    return found


def table_sizes(graph_file: Path) -> dict[str, int]:
    """The sizes of the tables that config.json beside a graph, or one folder above it, states, by role."""
    for folder in (graph_file.absolute().parent, graph_file.absolute().parent.parent):
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):  # most graphs have none, or one that is none of our business
            continue
        if isinstance(config, dict):
            return {role: config[field] for field, role in _SIZES.items() if isinstance(config.get(field), int)}
    return {}


def _role(name: str, uses: _Uses, is_integer: bool, roles: Mapping[_Table, InputRole]) -> InputRole:
    named = role_of_name(name)
    found = [roles[table] for table in uses.tables if table in roles]
    rows = min((table.rows for table in uses.tables), default=None)
    if uses.stated:
        return InputRole(sorted(uses.stated)[0], rows, is_certain=True)
    if found:
        # token ids may also look up a table of their own beside that of the vocabulary
        best = min(found, key=lambda one: (one.role != "ids", not one.is_certain))
        return best._replace(role=best.role if best.is_certain else named or best.role, table_rows=rows)
    if not uses.tables and uses.reaches_attention:
        return InputRole("mask", is_certain=True)
    if named:
        return InputRole(named, rows)
    if not is_integer or not uses.operators:
        return InputRole("other")
    return InputRole("unknown" if uses.tables or not uses.operators & set(_MASK_ARITHMETIC) else "mask", rows)


def _roles_of_tables(tables: Sequence[_Table], sizes: Mapping[str, int]) -> dict[_Table, InputRole]:
    """The role of the inputs that look up each table; a table is left out where nothing tells it."""
    roles: dict[_Table, InputRole] = {}
    for table in tables:
        told = [role for part, role in _TABLE_NAMES.items() if part in table.name.lower()]
        # a size tells a role only if no other table has the same size
        told += [role for role, rows in sizes.items() if rows == table.rows and list(sizes.values()).count(rows) == 1]
        told += ["segments"] if table.rows == _SEGMENTS and sizes.get("segments", _SEGMENTS) == _SEGMENTS else []
        if told:
            roles[table] = InputRole(told[0], is_certain=True)
    rest = sorted((table for table in tables if table not in roles), key=lambda table: -table.rows)
    if rest and not any(role.role == "ids" for role in roles.values()):
        largest = [table for table in rest if table.rows == rest[0].rows]
        if len(largest) > 1:
            return roles
        roles[largest[0]] = InputRole("ids")
    return roles


def _uses(graphs: Sequence[GraphView], name: str) -> _Uses:
    """Follow the values of an input to the tables that it looks up, and through arithmetic to attention."""
    found = _Uses([], set(), False, set())
    waiting, seen = [name], {name}
    while waiting:
        value = waiting.pop()
        for node, index in graphs[0].readers(value):
            if node.op_type in _SHAPE_ONLY:
                continue
            found.operators.add(node.op_type)
            if node.op_type == _FUSED_EMBEDDINGS:
                role, table = _FUSED_ROLES.get(index, ("other", None))
                found.stated.add(role)
                found.tables.extend(_table(graphs, node, table) if table is not None else [])
            elif node.op_type in _LOOKUPS and index == 1:
                found.tables.extend(_table(graphs, node, 0))
            elif node.op_type == "OneHot" and index == 0:
                found.tables.extend(_one_hot(graphs, node))
            elif "Softmax" in node.op_type or "Attention" in node.op_type:
                found = found._replace(reaches_attention=True)
            elif node.op_type not in _LAYERS:
                fresh = [one for one in _results(node, index) if one and one not in seen]
                seen.update(fresh)
                waiting += fresh
    return found


def _results(node: onnx.NodeProto, index: int) -> Iterator[str]:
    """The values that depend on the input `index` of a node, and where it has a body, on the body's value of it."""
    bodies = subgraphs(node)
    if index >= 0:
        yield from (body.input[index].name for body in bodies if index < len(body.input))
    if index < 0 or not bodies:
        yield from node.output


def _table(graphs: Sequence[GraphView], node: onnx.NodeProto, index: int) -> list[_Table]:
    source = _constant(graphs, node, index)
    return [_Table(source.name, source.tensor.dims[0])] if source and len(source.tensor.dims) > 1 else []


def _one_hot(graphs: Sequence[GraphView], node: onnx.NodeProto) -> list[_Table]:
    """The table that is multiplied by one-hot rows, as Google's code looks up the token types."""
    depth = _constant(graphs, node, 1)
    users = [user for user, _ in graphs[0].readers(node.output[0]) if user.op_type in _LAYERS]
    names = [source.name for user in users if (source := _constant(graphs, user, 1)) is not None]
    if depth is None or array_of(depth.tensor).size != 1:
        return []
    return [_Table(names[0] if names else node.output[0], int(array_of(depth.tensor).reshape(-1)[0]))]


def _constant(graphs: Sequence[GraphView], node: onnx.NodeProto, index: int) -> ConstantSource | None:
    if index >= len(node.input):
        return None
    sources = (graph.constant_source(node.input[index]) for graph in graphs)
    return next((source for source in sources if source is not None), None)
