"""The outputs of two sessions for the same inputs, in a form in which they can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.samples.masked_positions import with_every_position
from albert_export.targets import SENTENCE_EMBEDDING, TARGETS
from albert_runtime import AlbertSession
from albert_runtime.lazy_import import load_object
from albert_runtime.postprocessing.pooling import EmbeddingOptions, pool
from albert_runtime.postprocessing.probabilities import softmax
from albert_runtime.tasks import SEQUENCE, Task
from albert_runtime.token_ids import padding_id

Arrays = dict[str, NDArray[np.int64]]
#: Smaller probabilities are set to this one, since those of float16 and integer graphs are not accurate.
_LEAST_PROBABILITY = 1e-6


def comparable_outputs(
    session: AlbertSession, reference: AlbertSession, arrays: Arrays
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outputs of both sessions for `arrays`, in a form in which they can be compared.

    The outputs of some heads must be aligned first, see `Head.aligned`. Some targets end their graph in softmax. Logits
    can't be restored from probabilities, since softmax drops a constant that is added to all of them; so both sides are
    given as the logarithms of probabilities.
    """
    got, expected = run_arrays(session, arrays), run_arrays(reference, arrays)
    if SENTENCE_EMBEDDING in got:
        expected[SENTENCE_EMBEDDING] = _pooled(expected, arrays, session)
    else:
        expected.pop(SENTENCE_EMBEDDING, None)
    if _gives_probabilities(session) or _gives_probabilities(reference):
        return _log_softmax(got), _log_softmax(expected)
    return aligned_outputs(session.bundle.task, got, expected)


def _pooled(outputs: dict[str, Any], arrays: Arrays, session: AlbertSession) -> NDArray[np.float32]:
    """The vectors `[batch, hidden]` that `session` makes of these outputs; the graphs of some targets give them too."""
    options = EmbeddingOptions.from_manifest(session.manifest.embedding)
    poolers = outputs.get("pooler_output", [None] * len(arrays["attention_mask"]))
    return np.stack(
        [
            pool(tokens[mask > 0], pooler, options.pooling, normalize=options.normalize)
            for tokens, pooler, mask in zip(
                outputs["last_hidden_state"], poolers, arrays["attention_mask"], strict=True
            )
        ]
    )


def aligned_outputs(task: Task, got: dict[str, Any], expected: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outputs of two graphs of `task` for the same inputs, so that they can be compared one by one."""
    return load_object(task.aligned)(got, expected) if task.aligned else (got, expected)


def _gives_probabilities(session: AlbertSession) -> bool:
    target = TARGETS.get(session.manifest.target)
    return target is not None and session.task in target.probabilities


def _log_softmax(outputs: dict[str, Any]) -> dict[str, Any]:
    return {name: np.log(softmax(array).clip(_LEAST_PROBABILITY)) for name, array in outputs.items()}


def run_arrays(session: AlbertSession, arrays: Arrays) -> dict[str, Any]:
    """Return the outputs for `arrays`. For a graph of a static length, inputs are padded and outputs are cut again."""
    static, length = session.manifest.sequence_length, arrays["input_ids"].shape[-1]
    if static is None:
        return _run(session, arrays)
    fill = {"input_ids": padding_id(session.bundle.config)}
    padding = [(0, 0)] * (arrays["input_ids"].ndim - 1) + [(0, static - length)]
    outputs = _run(
        session, {name: np.pad(array, padding, constant_values=fill.get(name, 0)) for name, array in arrays.items()}
    )
    axes = session.bundle.task.outputs
    return {name: array[:, :length] if SEQUENCE in axes.get(name, ()) else array for name, array in outputs.items()}


def _run(session: AlbertSession, arrays: Arrays) -> dict[str, Any]:
    """The outputs that the session reads, and the vectors of the texts if the graph makes them by itself.

    A graph that is told the places of masks is asked for every place.
    """
    arrays = with_every_position(session.bundle.task, arrays)
    if SENTENCE_EMBEDDING not in session.engine.output_names:
        return session.run(arrays)
    outputs = session.engine.run(arrays)
    return {name: outputs[name] for name in (*session.bundle.task.outputs, SENTENCE_EMBEDDING)}
