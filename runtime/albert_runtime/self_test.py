"""Self-test vectors: a bundle contains a few requests and the outputs that they gave when the bundle was made.

When a session opens, it computes the outputs again and compares them. A bundle whose tokenizer, graph and engine do not
fit each other is therefore refused before it gives a wrong answer. A vector is a dict of JSON types:

    {"inputs": the keyword arguments of the session's call, or those of its `run_ids` if the bundle has no tokenizer,
     "input_ids": [[...]],
     "outputs": {name: {"shape": [...], "indices": [indices of the flat output], "values": [the values there]}},
     "tolerance": the largest difference to a value that is allowed}

If the outputs must be aligned before they can be compared (`Head.aligned`), the vector holds all of their values.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from albert_runtime.engines import Arrays, Engine
from albert_runtime.engines.reloadable_engine import ReloadableEngine
from albert_runtime.errors import BundleError, UsageError
from albert_runtime.lazy_import import load_object
from albert_runtime.manifest import Manifest

#: enough values to notice a wrong graph, and few enough to keep the manifest readable
_VALUES_PER_OUTPUT = 16

_logger = logging.getLogger("albert_runtime")


class SelfTestedSession(Protocol):
    """What a self-test needs of a session."""

    #: the full name of the task
    task: ClassVar[str]
    #: the manifest of the bundle
    manifest: Manifest

    @property
    def engine(self) -> Engine:
        """The engine that runs the graph; error messages name it."""

    def arrays(self, *args: Any, **kwargs: Any) -> Arrays:
        """The inputs of the graph for the arguments of a call."""

    def id_arrays(self, *args: Any, **kwargs: Any) -> Arrays:
        """The inputs of the graph for token ids."""

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs of the graph."""


def make_self_test(session: SelfTestedSession, inputs: Mapping[str, Any], tolerance: float) -> dict[str, Any]:
    """The vector for `inputs`, with the outputs that `session` computes now.

    Args:
        session: a session of the bundle that will contain the vector.
        inputs: keyword arguments of the session's call or of its `run_ids`, of JSON types.
        tolerance: the largest difference to allow, since other processors and engine versions round differently.
    """
    arrays = request_arrays(session, inputs)
    most = None if session.manifest.graph_task.aligned else _VALUES_PER_OUTPUT
    return {
        "inputs": dict(inputs),
        "input_ids": arrays["input_ids"].tolist(),
        "outputs": {name: _sample(output, most) for name, output in session.run(arrays).items()},
        "tolerance": tolerance,
    }


def check_self_test(session: SelfTestedSession, vectors: Sequence[Mapping[str, Any]]) -> None:
    """Compute the outputs of every vector again and compare them.

    If the engine runs a graph that the cache holds, and its outputs differ, the graph of the bundle itself is loaded
    and compared.

    Raises:
        BundleError: a vector is malformed, or `session` gives other outputs; the message names the vector, the output
            and the difference.
    """
    try:
        _check_vectors(session, vectors)
    except BundleError:
        if not (isinstance(session.engine, ReloadableEngine) and session.engine.reload_without_cache()):
            raise
        _check_vectors(session, vectors)
        file = session.engine.model_file
        _logger.warning("what the cache holds for %s gives other answers: albert_runtime.clear_cache()", file)


def _check_vectors(session: SelfTestedSession, vectors: Sequence[Mapping[str, Any]]) -> None:
    for number, vector in enumerate(vectors, start=1):
        name = f"self-test vector {number} of {len(vectors)}"
        try:
            _check_vector(session, vector, name)
        except (UsageError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise BundleError(
                f"{name} does not fit a {session.task} session ({type(error).__name__}: {error}); "
                "the bundle is damaged or was written wrongly: export the model again"
            ) from error


def request_arrays(session: SelfTestedSession, inputs: Mapping[str, Any]) -> Arrays:
    """The inputs of the graph for the keyword arguments of the session's call, or of its `run_ids`."""
    return session.id_arrays(**inputs) if "input_ids" in inputs else session.arrays(**inputs)


def _sample(output: NDArray[Any], most: int | None) -> dict[str, Any]:
    count = output.size if most is None else min(most, output.size)
    indices = np.linspace(0, output.size - 1, count).astype(np.int64)
    return {
        "shape": list(output.shape),
        "indices": indices.tolist(),
        "values": output.ravel()[indices].astype(np.float64).tolist(),
    }


def _check_vector(session: SelfTestedSession, vector: Mapping[str, Any], name: str) -> None:
    arrays = request_arrays(session, vector["inputs"])
    if arrays["input_ids"].tolist() != vector["input_ids"]:
        raise BundleError(
            f"{name}: the tokenizer gives {_flat(arrays['input_ids'])}, the bundle was made with "
            f"{_flat(vector['input_ids'])}; the vocabulary or its options do not belong to this model"
        )
    outputs = session.run(arrays)
    aligned = session.manifest.graph_task.aligned
    for output_name, expected in vector["outputs"].items():
        output = outputs[output_name]
        if list(output.shape) != expected["shape"]:
            raise BundleError(
                f"{name}: {output_name} has the shape {list(output.shape)}, "
                f"the bundle was made with {expected['shape']}"
            )
        if aligned:
            continue
        values = output.ravel()[np.asarray(expected["indices"], dtype=np.int64)]
        _check_values(session, vector, f"{name}: {output_name}", values, expected["values"], expected["indices"])
    if not aligned:
        return
    stored = {name: np.reshape(one["values"], one["shape"]) for name, one in vector["outputs"].items()}
    got, wanted = load_object(aligned)(outputs, stored)
    for output_name, numbers in wanted.items():
        _check_values(session, vector, f"{name}: {output_name}", got[output_name], numbers, range(numbers.size))


def _check_values(
    session: SelfTestedSession, vector: Mapping[str, Any], name: str, got: Any, wanted: Any, indices: Sequence[int]
) -> None:
    values, expected = np.ravel(got), np.ravel(np.asarray(wanted, dtype=np.float64))
    differences = np.abs(values - expected)
    # Comparing NaN gives False, so NaN never counts as near enough.
    near = differences <= float(vector["tolerance"])
    if not near.all():
        place = int(np.argmax(np.where(np.isnan(differences), np.inf, differences)))
        raise BundleError(
            f"{name} differs by {differences[place]:.3g}, allowed is {vector['tolerance']:.3g} "
            f"(element {indices[place]} is {values[place]:.6g}, was {expected[place]:.6g}); "
            f"the graph, or the engine {session.engine.name}, does not compute what the exported model computed. "
            "Export the model again, or load it with verify=False to look into it."
        )


def _flat(ids: Any) -> str:
    text = " ".join(str(token_id) for token_id in np.asarray(ids).ravel()[:24])
    return f"ids {text}{' ...' if np.asarray(ids).size > 24 else ''}"
