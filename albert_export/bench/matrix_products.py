"""Measures how fast one library multiplies matrices: `python -m albert_export.bench.matrix_products`.

The process reads a request as JSON from standard input, `{"library": NAME, "threads": N, "seconds": S}`, with S seconds
for each size and precision. It prints a JSON object on standard output, whose list `records` is empty if the library is
not installed: for each size and each precision that it can run, a record `{"precision", "size", "gops", "by"}`. `gops`
are 1e9 operations a second in the fastest of many runs; a multiplication and an addition are two.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

#: Rows and columns of the square matrices. Small ones fit the caches of a processor with few cores, and large ones give
#: work to all cores of a large one.
SIZES = (256, 512, 1024, 2048)
_FEWEST_RUNS = 5

Product = Callable[[], object]


def onnx_products(size: int, threads: int) -> Iterator[tuple[str, Product]]:
    """Yield the products of ONNX Runtime: MatMul, and MatMulInteger of uint8 by int8, as dynamically quantized."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(size)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    cases: tuple[tuple[str, str, Any, Any, int], ...] = (
        ("fp32", "MatMul", np.float32, np.float32, TensorProto.FLOAT),
        ("int8", "MatMulInteger", np.uint8, np.int8, TensorProto.INT32),
    )
    for precision, operator, left, right, result in cases:
        a, b = (random.integers(0, 64, (size, size)).astype(kind) for kind in (left, right))
        graph = helper.make_graph(
            [helper.make_node(operator, ["a", "b"], ["c"])],
            operator,
            [helper.make_tensor_value_info("a", helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)],
            [helper.make_tensor_value_info("c", result, a.shape)],
            [numpy_helper.from_array(b, "b")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        yield precision, functools.partial(session.run, None, {"a": a})


def litert_products(size: int, threads: int) -> Iterator[tuple[str, Product]]:
    """Yield the products of LiteRT: FULLY_CONNECTED in float, and of int8 weights by dynamically quantized inputs."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    from albert_converters.tflite.model import dumps

    random = np.random.default_rng(size)
    inputs = random.standard_normal((size, size), np.float32)
    for precision, kind in (("fp32", np.float32), ("int8", np.int8)):
        weights = random.integers(-64, 64, (size, size)).astype(kind)
        stored = schema.BufferT()
        stored.data = np.frombuffer(weights.tobytes(), np.uint8)
        tensors = []
        for name in ("input", "weights", "output"):
            tensor = schema.TensorT()
            tensor.name, tensor.shape, tensor.type, tensor.buffer = name, [size, size], schema.TensorType.FLOAT32, 0
            tensors.append(tensor)
        tensors[1].buffer = 1
        layer = schema.OperatorT()
        layer.inputs, layer.outputs = [0, 1, -1], [2]
        layer.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        layer.builtinOptions = schema.FullyConnectedOptionsT()
        if precision == "int8":
            scales = schema.QuantizationParametersT()
            scales.scale, scales.zeroPoint, scales.quantizedDimension = [0.01] * size, [0] * size, 0
            tensors[1].type, tensors[1].quantization = schema.TensorType.INT8, scales
            layer.builtinOptions.asymmetricQuantizeInputs = True
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
        code.version = 12 if precision == "int8" else 1  # 12 has a scale for each row of the weights
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [layer], [0], [2]
        model = schema.ModelT()
        model.version, model.subgraphs, model.operatorCodes = 3, [graph], [code]
        model.buffers = [schema.BufferT(), stored]
        interpreter = Interpreter(model_content=dumps(model), num_threads=threads)
        interpreter.allocate_tensors()
        interpreter.set_tensor(0, inputs)
        yield precision, interpreter.invoke


def torch_products(size: int, threads: int) -> Iterator[tuple[str, Product]]:
    """Yield the products of PyTorch, which are oneDNN's or MKL's."""
    import torch

    torch.set_num_threads(threads)
    a, b, c = torch.randn(size, size), torch.randn(size, size), torch.empty(size, size)
    yield "fp32", lambda: torch.mm(a, b, out=c)
    left, right = (torch.randint(-64, 64, (size, size), dtype=torch.int8) for _ in range(2))
    yield "int8", lambda: torch._int_mm(left, right)


#: the name of a library -> its package, and the function (size, threads) that yields precisions and products
LIBRARIES: dict[str, tuple[str, Callable[[int, int], Iterator[tuple[str, Product]]]]] = {
    "onnx": ("onnxruntime", onnx_products),
    "litert": ("ai-edge-litert", litert_products),
    "torch": ("torch", torch_products),
}


def measure_library(name: str, threads: int, seconds: float) -> list[dict[str, Any]]:
    """Return the records of one library, as the module's documentation describes them.

    Whatever the library can't run is left out, whatever the reason: the limit is what the others reach.
    """
    from importlib.metadata import version

    package, products = LIBRARIES[name]
    records = []
    with contextlib.suppress(Exception):
        for size in SIZES:
            for precision, product in products(size, threads):
                gops = 2 * size**3 / _fastest(product, seconds) / 1e9
                records.append(
                    {"precision": precision, "size": size, "gops": gops, "by": f"{package} {version(package)}"}
                )
    return records


def _fastest(product: Product, seconds: float) -> float:
    """The seconds of the fastest run. Other programs make runs slower and never faster."""
    product()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < _FEWEST_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure what the request asks for, and print the records on standard output."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print messages on standard output too, which may hold nothing but the records
    request = json.loads(sys.stdin.read())
    records = measure_library(request["library"], request["threads"], request["seconds"])
    with output:
        json.dump({"records": records}, output)


if __name__ == "__main__":
    main()
