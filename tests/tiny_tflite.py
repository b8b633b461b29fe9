"""Small TFLite models made by hand, operator by operator: quick to build, and with known facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}


class TinyModel:
    """Builds a model subgraph by subgraph; `model` is the whole model."""

    def __init__(self) -> None:
        self.model = schema.ModelT(
            version=3,
            description="made by hand",
            operatorCodes=[],
            subgraphs=[],
            buffers=[schema.BufferT()],
            metadata=[],
            signatureDefs=[],
        )

    def graph(self) -> TinyGraph:
        """Add a subgraph; the first one is the main graph."""
        self.model.subgraphs.append(schema.SubGraphT(tensors=[], inputs=[], outputs=[], operators=[]))
        return TinyGraph(self.model, self.model.subgraphs[-1])

    def buffer(self, content: bytes) -> int:
        """Add a buffer and return its index."""
        self.model.buffers.append(schema.BufferT(data=np.frombuffer(content, np.uint8)))
        return len(self.model.buffers) - 1

    def sign(self, inputs: dict[str, int], outputs: dict[str, int]) -> None:
        """Give the first graph a signature: name -> index of the tensor."""

        def entries(names: dict[str, int]) -> list[schema.TensorMapT]:
            return [schema.TensorMapT(name=name, tensorIndex=index) for name, index in names.items()]

        self.model.signatureDefs.append(
            schema.SignatureDefT(inputs=entries(inputs), outputs=entries(outputs), signatureKey="serving_default")
        )


class TinyGraph:
    """Builds one subgraph; methods take and return the indexes of its tensors."""

    def __init__(self, model: schema.ModelT, graph: schema.SubGraphT) -> None:
        self._model = model
        self._graph = graph

    def tensor(self, name: str, shape: Sequence[int], dtype: Any = np.float32) -> int:
        """Add a computed tensor; an axis of -1 is dynamic."""
        static = [1 if size < 0 else size for size in shape]
        return self._add(name, static, _TYPES[np.dtype(dtype)], 0, list(shape) if min(shape, default=0) < 0 else None)

    def input(self, name: str, shape: Sequence[int], dtype: Any = np.float32) -> int:
        """Add an input of the graph."""
        self._graph.inputs.append(self.tensor(name, shape, dtype))
        return int(self._graph.inputs[-1])

    def outputs(self, *tensors: int) -> None:
        """Make tensors outputs of the graph."""
        self._graph.outputs += tensors

    def constant(self, name: str, array: np.ndarray, *, scale: float = 0.0) -> int:
        """Add a constant with a buffer of its own; with a `scale` other than 0 it is quantized."""
        self._model.buffers.append(schema.BufferT(data=np.frombuffer(array.tobytes(), np.uint8)))
        index = self._add(name, list(array.shape), _TYPES[array.dtype], len(self._model.buffers) - 1, None)
        if scale:
            self._graph.tensors[index].quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[0])
        return index

    def operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Any = None, *, version: int = 1
    ) -> None:
        """Add an operator; a name that TFLite does not know makes a custom operator."""
        number = getattr(schema.BuiltinOperator, name, schema.BuiltinOperator.CUSTOM)
        custom = name if number == schema.BuiltinOperator.CUSTOM else None
        code = schema.OperatorCodeT(min(number, 127), custom, version, number)
        self._model.operatorCodes.append(code)
        kind = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T")) if options else 0
        self._graph.operators.append(
            schema.OperatorT(
                opcodeIndex=len(self._model.operatorCodes) - 1,
                inputs=list(inputs),
                outputs=list(outputs),
                builtinOptionsType=kind,
                builtinOptions=options,
            )
        )

    def fully_connected(self, source: int, weight: int, target: int) -> None:
        """Add target = source @ weight.T, without a bias."""
        self.operator("FULLY_CONNECTED", [source, weight, -1], [target], schema.FullyConnectedOptionsT(), version=3)

    def _add(self, name: str, shape: list[int], kind: int, buffer: int, signature: list[int] | None) -> int:
        self._graph.tensors.append(
            schema.TensorT(shape=shape, shapeSignature=signature, type=kind, buffer=buffer, name=name)
        )
        return len(self._graph.tensors) - 1


def looping_model(matrix: np.ndarray, *, turns: int = 3) -> schema.ModelT:
    """Return a model that multiplies x `[batch, n]` by `matrix.T` `turns` times, in a WHILE.

    `matrix` `[n, n]` is a constant of the body.
    """
    tiny = TinyModel()
    size = matrix.shape[0]
    main, condition, body = tiny.graph(), tiny.graph(), tiny.graph()

    x = main.input("x", [-1, size])
    start = main.constant("start", np.int32(0))
    end = main.tensor("end", [], np.int32)
    y = main.tensor("y", [-1, size])
    main.operator("WHILE", [start, x], [end, y], schema.WhileOptionsT(condSubgraphIndex=1, bodySubgraphIndex=2))
    main.outputs(y)
    tiny.sign({"x": x}, {"y": y})

    turn = condition.input("turn", [], np.int32)
    condition.input("hidden", [-1, size])
    going = condition.tensor("going", [], np.bool_)
    condition.operator("LESS", [turn, condition.constant("turns", np.int32(turns))], [going], schema.LessOptionsT())
    condition.outputs(going)

    turn = body.input("turn", [], np.int32)
    hidden = body.input("hidden", [-1, size])
    next_turn = body.tensor("next_turn", [], np.int32)
    next_hidden = body.tensor("next_hidden", [-1, size])
    body.operator("ADD", [turn, body.constant("one", np.int32(1))], [next_turn], schema.AddOptionsT())
    body.fully_connected(hidden, body.constant("matrix", matrix), next_hidden)
    body.outputs(next_turn, next_hidden)
    return tiny.model


def two_linear_layers(first: np.ndarray, second: np.ndarray) -> schema.ModelT:
    """Return a model that computes y = x @ first.T @ second.T for x `[batch, n]`, float32."""
    tiny = TinyModel()
    graph = tiny.graph()
    size = first.shape[0]
    x = graph.input("x", [-1, size])
    middle, y = graph.tensor("middle", [-1, size]), graph.tensor("y", [-1, size])
    graph.fully_connected(x, graph.constant("first", first), middle)
    graph.fully_connected(middle, graph.constant("second", second), y)
    graph.outputs(y)
    tiny.sign({"x": x}, {"y": y})
    return tiny.model


def scores_of_tokens(start: np.ndarray, end: np.ndarray, *, length: int = 384) -> schema.ModelT:
    """Return a question answerer for the Task Library: each token of the second text scores what its id says, others 0.

    Args:
        start: the start score of each id, float32 `[vocabulary]`.
        end: the end score of each id, float32 `[vocabulary]`.
        length: the fixed number of tokens.
    """
    tiny = TinyModel()
    graph = tiny.graph()
    given = {name: graph.input(name, [1, length], np.int32) for name in ("mask", "segment_ids", "ids")}
    second = _as_float(graph, given["segment_ids"], length)
    made = {}
    for name, scores in (("start_logits", start), ("end_logits", end)):
        looked_up, made[name] = graph.tensor("looked_up", [1, length]), graph.tensor(f"{name}:0", [1, length])
        graph.operator("GATHER", [graph.constant("scores", scores), given["ids"]], [looked_up], schema.GatherOptionsT())
        graph.operator("MUL", [looked_up, second], [made[name]], schema.MulOptionsT())
    graph.outputs(*made.values())
    tiny.sign(given, made)
    return tiny.model


def ids_as_floats(*outputs: str, length: int = 128) -> schema.ModelT:
    """Return a model whose outputs `[1, length]` are all its ids, as MediaPipe's TextEmbedder shows them."""
    tiny = TinyModel()
    graph = tiny.graph()
    inputs = {name: graph.input(name, [1, length], np.int32) for name in ("ids", "mask", "segment_ids")}
    made = {name: graph.tensor(name, [1, length]) for name in outputs}
    for output in made.values():
        graph.operator("CAST", [inputs["ids"]], [output], schema.CastOptionsT())
    graph.outputs(*made.values())
    tiny.sign(inputs, made)
    return tiny.model


def sums_of_inputs(*, length: int) -> schema.ModelT:
    """Return a classifier for the Task Library: its "probabilities" are the sums of `ids`, `mask` and `segment_ids`."""
    tiny = TinyModel()
    graph = tiny.graph()
    given = {name: graph.input(name, [1, length], np.int32) for name in ("ids", "mask", "segment_ids")}
    last_axis = graph.constant("last_axis", np.int32([1]))
    sums = []
    for index in given.values():
        sums.append(graph.tensor("sum", [1, 1]))
        options = schema.ReducerOptionsT(keepDims=True)
        graph.operator("SUM", [_as_float(graph, index, length), last_axis], [sums[-1]], options)
    result = graph.tensor("result:0", [1, 3])
    graph.operator("CONCATENATION", sums, [result], schema.ConcatenationOptionsT(axis=1))
    graph.outputs(result)
    tiny.sign(given, {"probability": result})
    return tiny.model


def _as_float(graph: TinyGraph, index: int, length: int) -> int:
    result = graph.tensor("float", [1, length])
    graph.operator("CAST", [index], [result], schema.CastOptionsT(schema.TensorType.INT32, schema.TensorType.FLOAT32))
    return result
