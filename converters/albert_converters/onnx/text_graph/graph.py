"""The text graph of a bundle: its model between the operators that read texts and those that give answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto, helper

from albert_converters.onnx.text_graph.nodes import EXTENSIONS, NodeBuilder
from albert_converters.onnx.text_graph.parts import INT64, TextGraphParts
from albert_converters.onnx.text_graph.row_loop import run_row_by_row
from albert_converters.onnx.text_graph.sequences import SequenceBuilder
from albert_converters.onnx.text_graph.tasks import text_task
from albert_converters.onnx.text_graph.tokens import InGraphTokenizer
from albert_converters.onnx.text_graph.vocabulary import InGraphVocabulary
from albert_runtime.errors import ConversionError, UnsupportedError
from albert_runtime.manifest import Manifest
from albert_runtime.postprocessing.pooling import EmbeddingOptions
from albert_runtime.tasks import INPUT_NAMES
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

#: the name of the file in a bundle
TEXT_GRAPH_FILE = "model_with_tokenizer.onnx"
#: the first version of the ai.onnx operators that all operators are in
LEAST_OPSET = 18
#: what the names of added values begin with
_PREFIX = "text_graph/"
#: the largest file that protobuf can hold
_MOST_BYTES = 2**31 - 1


@dataclass(frozen=True)
class TextGraph:
    """A graph that takes texts, and another with its first half alone, which only gives token ids."""

    #: texts in, answers out
    model: ModelProto
    #: texts in, token ids out: the inputs of the model, by their names
    tokenizer: ModelProto

    def facts(self) -> dict[str, Any]:
        """What a manifest says about the graph, as JSON types."""
        graph = self.model.graph
        defaults = {tensor.name for tensor in graph.initializer}
        return {
            "file": TEXT_GRAPH_FILE,
            "inputs": [value.name for value in graph.input if value.name not in defaults],
            "optional_inputs": [value.name for value in graph.input if value.name in defaults],
            "outputs": [value.name for value in graph.output],
            "operators": sorted({node.op_type for node in graph.node if node.domain == EXTENSIONS}),
            "domain": EXTENSIONS,
        }


def build_text_graph(
    model_file: Path, manifest: Manifest, config: Mapping[str, Any], tokenizer: AlbertTokenizer
) -> TextGraph:
    """The text graph of a bundle.

    Args:
        model_file: the graph of the bundle.
        manifest: its manifest.
        config: the content of its config.json.
        tokenizer: its tokenizer.

    Raises:
        UnsupportedError: the operators can't do what the tokenizer or the task needs; the message says why.
        ConversionError: the graph would be larger than an ONNX file can be.
    """
    task = text_task(manifest)
    lower_case = EmbeddingOptions.from_manifest(manifest.embedding).lower_case
    vocabulary = InGraphVocabulary.of(tokenizer, lower_case=lower_case)
    model = onnx.load(model_file)
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    check_opset(opset)
    build = NodeBuilder(_PREFIX)
    static_length = _static_length(model)
    sequences = SequenceBuilder(
        build,
        tokenizer,
        max_length=min(manifest.max_length, static_length or manifest.max_length),
        static_length=static_length,
    )
    parts = TextGraphParts(build, InGraphTokenizer(build, vocabulary), sequences, tokenizer, manifest, config)
    read = task.before(parts)
    inputs = read.by_name()
    before = list(build.nodes)
    for name, value in inputs.items():
        build.give(value, name)
    axes = ["batch_size", "num_choices", "sequence_length"][-3 if manifest.task == "multiple-choice" else -2 :]
    axes = axes if len(axes) == 3 else ["rows", "sequence_length"]
    first_half = _model(
        build,
        "tokenizer",
        parts,
        [helper.make_tensor_value_info(name, INT64, axes) for name in INPUT_NAMES],
        model,
    )
    graph = model.graph
    if task.row_by_row:
        build.nodes.clear()
        parts.kept |= run_row_by_row(build, graph, inputs, is_static=static_length is not None)
        middle = list(build.nodes)
    else:
        middle = [*build.nodes[len(before) :], *graph.node]
    build.nodes.clear()
    task.after(parts, read)
    _rename_clashes(graph, {value.name for value in (*parts.inputs, *parts.outputs)})
    nodes = [*before, *middle, *build.nodes]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.initializer.extend(build.constants)
    graph.input.extend(parts.inputs)
    graph.output.extend(parts.outputs)
    model.opset_import.append(helper.make_opsetid(EXTENSIONS, 1))
    if model.ByteSize() > _MOST_BYTES:
        raise ConversionError(
            "the model and its tokenizer are larger than 2 GB together, which one ONNX file can't be; choose a smaller "
            "--precision, or leave --with-tokenizer out"
        )
    return TextGraph(model, first_half)


def check_opset(opset: int) -> None:
    """Refuse a graph whose operators are too old for what stands around it.

    Raises:
        UnsupportedError: the opset is below `LEAST_OPSET`.
    """
    if opset < LEAST_OPSET:
        raise UnsupportedError(
            f"--with-tokenizer needs opset {LEAST_OPSET} or later, and the graph has opset {opset}; "
            f"give --opset {LEAST_OPSET}, or leave --opset out"
        )


def _rename_clashes(graph: onnx.GraphProto, taken: set[str]) -> None:
    """Give other names to values inside the model that are called like inputs and outputs of the text graph."""
    clashes = taken - {value.name for value in (*graph.input, *graph.output)}
    for tensor in graph.initializer:
        if tensor.name in clashes:
            tensor.name = f"model/{tensor.name}"
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name in clashes:
                    names[index] = f"model/{name}"
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename_clashes(attribute.g, taken)


def _static_length(model: ModelProto) -> int | None:
    """The length of all sequences, if the model takes only one."""
    axes = next(value for value in model.graph.input if value.name == INPUT_NAMES[0]).type.tensor_type.shape.dim
    return axes[-1].dim_value or None


def _model(
    build: NodeBuilder, name: str, parts: TextGraphParts, outputs: list[onnx.ValueInfoProto], like: ModelProto
) -> ModelProto:
    """A model of the operators that were added so far."""
    graph = helper.make_graph(list(build.nodes), name, list(parts.inputs), outputs, list(build.constants))
    opset = [helper.make_opsetid("", max(LEAST_OPSET, *(one.version for one in like.opset_import if not one.domain)))]
    return helper.make_model(
        graph, opset_imports=[*opset, helper.make_opsetid(EXTENSIONS, 1)], ir_version=like.ir_version
    )
