"""The vectors of a session: requests with the inputs and outputs of the graph, and the answers."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.vectors.text_positions import utf16_positions
from albert_runtime import AlbertSession, ZeroShotClassifier
from albert_runtime.errors import AlbertError
from albert_runtime.session import PreparedRequest
from albert_runtime.tasks import CHOICES

#: outputs with more values are represented by some of them
MOST_VALUES = 1 << 16
_SAMPLED_VALUES = 64
#: the largest difference to allow where the manifest holds no self-test, which says it
_USUAL_TOLERANCE = 1e-4


def request_record(session: AlbertSession, call: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a call of the session; or of its `run_ids`, if the call gives "input_ids"."""
    if "input_ids" in call:
        arrays = session.id_arrays(**call)
        outputs = session.run(arrays)
        return {"call": dict(call), **_graph_record(session, arrays, outputs)}
    return {"call": dict(call), **_answered(session, session.prepare(**call), _text_of(session.task, call))}


def zero_shot_record(session: AlbertSession, call: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a call of `ZeroShotClassifier`."""
    return {"call": dict(call), **_answered(session, ZeroShotClassifier(session).prepare(**call), ())}


def error_record(session: AlbertSession, call: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a call that the session refuses; "type" and "message" are missing if it does not."""
    try:
        session(**call)
    except AlbertError as error:
        return {"call": dict(call), "type": type(error).__name__, "message": str(error)}
    return {"call": dict(call)}


def _answered(session: AlbertSession, prepared: PreparedRequest[Any], texts: Sequence[str]) -> dict[str, Any]:
    arrays = session._pad(prepared.encodings)
    outputs: Mapping[str, NDArray[Any]]
    if CHOICES in session.bundle.task.input_axes:
        # All choices run at once, as one row, as in a call.
        arrays = {name: array[np.newaxis] for name, array in arrays.items()}
        outputs = session.run(arrays)
        count = len(prepared.encodings)
        rows = [{name: output[0, place : place + 1] for name, output in outputs.items()} for place in range(count)]
    else:
        # Each sequence runs by itself, as in a call: with dynamic quantization, a batch would give other numbers.
        rows = list(session.run_each(prepared.encodings))
        outputs = {name: _stacked([row[name] for row in rows]) for name in session.bundle.task.outputs}
    answer = _plain(prepared.finish(rows))
    _add_utf16(answer, [utf16_positions(text) for text in texts])
    return {**_graph_record(session, arrays, outputs), "answer": answer}


def _graph_record(
    session: AlbertSession, arrays: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    tested = session.manifest.self_test
    return {
        **{name: array.tolist() for name, array in session._completed(arrays).items()},
        "outputs": {name: _output_record(output) for name, output in outputs.items()},
        "tolerance": tested[0]["tolerance"] if tested else _USUAL_TOLERANCE,
    }


def _stacked(rows: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """The outputs of all sequences as one array, with zeros where a sequence is shorter than the longest one."""
    shape = np.max([row.shape for row in rows], axis=0).astype(int)
    stacked = np.zeros((len(rows), *shape), np.float32)
    for number, row in enumerate(rows):
        # A row may be a single number, as one output of the beam-search head is.
        stacked[number, ...][tuple(map(slice, row.shape))] = row
    return stacked


def _output_record(output: NDArray[Any]) -> dict[str, Any]:
    flat = np.ascontiguousarray(output, dtype="<f4").ravel()
    if flat.size <= MOST_VALUES:
        return {"shape": list(output.shape), "float32": base64.b64encode(flat.tobytes()).decode("ascii")}
    indices = np.linspace(0, flat.size - 1, _SAMPLED_VALUES).astype(np.int64)
    return {"shape": list(output.shape), "indices": indices.tolist(), "values": flat[indices].tolist()}


def output_values(record: Mapping[str, Any]) -> NDArray[np.float32]:
    """The values of an output's record, flat: all of them, or those that it holds."""
    if "float32" in record:
        return np.frombuffer(base64.b64decode(record["float32"]), dtype="<f4")
    return np.asarray(record["values"], np.float32)


def _plain(answer: Any) -> Any:
    return [_plain(one) for one in answer] if isinstance(answer, (list, tuple)) else answer.to_dict()


def _text_of(task: str, call: Mapping[str, Any]) -> Sequence[str]:
    """The texts that the answer's `start` and `end` refer to."""
    if task == "question-answering":
        context = call["context"]
        return [context] if isinstance(context, str) else context
    if task == "token-classification":
        return [call["text"] if call.get("text") is not None else " ".join(call["words"])]
    return ()


def _add_utf16(answer: Any, positions: Sequence[Sequence[int]]) -> None:
    """Add `start_utf16` and `end_utf16` beside every `start` and `end`."""
    if isinstance(answer, list):
        for one in answer:
            _add_utf16(one, positions)
    elif isinstance(answer, dict) and "start" in answer:
        places = positions[answer.get("context_index", 0)]
        answer.update(start_utf16=places[answer["start"]], end_utf16=places[answer["end"]])
