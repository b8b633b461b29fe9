"""The TensorFlow reference as an engine of the runtime, so that the same session code answers with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from albert_runtime.engines import Arrays
from albert_runtime.tasks import Task


class TFEngine:
    """Runs a reference model in float32, in evaluation mode."""

    name = "tensorflow"
    version = tf.__version__

    def __init__(self, model: Any, task: Task) -> None:
        self.input_names, self.output_names = tuple(task.inputs()), tuple(task.outputs)
        self._model = model
        # The function is traced once for all shapes. In eager mode, Keras itself takes longer than the layers.
        signature = [tf.TensorSpec([None] * len(axes), tf.int32, name) for name, axes in task.inputs().items()]
        self._traced = tf.function(self._outputs, input_signature=signature)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """The model's outputs by name, float32; the inputs and outputs are those of `albert_runtime.tasks`."""
        outputs = self._traced(*(tf.constant(inputs[name], dtype=tf.int32) for name in self.input_names))
        return {name: output.numpy() for name, output in outputs.items()}

    def _outputs(self, *arrays: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = self._model(**dict(zip(self.input_names, arrays, strict=True)), return_dict=True)
        return {name: outputs[name] for name in self.output_names}
