"""Whether bundles were made of the same checkpoint: only those can be compared by their speed."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from albert_runtime.bundle import Bundle
from albert_runtime.errors import UsageError, listed
from albert_runtime.manifest import VOCABULARY_FILE, WORDPIECE_FILE

#: the fields of config.json that say which model it is
_SIZES = (
    *("vocab_size", "embedding_size", "hidden_size", "num_hidden_layers", "num_hidden_groups", "inner_group_num"),
    *("num_attention_heads", "intermediate_size", "hidden_act", "max_position_embeddings"),
)
#: Two graphs of one checkpoint give outputs that differ by less than this share of their own size, even in int4 with
#: outliers; those of two checkpoints differ by more than they have in common.
_MOST_DIFFERENT = 0.7


def refuse_mixed(bundles: Mapping[str, Bundle]) -> None:
    """Raise an error unless all bundles are for one task and of one checkpoint.

    Args:
        bundles: the name of each bundle, as it was given -> the bundle.

    Raises:
        UsageError: they differ; the message says for each bundle what it is.
    """
    first = next(iter(bundles.values()))
    tasks = {name: bundle.task.name for name, bundle in bundles.items()}
    if len(set(tasks.values())) > 1:
        raise UsageError(
            listed("the bundles are for different tasks:", [f"{name}: {task}" for name, task in tasks.items()])
            + "\ngive bundles that were exported from one checkpoint, for one task"
        )
    differing = {name: _difference(first, bundle) for name, bundle in bundles.items()}
    if any(differing.values()):
        name_of_first = next(iter(bundles))
        lines = [
            f"{name}: {f'{what} than in {name_of_first}' if what else 'may be of the same one as the first'}"
            for name, what in list(differing.items())[1:]
        ]
        raise UsageError(
            listed("the bundles are of different checkpoints:", [f"{name_of_first}: the first", *lines])
            + "\ngive bundles that were exported from one checkpoint, or recommend for each of them by itself"
        )


def _difference(first: Bundle, other: Bundle) -> str:
    """What differs, in words that go on with "than in"; empty if nothing does."""
    sizes = [name for name in _SIZES if first.config.get(name) != other.config.get(name)]
    if sizes:
        return f"another {', '.join(sizes)} in config.json"
    if first.manifest.labels != other.manifest.labels:
        return "other labels"
    sources = [bundle.manifest.source for bundle in (first, other)]
    if all(sources) and sources[0] != sources[1]:
        return "another repository or commit of the hub"
    for name in (VOCABULARY_FILE, WORDPIECE_FILE):
        hashes = [bundle.manifest.files.get(name) for bundle in (first, other)]
        if None not in hashes and hashes[0] != hashes[1]:
            return f"another {name}"
    share = _output_difference(first.manifest.self_test, other.manifest.self_test)
    return "other outputs of the stored self-tests" if share > _MOST_DIFFERENT else ""


def _output_difference(first: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> float:
    """How much the outputs that both manifests store for equal token ids differ, as a share of their own size.

    0 if they have none in common.
    """
    pairs: list[tuple[float, float]] = []
    with contextlib.suppress(KeyError, TypeError, ValueError):  # a malformed vector says nothing; loading reports it
        for one, two in itertools.product(first, other):
            if one["input_ids"] == two["input_ids"]:
                pairs += _common_values(one["outputs"], two["outputs"])
    if not pairs:
        return 0.0
    values = np.array(pairs, np.float64)
    size = float(np.linalg.norm(values[:, 0]) + np.linalg.norm(values[:, 1])) / 2
    apart = float(np.linalg.norm(values[:, 0] - values[:, 1]))
    return apart / size if size > 0 else math.inf if apart else 0.0


def _common_values(first: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[float, float]]:
    pairs: list[tuple[float, float]] = []
    for name, output in first.items():
        twin = other.get(name)
        if twin is not None and (twin["shape"], twin["indices"]) == (output["shape"], output["indices"]):
            pairs += [(float(one), float(two)) for one, two in zip(output["values"], twin["values"], strict=True)]
    return pairs
