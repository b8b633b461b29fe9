"""Calibration of an ONNX graph: the ranges of the activations that are multiplied by weights, on typical inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from albert_converters.onnx.detached_model import DetachedModel
from albert_converters.onnx.quantization.quantize import matmul_inputs
from albert_runtime.engines.onnx_engine import OnnxEngine
from albert_runtime.errors import ConversionError


def activation_ranges(
    model: onnx.ModelProto,
    samples: Iterable[Mapping[str, NDArray[Any]]],
    detached: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> dict[str, tuple[float, float]]:
    """Return the range of each value that is multiplied by a constant matrix in the float32 model.

    Values at padding positions count too, since a quantized model computes them with the same range.

    Args:
        model: a float32 graph.
        samples: the graph's inputs by name, integers.
        detached: the values of initializers that `model` only declares; see `DetachedModel`.

    Returns:
        Name of the value -> its lowest and highest entry in any of the samples.

    Raises:
        ConversionError: there are no such matrix multiplications, there are no samples, or temporary files can't be
            written.
    """
    values = matmul_inputs(model)
    if not values:
        raise ConversionError(
            "the graph has no float32 matrix multiplications with constant weights, so no ranges can be found"
        )
    ranges: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        try:
            DetachedModel(_with_extremes(model, values), detached).write(file)
        except OSError as error:
            raise ConversionError(
                f"no temporary file can be written below {tempfile.gettempdir()}: {error.strerror or error}; free some "
                "space there, or name another folder for temporary files: export TMPDIR=/some/folder"
            ) from error
        engine = OnnxEngine(file)
        for sample in samples:
            outputs = engine.run(sample)
            for value in values:
                lowest, highest = (float(outputs[f"{value}/{extreme}"]) for extreme in _EXTREMES)
                before = ranges.get(value, (lowest, highest))
                ranges[value] = (min(before[0], lowest), max(before[1], highest))
    if not ranges:
        raise ConversionError("ranges of activations are found from typical inputs, and none were given")
    return ranges


#: suffix of an output's name -> the operator that computes it
_EXTREMES = {"lowest": "ReduceMin", "highest": "ReduceMax"}


def _with_extremes(model: onnx.ModelProto, values: list[str]) -> onnx.ModelProto:
    """Return the model with two more outputs for each of `values`: its lowest and its highest entry."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for value in values:
        for extreme, operator in _EXTREMES.items():
            name = f"{value}/{extreme}"
            result.graph.node.append(helper.make_node(operator, [value], [name], keepdims=0))
            result.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, []))
    return result
