"""The view of an ONNX model that `inspect` and `doctor` share: its graphs, constants, matmuls and inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, external_data_helper

from albert_converters.doctor.diagnosis import InputSpec
from albert_converters.onnx.graph_view import (
    GraphView,
    Weight,
    array_of,
    duplicated_weights,
    graph_views,
    size_of,
)
from albert_converters.onnx.input_roles import input_roles, table_sizes
from albert_converters.onnx.matmuls import Matmul, matmuls_of
from albert_runtime.errors import UnsupportedError, UsageError, listed
from albert_runtime.failed_downloads import failed_download


@dataclass
class OnnxModelView:
    """A model that was read from a file, with all its weights."""

    path: Path
    proto: onnx.ModelProto
    #: size of the file and of the files that hold its external data
    file_bytes: int
    #: names of the files beside it that hold weights
    external_files: tuple[str, ...] = ()

    @cached_property
    def graphs(self) -> list[GraphView]:
        """The main graph and the bodies of its Loop, If and Scan nodes, outermost first."""
        return graph_views(self.proto.graph)

    @property
    def nodes(self) -> Iterator[onnx.NodeProto]:
        """The nodes of all graphs."""
        return (node for graph in self.graphs for node in graph.proto.node)

    @property
    def constants(self) -> list[TensorProto]:
        """The constants of all graphs, of any size: initializers and Constant nodes."""
        return [tensor for graph in self.graphs for tensor in graph.constants.values()]

    @property
    def matmuls(self) -> list[Matmul]:
        """The matrix multiplications of all graphs."""
        return list(matmuls_of(self.graphs))

    @property
    def duplicated_weights(self) -> list[list[Weight]]:
        """Groups of two or more equal weights, wherever in the file they stand."""
        return duplicated_weights(self.graphs)

    @property
    def opset(self) -> int:
        """The version of the ai.onnx operators."""
        return max((entry.version for entry in self.proto.opset_import if entry.domain in ("", "ai.onnx")), default=1)

    @property
    def input_values(self) -> list[onnx.ValueInfoProto]:
        """What a caller must give. Files of IR version 3 list their initializers as inputs too; those are left out."""
        held = {tensor.name for tensor in self.proto.graph.initializer}
        return [value for value in self.proto.graph.input if value.name not in held]

    @cached_property
    def inputs(self) -> tuple[InputSpec, ...]:
        """What a caller must give, as the checks see it."""
        kinds = {value.name: value.type.tensor_type for value in self.input_values}
        is_integer = {name: kind.elem_type in (TensorProto.INT64, TensorProto.INT32) for name, kind in kinds.items()}
        roles = input_roles(self.graphs, is_integer, table_sizes(self.path))
        axes = {name: tuple(axis.dim_value or None for axis in kind.shape.dim) for name, kind in kinds.items()}
        return tuple(InputSpec(name, axes[name], is_integer[name], *roles[name]) for name in kinds)

    @property
    def vocabulary_size(self) -> int:
        """The number of rows of the table that the token ids look up, or of the largest one; 1 where there is none."""
        own = [one.table_rows for one in self.inputs if one.role == "ids" and one.table_rows is not None]
        if own:
            return min(own)
        sources = (graph.constant_source(node.input[0]) for graph in self.graphs for node in graph.proto.node
                   if node.op_type == "Gather" and node.input)  # fmt: skip
        tables = (source.tensor for source in sources if source is not None)
        return max((table.dims[0] for table in tables if len(table.dims) > 1), default=1)

    @property
    def is_half_precision(self) -> bool:
        """Whether most of its weights are float16."""
        sizes: Counter[int] = Counter()
        for tensor in self.constants:
            sizes[tensor.data_type] += size_of(tensor)
        return sizes[TensorProto.FLOAT16] > sizes[TensorProto.FLOAT]


def read_onnx(path: Path) -> OnnxModelView:
    """Read the model in the file at `path`, with the weights that stand in files beside it.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not an ONNX graph, it is damaged, or files with its weights are missing.
    """
    model = _parse(path)
    if not _is_text(model):
        raise UnsupportedError(
            failed_download(path) or f"{path} is damaged: its names are no text; fetch or export it again"
        )
    if not model.graph.node:
        raise UnsupportedError(
            failed_download(path) or f"{path} is not an ONNX graph: it holds no operators; fetch or export it again"
        )
    view = OnnxModelView(path, model, path.stat().st_size)
    if not all(node.output for node in view.nodes):
        raise UnsupportedError(f"{path} is damaged: an operator has no output; fetch or export it again")
    names = _external_files(view.constants)
    outside = [name for name in names if Path(name).is_absolute() or ".." in Path(name).parts]
    if outside:
        raise UnsupportedError(listed(f"{path} keeps weights in files outside of its folder:", outside))
    absent = [name for name in names if not (path.parent / name).is_file()]
    if absent:
        headline = f"{path} keeps weights in files that are not beside it; copy them into {path.parent}:"
        raise UnsupportedError(listed(headline, absent))
    try:
        for tensor in view.constants:
            if external_data_helper.uses_external_data(tensor):
                _load_external_data(tensor, path.parent)
            array_of(tensor)
    except Exception as error:  # onnx raises many kinds where sizes and types do not fit each other
        raise UnsupportedError(
            next(filter(None, (failed_download(path.parent / name) for name in names)), None)
            or f"{path} is damaged or cut short ({error}); fetch or export it again"
        ) from error
    view.file_bytes += sum((path.parent / name).stat().st_size for name in names)
    view.external_files = tuple(names)
    return view


def _parse(path: Path) -> onnx.ModelProto:
    """Parse the file; weights that stand in files beside it are not loaded."""
    try:
        return onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror or error}") from error
    except Exception as error:  # the DecodeError of protobuf, whose class depends on protobuf's version
        raise UnsupportedError(
            failed_download(path) or f"{path} is not an ONNX graph, or is cut short; fetch or export it again"
        ) from error


def _is_text(message: Any) -> bool:
    """Return whether all names within a protobuf message are text; protobuf gives names that are not UTF-8 as bytes."""
    for kind, value in message.ListFields():
        if kind.type not in (kind.TYPE_STRING, kind.TYPE_MESSAGE):
            continue
        single = isinstance(value, str | bytes) or hasattr(value, "ListFields")
        values = [value] if single else value
        if kind.type == kind.TYPE_STRING and not all(isinstance(one, str) for one in values):
            return False
        if kind.type == kind.TYPE_MESSAGE and not all(map(_is_text, values)):
            return False
    return True


def _external_files(tensors: list[TensorProto]) -> list[str]:
    entries = (entry for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL
               for entry in tensor.external_data if entry.key == "location")  # fmt: skip
    return list(dict.fromkeys(entry.value for entry in entries))


def _load_external_data(tensor: TensorProto, folder: Path) -> None:
    """Put the values of `tensor` into it.

    onnx has a function for that, but it refuses symbolic and hard links, which caches of the Hugging Face hub are made
    of. What it protects from is a model that names files elsewhere, and `read_onnx` has refused those.
    """
    source = external_data_helper.ExternalDataInfo(tensor)
    with (folder / source.location).open("rb") as stream:
        stream.seek(source.offset or 0)
        tensor.raw_data = stream.read(source.length or -1)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]
