"""Bundles of different tasks or checkpoints are told apart, and refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from albert_export.bench.recommend.same_checkpoint import refuse_mixed
from albert_runtime import open_bundle
from albert_runtime.bundle import Bundle
from albert_runtime.errors import UsageError
from tests.conftest import CheckpointOf


def changed(bundle: Bundle, *, config: dict[str, Any] | None = None, **manifest: Any) -> Bundle:
    return replace(bundle, config={**bundle.config, **(config or {})}, manifest=replace(bundle.manifest, **manifest))


@pytest.fixture
def bundle(bundle_of: CheckpointOf) -> Bundle:
    return open_bundle(bundle_of("question-answering"), check=False)


def scaled(bundle: Bundle, factor: float) -> tuple[dict[str, Any], ...]:
    """The stored self-tests, with every second value multiplied by `factor`."""

    def values(output: dict[str, Any]) -> dict[str, Any]:
        return {**output, "values": [v * factor if i % 2 else v for i, v in enumerate(output["values"])]}

    return tuple(
        {**vector, "outputs": {name: values(output) for name, output in vector["outputs"].items()}}
        for vector in bundle.manifest.self_test
    )


def test_one_checkpoint(bundle: Bundle) -> None:
    refuse_mixed({"alone": bundle})
    quantized = changed(bundle, precision="int8", self_test=scaled(bundle, 1.2))
    refuse_mixed({"a": bundle, "b": quantized, "c": changed(bundle, self_test=())})


def test_different_tasks(bundle: Bundle, bundle_of: CheckpointOf) -> None:
    other = open_bundle(bundle_of("fill-mask"), check=False)
    with pytest.raises(UsageError) as caught:
        refuse_mixed({"one": bundle, "two": other, "three": bundle})
    for line in ("one: question-answering", "two: fill-mask", "three: question-answering"):
        assert line in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"config": {"hidden_size": 4096, "vocab_size": 8}}, "another vocab_size, hidden_size in config.json"),
        ({"labels": ("x", "y")}, "other labels"),
        ({"source": {"repository": "a/c"}}, "another repository or commit of the hub"),
        ({"files": {"spiece.model": "1" * 64}}, "another spiece.model"),
    ],
)
def test_different_checkpoints(bundle: Bundle, change: dict[str, Any], reason: str) -> None:
    if "files" in change:
        change = {"files": {**bundle.manifest.files, **change["files"]}}
    first = changed(bundle, source={"repository": "a/b"})
    with pytest.raises(UsageError) as caught:
        refuse_mixed({"one": first, "two": changed(first, **change), "three": first})
    assert f"two: {reason} than in one" in str(caught.value)
    assert "three: may be of the same one as the first" in str(caught.value)


def test_other_weights(bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="two: other outputs of the stored self-tests than in one"):
        refuse_mixed({"one": bundle, "two": changed(bundle, self_test=scaled(bundle, -1))})


def test_malformed_self_tests_say_nothing(bundle: Bundle) -> None:
    refuse_mixed({"one": bundle, "two": changed(bundle, self_test=({"input_ids": [[1]]}, {}))})
