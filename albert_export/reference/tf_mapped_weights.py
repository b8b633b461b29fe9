"""The weights of a TensorFlow model in a mapped file, so that they take memory only while they are used.

A conversion needs its memory while the model is not run. The system drops the pages of a mapped file that were given
back, and reads them again where they are used.
"""

from __future__ import annotations

import logging
import mmap
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf

from albert_export.reference.tf_layers import layer_weights
from albert_export.utils.resident_memory import give_back_pages

logger = logging.getLogger("albert_export")

#: smaller weights stay where they are
_LEAST_BYTES = 1 << 20


class MappedWeights:
    """Moves the large weights of `model` to a temporary file, which lasts as long as one of them or this object does.

    The model computes as before, and its weights can be assigned as before. Where the file can't be written, since the
    disk is full for example, the weights stay in memory.
    """

    def __init__(self, model: Any) -> None:
        self._arrays: list[np.ndarray] = []
        weights = [one for _, one in layer_weights(model) if one.dtype == "float32" and _bytes(one) >= _LEAST_BYTES]
        try:
            self._move({id(one): one for one in weights}.values())
        except OSError as error:
            logger.info("the weights stay in memory: %s", error)

    def _move(self, weights: Any) -> None:
        if not weights:
            return
        with tempfile.TemporaryFile() as file:
            places = []
            for weight in weights:
                places.append(file.tell())
                file.write(memoryview(weight.value.read_value()))
                # TensorFlow computes with numbers that begin at multiples of 64 bytes
                file.write(bytes(-file.tell() % mmap.PAGESIZE))
            file.flush()
            # private, since TensorFlow takes no read-only memory; it never writes to it, but to a copy
            numbers = np.memmap(file, np.uint8, "c")
        for weight, place in zip(weights, places, strict=True):
            array = np.asarray(numbers[place : place + _bytes(weight)]).view(np.float32).reshape(weight.shape)
            self._arrays.append(array)
            # unlike `tf.constant`, this does not copy
            weight.value.assign(tf.experimental.dlpack.from_dlpack(array.__dlpack__()))

    def give_back(self) -> None:
        """Give the weights' memory back until they are used again."""
        give_back_pages(self._arrays)


def _bytes(weight: Any) -> int:
    return 4 * int(np.prod(weight.shape))
