"""Traces the TensorFlow reference to the function that becomes a TFLite graph, with the names and shapes of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from albert_export.export.tf_embedding_lookup import embedding_lookup
from albert_export.export.tf_pooling import pools, sentence_embedding
from albert_export.targets import SENTENCE_EMBEDDING, TARGETS, Plan
from albert_export.tasks import task_spec
from albert_export.utils.replaced_attribute import replaced_attribute
from albert_runtime.postprocessing.pooling import EmbeddingOptions
from albert_runtime.tasks import SEQUENCE, Task

#: a regular expression for the linear layers of the shared layers, by the reference's names in the graph
SHARED_LAYERS = "albert_layer_groups_"
#: a regular expression for the linear layers of outlier channels, which are so few that float32 is as fast
OUTLIERS = rf"{SHARED_LAYERS}.*/outliers(_\d+)?/"
#: a regular expression for the projection of the embeddings, which feeds all passes. It ends in MatMul, because the
#: name of the addition after it recurs in the names of the operators that read the sum
MAPPING = r"/embedding_hidden_mapping_in(_\d+)?/MatMul"
#: TensorFlow numbers a name that it has given before
_NUMBER = r"(_\d+)?/"


def head_pattern(task: Task) -> str:
    """A regular expression for the layers of the task's `float_head`, or "".

    Their tensors may be called like outputs.
    """
    spec = task_spec(task)
    if not spec.float_head:
        return ""
    layers = "|".join(layer.replace(".", _NUMBER) for layer in spec.float_head)
    outputs = {name for names in spec.float_head.values() for name in names}
    renamed = {target.output_names.get(name, name) for target in TARGETS.values() for name in outputs}
    return rf"^({'|'.join(sorted(renamed))});|/({layers}){_NUMBER}"


def linears_pattern(matrices: Sequence[str]) -> str:
    """A regular expression for the shared linear layers `matrices`, such as "attention.query"; empty for none."""
    paths = "|".join(matrix.replace(".", _NUMBER) for matrix in matrices)
    return rf"{SHARED_LAYERS}[\d_]+/albert_layers_[\d_]+/({paths}){_NUMBER}" if matrices else ""


def trace_reference(reference: Any, task: Task, plan: Plan, *, embedding: EmbeddingOptions | None = None) -> Any:
    """The concrete `tf.function` of a reference model, with the names and shapes of `plan`, looped or unrolled.

    Inputs are int32 with the axes of the task, such as `[batch, sequence]`. Every axis is dynamic,
    unless the plan has a static length: then the batch is 1, and so are the choices, which do not see each other.
    With `embedding`, the graph of feature extraction has one more output, unless its pooler gives the same.
    """
    encoder = getattr(reference, "albert", reference)
    table = encoder.embeddings.word_embeddings.weight.numpy()
    lookup = embedding_lookup(table, plan.precision, gathers_float16=TARGETS[plan.target].gathers_float16)
    axes = task.inputs()
    signature = [
        tf.TensorSpec([_size(axis, plan.sequence_length) for axis in axes[name]], tf.int32, name=shown)
        for name, shown in plan.input_names.items()
    ]

    @tf.function(input_signature=signature)
    def graph(*arrays: tf.Tensor) -> dict[str, tf.Tensor]:
        given = dict(zip(plan.input_names, arrays, strict=True))
        rows = lookup(given.pop("input_ids"))
        outputs = reference(inputs_embeds=rows, **given, return_dict=True, training=False)
        values = {name: getattr(outputs, name) for name in task.outputs}
        if embedding is not None and pools(embedding):
            mask = given["attention_mask"]
            pooled = sentence_embedding(outputs.last_hidden_state, mask, values.get("pooler_output"), embedding)
            return {**{plan.output_names[name]: value for name, value in values.items()}, SENTENCE_EMBEDDING: pooled}
        if plan.probabilities:
            values = {name: tf.nn.softmax(value) for name, value in values.items()}
        return {plan.output_names[name]: value for name, value in values.items()}

    # Keras numbers the models of a process, and these numbers must not get into the file
    name = task.name.replace("-", "_")
    with (
        replaced_attribute(reference, "name", name),
        replaced_attribute(encoder.encoder, "looped", plan.graph == "loop"),
        replaced_attribute(encoder.encoder, "first_token_only", task_spec(task).first_token_only),
    ):
        return graph.get_concrete_function()


def _size(axis: str, sequence_length: int | None) -> int | None:
    """The size of an input axis; None if it is dynamic."""
    if sequence_length is None:
        return None
    return sequence_length if axis == SEQUENCE else 1
