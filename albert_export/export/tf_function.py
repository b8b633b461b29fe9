"""The TensorFlow reference as the function that becomes a TFLite graph: named inputs, fixed form, no training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from albert_export.export.tf_embedding_lookup import word_rows
from albert_export.targets import TARGETS, Plan
from albert_export.tasks import TASK_SPECS, TaskSpec
from albert_runtime.tasks import SEQUENCE, Task

#: finds the shared layers' products in the graph, by the reference's names
SHARED_LAYERS = "albert_layer_groups_"
#: finds the products of outlier channels: so few that they are as fast in float32
OUTLIERS = rf"{SHARED_LAYERS}.*/outliers(_\d+)?/"
#: finds what all passes begin with
MAPPING = r"/embedding_hidden_mapping_in(_\d+)?/MatMul"  # its addition gives names to what reads it
#: TensorFlow numbers a name that it has given before
_NUMBER = r"(_\d+)?/"


def _head_pattern(spec: TaskSpec) -> str:
    """A regular expression for the layers of `TaskSpec.float_head`, whose tensors may be called like outputs; or ""."""
    if not spec.float_head:
        return ""
    layers = "|".join(layer.replace(".", _NUMBER) for layer in spec.float_head)
    outputs = {name for names in spec.float_head.values() for name in names}
    renamed = {target.output_names.get(name, name) for target in TARGETS.values() for name in outputs}
    return rf"^({'|'.join(sorted(renamed))});|/({layers}){_NUMBER}"


#: task -> a regular expression for the linear layers of its head that stay in float; empty if there are none
HEADS = {name: _head_pattern(spec) for name, spec in TASK_SPECS.items()}


def products_called(matrices: Sequence[str]) -> str:
    """What finds the shared layers' products with `matrices`, by paths within a layer such as "attention.query"."""
    paths = "|".join(matrix.replace(".", _NUMBER) for matrix in matrices)
    return rf"{SHARED_LAYERS}[\d_]+/albert_layers_[\d_]+/({paths}){_NUMBER}" if matrices else ""


def traced(reference: Any, task: Task, plan: Plan) -> Any:
    """The `tf.function` of a reference model, traced with the names, shapes and form of `plan`.

    Inputs are int32 `[batch, sequence]` (`[batch, choices, sequence]` for multiple choice), each axis dynamic, or
    with a batch of 1 (and 1 choice, since choices don't see each other) where the plan has a static length.
    """
    encoder = getattr(reference, "albert", reference)
    lookup = word_rows(encoder.embeddings.word_embeddings.weight.numpy(), plan.precision)
    shape = [_size(axis, plan.sequence_length) for axis in task.input_axes]
    signature = [tf.TensorSpec(shape, tf.int32, name=name) for name in plan.input_names.values()]

    @tf.function(input_signature=signature)
    def graph(*arrays: tf.Tensor) -> dict[str, tf.Tensor]:
        given = dict(zip(plan.input_names, arrays, strict=True))
        rows = lookup(given.pop("input_ids"))
        outputs = reference(inputs_embeds=rows, **given, return_dict=True, training=False)
        values = {name: getattr(outputs, name) for name in task.outputs}
        if plan.probabilities:
            values = {name: tf.nn.softmax(value) for name, value in values.items()}
        return {plan.output_names[name]: value for name, value in values.items()}

    # Keras numbers the models of a process; nothing of that is to get into the file
    name = task.name.replace("-", "_")
    with _lent(reference, "name", name), _lent(encoder.encoder, "looped", plan.graph == "loop"):
        return graph.get_concrete_function()


def _size(axis: str, sequence_length: int | None) -> int | None:
    if sequence_length is None:
        return None
    return sequence_length if axis == SEQUENCE else 1


@contextlib.contextmanager
def _lent(owner: Any, attribute: str, value: Any) -> Iterator[None]:
    """The reference is only borrowed: it goes back to how it was."""
    before = getattr(owner, attribute)
    setattr(owner, attribute, value)
    try:
        yield
    finally:
        setattr(owner, attribute, before)
