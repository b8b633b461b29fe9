"""Export of a PyTorch module to one ONNX graph of standard ai.onnx operators.

The module is traced with torch.export, and each traced operator is then written by its lowering in `LOWERINGS`.
PyTorch's own exporter is not used, because quantizers and engines would not recognize its weights: here every weight is
one named constant, already transposed and shared by all passes of the shared layer, and no Identity or Transpose stands
between it and the operator that uses it.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from albert_converters.onnx.detached_model import DetachedModel
from albert_converters.onnx.export.graph_builder import GraphBuilder
from albert_converters.onnx.export.lowerings import LOWERINGS
from albert_converters.onnx.export.selection_lowerings import SELECTION_LOWERINGS
from albert_converters.onnx.opsets import DEFAULT_OPSET, check_opset
from albert_runtime._version import __version__
from albert_runtime.errors import ConversionError, OperatorError
from albert_runtime.tasks import BATCH, CHOICES, MASKED, MASKED_POSITIONS, SEQUENCE, Task

#: protobuf's limit for one file
MAX_BYTES = 2**31 - 1

#: sizes of the inputs for tracing: all different, and neither 0 nor 1, which torch.export would treat as constant
_EXAMPLE = {BATCH: 2, CHOICES: 3, SEQUENCE: 5, MASKED: 4}


class _TaskGraph(nn.Module):
    """Wraps the model to take the task's inputs by name, and to return a tuple of outputs; floats become float32."""

    def __init__(self, model: nn.Module, task: Task) -> None:
        super().__init__()
        self.model = model
        self.output_names = tuple(task.outputs)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        masked_positions: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, ...]:
        more = {} if masked_positions is None else {MASKED_POSITIONS: masked_positions}
        outputs = self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, **more, return_dict=True
        )
        tensors = (getattr(outputs, name) for name in self.output_names)
        return tuple(tensor.float() if tensor.is_floating_point() else tensor for tensor in tensors)


def trace(
    model: nn.Module, task: Task, max_length: int, sequence_length: int | None = None
) -> torch.export.ExportedProgram:
    """Trace `model` with every axis of the task dynamic, for sequences of up to `max_length` tokens.

    If there is a `sequence_length`, every axis is static: one sequence of so many tokens, as in TFLite graphs.
    """
    sizes = _EXAMPLE if sequence_length is None else {BATCH: 1, CHOICES: 1, SEQUENCE: sequence_length}
    inputs = task.inputs()
    example = {name: torch.ones([sizes[axis] for axis in axes], dtype=torch.int64) for name, axes in inputs.items()}
    longest = {BATCH: 4096, CHOICES: 4096, SEQUENCE: max_length, MASKED: max_length}
    dimensions = {axis: torch.export.Dim(axis, min=1, max=longest[axis]) for axes in inputs.values() for axis in axes}
    dynamic = {name: {i: dimensions[axis] for i, axis in enumerate(axes)} for name, axes in inputs.items()}
    shapes = dynamic if sequence_length is None else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(
            _TaskGraph(model, task).eval(), (), kwargs=example, dynamic_shapes=shapes, strict=False
        )


def to_onnx(
    model: nn.Module,
    task: Task,
    *,
    max_length: int,
    opset: int = DEFAULT_OPSET,
    sequence_length: int | None = None,
    metadata: Mapping[str, str] | None = None,
) -> DetachedModel:
    """Convert `model` to ONNX.

    Args:
        model: takes the task's inputs by name and returns an object with the task's outputs; float32 or float16.
        task: the task, whose contract sets the names, axes and types of inputs and outputs.
        max_length: the number of the model's position embeddings.
        opset: version of the ai.onnx operators, 13 to 23.
        sequence_length: the number of tokens of a graph with static shapes, which takes one sequence at a time (and one
            choice); None for dynamic axes.
        metadata: written into the file's metadata_props.

    Returns:
        The checked model, below 2 GB, with dynamic axes unless `sequence_length` is given. Its outputs are float32 even
        if the model is float16. Its weights are the memory of the model's parameters, so use it or write it before they
        change.

    Raises:
        UsageError: the opset is out of range.
        OperatorError: the model uses operators that have no lowering; the message names them.
        ConversionError: tracing failed, or the graph is invalid or too large for one file.
    """
    check_opset(opset)
    logging.getLogger("torch.export").setLevel(logging.ERROR)
    try:
        program = trace(model, task, max_length, sequence_length)
    except Exception as error:
        raise ConversionError(f"torch.export could not trace {type(model).__name__}: {error}") from error
    program.graph.eliminate_dead_code()  # a model may compute more outputs than the task has

    builder = GraphBuilder(opset)
    _declare_inputs(builder, program, task)
    _write_nodes(builder, program)
    _declare_outputs(builder, program, task)
    converted = builder.model(name=f"albert-{task.name}", producer_version=__version__, metadata=metadata or {})

    if converted.size > MAX_BYTES:
        raise ConversionError(
            f"the graph takes {converted.size / 1e9:.2f} GB and one ONNX file holds 2.15 GB; use --precision fp16"
        )
    converted.check()
    return converted


def _declare_inputs(builder: GraphBuilder, program: torch.export.ExportedProgram, task: Task) -> None:
    """Bind the traced placeholders: weights and constants become initializers, the others inputs of the graph."""
    signature = program.graph_signature
    weights = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    constants = signature.inputs_to_lifted_tensor_constants
    for node in program.graph.nodes:
        if node.op != "placeholder":
            continue
        if node.name in weights:
            weight = program.state_dict.get(weights[node.name], program.constants.get(weights[node.name]))
            builder.bind_weight(node, weights[node.name].removeprefix("model."), weight)
        elif node.name in constants:
            builder.bind_weight(node, constants[node.name], program.constants[constants[node.name]])
        else:
            builder.bind_input(node, node.name, task.inputs()[node.name])


def _write_nodes(builder: GraphBuilder, program: torch.export.ExportedProgram) -> None:
    lowerings = {**LOWERINGS, **SELECTION_LOWERINGS}
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    missing = {str(node.target) for node in calls if node.target not in lowerings}
    if missing:
        raise OperatorError(
            f"there is no ONNX lowering for these PyTorch operators of the model: {', '.join(sorted(missing))}; "
            "write the model with operators listed in albert_converters/onnx/export/lowerings.py, "
            "or add a lowering as docs/contributing/add-an-operator.md shows"
        )
    for node in calls:
        lowerings[node.target](builder, node)


def _declare_outputs(builder: GraphBuilder, program: torch.export.ExportedProgram, task: Task) -> None:
    (output,) = (node for node in program.graph.nodes if node.op == "output")
    results: tuple[Any, ...] = output.args[0]
    for node, (name, axes) in zip(results, task.outputs.items(), strict=True):
        builder.bind_output(node, name, axes)
