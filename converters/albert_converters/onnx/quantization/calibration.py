"""What the products of an ONNX graph are given to multiply: least and largest values, over typical inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from albert_converters.onnx.quantization.quantize import product_inputs
from albert_runtime.engines.onnx_engine import OnnxEngine
from albert_runtime.errors import ConversionError


def activation_ranges(
    model: onnx.ModelProto, samples: Iterable[Mapping[str, NDArray[Any]]]
) -> dict[str, tuple[float, float]]:
    """The range of each value that is multiplied by a constant matrix, padding included, as the float model has it.

    Args:
        model: a float32 graph.
        samples: the graph's inputs by name, integers.

    Returns:
        Name of the value -> its least and largest entry in any of the samples.

    Raises:
        ConversionError: there are no products, or no samples; or there is no room for temporary files.
    """
    values = product_inputs(model)
    if not values:
        raise ConversionError("the graph holds no float32 products with constant matrices, so no ranges can be found")
    ranges: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        try:
            file.write_bytes(_with_extremes(model, values).SerializeToString())
        except OSError as error:
            raise ConversionError(
                f"no temporary file can be written below {tempfile.gettempdir()}: {error.strerror or error}; free some "
                "space there, or name another folder for temporary files: export TMPDIR=/some/folder"
            ) from error
        engine = OnnxEngine(file)
        for sample in samples:
            outputs = engine.run(sample)
            for value in values:
                least, largest = (float(outputs[f"{value}/{extreme}"]) for extreme in _EXTREMES)
                before = ranges.get(value, (least, largest))
                ranges[value] = (min(before[0], least), max(before[1], largest))
    if not ranges:
        raise ConversionError("ranges of activations are found from typical inputs, and none were given")
    return ranges


#: name of the output -> the operator that computes it
_EXTREMES = {"least": "ReduceMin", "largest": "ReduceMax"}


def _with_extremes(model: onnx.ModelProto, values: list[str]) -> onnx.ModelProto:
    """The model with two more outputs for each of `values`."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for value in values:
        for extreme, operator in _EXTREMES.items():
            name = f"{value}/{extreme}"
            result.graph.node.append(helper.make_node(operator, [value], [name], keepdims=0))
            result.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, []))
    return result
