"""A model without its large weights, which tools then need not copy, and the weights by themselves."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from albert_converters.tflite import model as tflite_model

#: smaller weights stay in the model
_LEAST_BYTES = 1 << 20
#: what a buffer begins with in place of its weights; their number follows. Tools remove buffers that are empty
_MARK = b"detached weights"


class DetachedWeights(NamedTuple):
    """A model in two parts.

    `attach_to(loads(content))` is the same model as `loads(dumps(model))`, but its large weights are those of `model`,
    in the same memory.
    """

    #: the file of the model, whose large buffers hold a mark
    content: bytes
    #: the mark of a buffer -> its bytes
    weights: dict[bytes, NDArray[np.uint8]]

    @classmethod
    def of(cls, model: schema.ModelT) -> DetachedWeights:
        """Take `model` apart; it stays as it is.

        Raises:
            ConversionError: see `dumps`.
        """
        weights: dict[bytes, NDArray[np.uint8]] = {}
        rest = copy.copy(model)
        rest.buffers = [copy.copy(buffer) for buffer in model.buffers]
        for number, buffer in enumerate(rest.buffers):
            array = tflite_model.content(buffer)
            if array.size >= _LEAST_BYTES:
                mark = _MARK + number.to_bytes(4, "little")
                buffer.data = np.frombuffer(mark, np.uint8)
                weights[mark] = array
        return cls(tflite_model.dumps(rest), weights)

    def attach_to(self, model: Any) -> Any:
        """Return `model`, which was read from `content`, after its buffers got the weights; it may lack buffers."""
        for buffer in model.buffers:
            array = tflite_model.content(buffer)
            if array.size == len(_MARK) + 4:
                buffer.data = self.weights.get(array.tobytes(), buffer.data)
        return model

    def model(self) -> schema.ModelT:
        """The model with its weights."""
        return self.attach_to(tflite_model.loads(self.content))
