"""CachedEngine: what is asked twice is computed once, and batches give what single runs give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from albert_export.checkpoints import read_checkpoint
from albert_export.reference.cached_engine import CachedEngine
from albert_export.reference.registry import build_reference, reference_engine
from albert_runtime.tasks import CHOICES, INPUT_NAMES, TASKS, Task
from tests.conftest import CheckpointOf, save_tiny

Arrays = dict[str, NDArray[Any]]
LENGTHS = (3, 20, 21, 22, 7, 48, 47, 20, 1)


class CountingEngine:
    """Gives for each token its id, and counts its runs."""

    name, version, input_names, output_names = "counting", "1", INPUT_NAMES, ("logits",)

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, inputs: Any) -> Arrays:
        self.shapes.append(inputs["input_ids"].shape)
        return {"logits": inputs["input_ids"][..., np.newaxis].astype(np.float32)}


def inputs_of(task: Task, length: int, seed: int = 0, choices: int = 3) -> Arrays:
    random = np.random.default_rng((seed, length))
    shape = (1, choices, length) if CHOICES in task.input_axes else (1, length)
    return {
        "input_ids": random.integers(5, 30_000, shape),
        "attention_mask": np.ones(shape, np.int64),
        "token_type_ids": random.integers(0, 2, shape),
    }


def test_equal_inputs_are_computed_once_and_what_they_give_is_read_only() -> None:
    engine = CountingEngine()
    cached, inputs = CachedEngine(engine), inputs_of(TASKS["fill-mask"], 5)
    first = cached.run(inputs)
    assert cached.run(dict(inputs))["logits"] is first["logits"]
    assert len(engine.shapes) == 1
    with pytest.raises(ValueError, match="read-only"):
        first["logits"][0] = 1


def test_what_exceeds_the_room_is_computed_again() -> None:
    engine = CountingEngine()
    cached, inputs = CachedEngine(engine, most_bytes=16), inputs_of(TASKS["fill-mask"], 5)
    for _ in range(2):
        cached.run(inputs)
    assert len(engine.shapes) == 2


def test_what_was_computed_ahead_needs_no_run_and_is_forgotten_with_the_next_call() -> None:
    engine, task = CountingEngine(), TASKS["token-classification"]
    cached = CachedEngine(engine, most_bytes=0, task=task)
    many = [inputs_of(task, length) for length in (9, 10)]
    cached.run_ahead(many)
    assert engine.shapes == [(2, 10)]
    for inputs in many:
        assert np.array_equal(cached.run(inputs)["logits"][..., 0], inputs["input_ids"])
    assert len(engine.shapes) == 1
    cached.run_ahead(many)
    cached.run_ahead([])
    cached.run(many[0])
    assert engine.shapes == [(2, 10), (2, 10), (1, 9)]


def test_the_share_that_is_done_grows_to_1() -> None:
    task, shares = TASKS["token-classification"], list[float]()
    CachedEngine(CountingEngine(), task=task).run_ahead([inputs_of(task, n) for n in (10, 30)], shares.append)
    assert shares == [0.75, 1.0]


def test_fewer_tokens_are_computed_ahead_if_their_outputs_are_large() -> None:
    task = TASKS["fill-mask"]
    cached = CachedEngine(CountingEngine(), task=task)
    unknown = cached.tokens_ahead
    cached.run(inputs_of(task, 5))
    assert cached.tokens_ahead > unknown > 0
    cached._bytes_per_token = 4.0 * 30_000
    assert 100 < cached.tokens_ahead < 300
    assert CachedEngine(CountingEngine()).tokens_ahead == 0


@pytest.mark.parametrize("framework", ["torch", "tf"])
@pytest.mark.parametrize("task", list(TASKS))
def test_batches_give_the_outputs_of_single_runs(framework: str, task: str, checkpoint_of: CheckpointOf) -> None:
    _assert_batches_equal_single_runs(checkpoint_of(task), TASKS[task], framework)


@pytest.mark.parametrize("framework", ["torch", "tf"])
def test_batches_of_beam_search_do_too(framework: str, tmp_path: Path) -> None:
    task = TASKS["question-answering"].with_head("beam-search")
    _assert_batches_equal_single_runs(save_tiny(tmp_path / "m", task.name, head=task.head), task, framework)


def _assert_batches_equal_single_runs(folder: Path, task: Task, framework: str) -> None:
    model = build_reference(read_checkpoint(folder), task.name, framework=framework)
    engine = reference_engine(model, task, framework)
    many = [inputs_of(task, length, seed, 2 + seed % 2) for seed, length in enumerate(LENGTHS)]
    cached = CachedEngine(engine, task=task)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)  # so that batches run beside each other
    try:
        cached.run_ahead(many)
        assert torch.get_num_threads() == 2
        assert len(cached._ahead) == len(many)
        for inputs in many:
            batched, single = cached.run(inputs), engine.run(inputs)
            for name, expected in single.items():
                assert batched[name].shape == expected.shape
                np.testing.assert_allclose(batched[name], expected, rtol=1e-5, atol=1e-5)
        assert not cached._ahead
    finally:
        torch.set_num_threads(threads)
