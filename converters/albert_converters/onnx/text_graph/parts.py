"""TextGraphParts: what the functions of each task build a text graph with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onnx import TensorProto, ValueInfoProto, helper

from albert_converters.onnx.text_graph.nodes import NodeBuilder
from albert_converters.onnx.text_graph.sequences import SequenceBuilder
from albert_converters.onnx.text_graph.tokens import InGraphTokenizer
from albert_runtime.manifest import Manifest
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

STRING, FLOAT, INT64 = TensorProto.STRING, TensorProto.FLOAT, TensorProto.INT64


@dataclass
class TextGraphParts:
    """What a task's functions build a text graph with."""

    build: NodeBuilder
    texts: InGraphTokenizer
    sequences: SequenceBuilder
    tokenizer: AlbertTokenizer
    manifest: Manifest
    #: the content of config.json
    config: Mapping[str, Any]
    inputs: list[ValueInfoProto] = field(default_factory=list)
    outputs: list[ValueInfoProto] = field(default_factory=list)
    #: values of the first half of the graph that its second half needs
    kept: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, *axes: str | int, kind: int = STRING, default: list[Any] | None = None) -> str:
        """A new input of the graph."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, list(axes)))
        if default is not None:
            self.build.default(name, kind, default)
        return name

    def give(self, name: str, value: str, kind: int, *axes: str | int) -> None:
        """A new output of the graph."""
        self.build.give(value, name)
        self.outputs.append(helper.make_tensor_value_info(name, kind, list(axes)))

    def keep(self, name: str, kind: int, *axes: str | int) -> None:
        """An output of the model that is an output of this graph, too."""
        self.outputs.append(helper.make_tensor_value_info(name, kind, list(axes)))
