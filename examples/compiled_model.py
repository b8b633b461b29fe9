"""An engine of your own: LiteRT's CompiledModel, the interface that also reaches GPUs and NPUs.

    python examples/compiled_model.py my-bundle '{"question": "Who is in Rome?", "context": "Clara is in Rome."}'

The runtime computes with LiteRT's Interpreter, which is as fast on a CPU; docs/accelerators.md says when this engine is
worth its trouble. The class needs numpy and ai-edge-litert 2.3 alone, so that you can copy it; `albert_runtime.load`
takes it in place of its own engines.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import mmap
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, HardwareAccelerator, Options, TensorBuffer
from numpy.typing import NDArray

_CPU, _GPU, _NPU = HardwareAccelerator.CPU, HardwareAccelerator.GPU, HardwareAccelerator.NPU
#: operators that an accelerator can't compute go to the CPU
ACCELERATORS = {"cpu": _CPU, "gpu": _GPU | _CPU, "npu": _NPU | _CPU}
#: the declared size of an axis that takes any size
_ANY = -1
#: the alignment in bytes of memory that CompiledModel uses without copying it
_ALIGNMENT = 64
_WHILE = schema.BuiltinOperator.WHILE


class CompiledModelEngine:
    """A TFLite graph in CompiledModel. Graphs of static shapes are what it is for.

    CompiledModel takes each dynamic axis of an output for 1: the output buffers that it makes are then too small, and a
    run writes past their end. So a graph of dynamic shapes gets output buffers whose sizes are computed here from its
    signature, where each output names its dynamic axes, in the order of the inputs' axes. Where an output comes right
    out of a loop, as in feature extraction, even that corrupts memory, and the graph is refused.

    A graph of static shapes gets CompiledModel's own buffers, which may lie on an accelerator, and computes a batch one
    sequence at a time.

    Several threads may call `run`; they wait for each other. CompiledModel also keeps all other Python threads waiting
    while it computes.

    Args:
        model_file: a .tflite file with one signature.
        threads: the number of threads that compute one run on a CPU.
        accelerator: a key of `ACCELERATORS`.
        weight_cache: a file of this model alone, in which a CPU's kernels keep its weights; by default there is none.

    Raises:
        ValueError: the graph can't be run safely.
    """

    name = "compiled-model"

    def __init__(
        self, model_file: str | Path, *, threads: int = 1, accelerator: str = "cpu", weight_cache: str = ""
    ) -> None:
        self.version = importlib.metadata.version("ai-edge-litert")
        self._key, self._inputs, self._outputs = _signature(Path(model_file))
        self.input_names, self.output_names = tuple(self._inputs), tuple(self._outputs)
        self._is_dynamic = any(_ANY in axes for axes in self._inputs.values())
        self._model = CompiledModel.from_file(
            str(model_file),
            options=Options(
                hardware_accelerators=ACCELERATORS[accelerator],
                cpu_options=CpuOptions(num_threads=threads, xnnpack_weight_cache_path=weight_cache),
            ),
        )
        self._shape: tuple[int, ...] | None = None
        self._lock = threading.Lock()

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute every output. All inputs are `[batch, sequence]`, or all are `[batch, choices, sequence]`."""
        feed = {name: np.ascontiguousarray(inputs[name], dtype=np.int32) for name in self.input_names}
        with self._lock:
            if self._is_dynamic:
                return self._compute(feed)
            leading = next(iter(feed.values())).shape[:-1]
            rows = {name: array.reshape(-1, *self._inputs[name]) for name, array in feed.items()}
            parts = [
                self._compute({name: array[row] for name, array in rows.items()})
                for row in range(int(np.prod(leading)))
            ]
        return {
            name: np.concatenate([part[name] for part in parts]).reshape(*leading, *axes[len(leading) :])
            for name, axes in self._outputs.items()
        }

    def _compute(self, feed: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        shape = next(iter(feed.values())).shape
        if shape != self._shape:
            self._allocate(shape)
        for name, array in feed.items():
            self._input_buffers[name].write(array)
        self._model.run_by_name(self._key, self._input_buffers, self._output_buffers)
        return {
            name: self._output_buffers[name].read(int(np.prod(axes)), np.float32).reshape(axes)
            for name, axes in self._sizes.items()
        }

    def _allocate(self, shape: tuple[int, ...]) -> None:
        """Make the buffers for inputs of `shape`."""
        self._shape = None  # if this method fails halfway, the next run must allocate again
        self._sizes = {
            name: tuple(shape[axis] if size == _ANY else size for axis, size in enumerate(axes))
            for name, axes in self._outputs.items()
        }
        if self._is_dynamic:
            for name in self.input_names:
                self._model.resize_input_tensor_by_name(self._key, name, list(shape))
        # Input buffers get their size from the resized inputs, so CompiledModel can make them in both cases.
        self._input_buffers = {
            name: self._model.create_input_buffer_by_name(self._key, name) for name in self.input_names
        }
        #: the memory of our own output buffers, which must live as long as they do
        self._memory = {name: _aligned_array(axes) for name, axes in self._sizes.items() if self._is_dynamic}
        self._output_buffers = {
            name: TensorBuffer.create_from_host_memory(self._memory[name])
            if self._is_dynamic
            else self._model.create_output_buffer_by_name(self._key, name)
            for name in self.output_names
        }
        self._shape = shape


def _aligned_array(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """An array of `shape` that `TensorBuffer.create_from_host_memory` uses as it is; it copies others."""
    size = 4 * int(np.prod(shape))
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size].view(np.float32).reshape(shape)


def _signature(file: Path) -> tuple[str, dict[str, list[int]], dict[str, list[int]]]:
    """The name of the signature in `file`, and the axes of its inputs and outputs by name, _ANY for dynamic ones.

    CompiledModel tells sizes only, 1 for a dynamic axis.
    """
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        model = schema.Model.GetRootAs(content)
        signature = model.SignatureDefs(0)
        graph = model.Subgraphs(signature.SubgraphIndex())
        operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
        loops = [one for one in operators if model.OperatorCodes(one.OpcodeIndex()).BuiltinCode() == _WHILE]
        looped = {one.Outputs(index) for one in loops for index in range(one.OutputsLength())}

        def axes(entry: Any) -> list[int]:
            tensor = graph.Tensors(entry.TensorIndex())
            size = tensor.Shape if tensor.ShapeSignatureIsNone() else tensor.ShapeSignature
            return [int(size(axis)) for axis in range(tensor.ShapeLength())]

        inputs = [signature.Inputs(index) for index in range(signature.InputsLength())]
        outputs = [signature.Outputs(index) for index in range(signature.OutputsLength())]
        named = [{entry.Name().decode(): axes(entry) for entry in entries} for entries in (inputs, outputs)]
        unsafe = [entry.Name().decode() for entry in outputs if _ANY in axes(entry) and entry.TensorIndex() in looped]
        if unsafe:
            raise ValueError(
                f"{file}: {', '.join(unsafe)} comes out of a loop and has dynamic shapes, which CompiledModel writes "
                "to memory that is not its own; export the checkpoint with static shapes: albert-export tflite "
                "--sequence-length N"
            )
        return signature.SignatureKey().decode(), named[0], named[1]


def main() -> None:
    """Answers one request of the command line."""
    import albert_runtime

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="the folder of a TFLite bundle")
    parser.add_argument("request", type=json.loads, help="the arguments of the session's call, as a JSON object")
    parser.add_argument("--accelerator", choices=ACCELERATORS, default="cpu")
    options = parser.parse_args()
    engine = CompiledModelEngine(options.bundle / "model.tflite", accelerator=options.accelerator)
    print(albert_runtime.load(options.bundle, engine=engine)(**options.request))


if __name__ == "__main__":
    main()
