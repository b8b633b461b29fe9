"""Padded batches: every run is in one of them, hardly anything is padding, and outputs come back as they were."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from albert_export.reference.padded_batches import padded_batches
from albert_runtime.tasks import INPUT_NAMES, MASKED_POSITIONS, TASKS

RUNS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 600)), max_size=30)


def _runs(shapes: list[tuple[int, int]]) -> list[dict[str, np.ndarray]]:
    return [
        {name: np.full((1, choices, length), 7 + place) for place, name in enumerate(INPUT_NAMES)}
        for choices, length in shapes
    ]


@given(RUNS, st.booleans())
def test_batches_hold_every_run_once_with_little_padding(shapes: list[tuple[int, int]], same_length: bool) -> None:
    batches = padded_batches(_runs(shapes), pad_id=3, same_length=same_length)
    assert sorted(index for batch in batches for index, _ in batch.rows) == list(range(len(shapes)))
    for batch in batches:
        rows, choices, longest = batch.inputs["input_ids"].shape
        assert rows == 1 or rows * choices * longest <= 512
        for row, (index, length) in enumerate(batch.rows):
            assert shapes[index] == (choices, length)
            assert length == longest if same_length else length >= 0.9 * longest
            padding = {name: batch.inputs[name][row, :, length:] for name in INPUT_NAMES}
            assert [set(padding[name].flat) - {fill} for name, fill in zip(INPUT_NAMES, (3, 0, 0), strict=True)] == [
                set(),
                set(),
                set(),
            ]
            assert {name: set(batch.inputs[name][row, :, :length].flat) for name in INPUT_NAMES} == {
                name: {7 + place} for place, name in enumerate(INPUT_NAMES)
            }


def test_outputs_are_cut_to_the_length_of_their_run() -> None:
    runs = [{name: np.ones((1, length), np.int64) for name in INPUT_NAMES} for length in (9, 10)]
    [batch] = padded_batches(runs, pad_id=0)
    outputs = {"last_hidden_state": np.arange(40.0).reshape(2, 10, 2), "pooler_output": np.arange(4.0).reshape(2, 2)}
    alone = dict(batch.split(outputs, TASKS["feature-extraction"]))
    assert {index: one["last_hidden_state"].shape for index, one in alone.items()} == {0: (1, 9, 2), 1: (1, 10, 2)}
    assert alone[0]["last_hidden_state"][0, 0, 0] == 20.0  # the second row: the longest run stands first
    assert alone[0]["pooler_output"].tolist() == [[2.0, 3.0]]


def test_places_of_masks_are_padded_to_the_most_masks_and_not_to_the_tokens() -> None:
    """What is read at more places is decoded for nothing."""
    task = TASKS["fill-mask"].with_head("masked")
    runs = [
        {**{name: np.ones((1, length), np.int64) for name in INPUT_NAMES}, MASKED_POSITIONS: np.array([places])}
        for length, places in ((20, [5]), (19, [3, 8]))
    ]
    [batch] = padded_batches(runs, pad_id=0)
    assert batch.inputs[MASKED_POSITIONS].tolist() == [[5, 0], [3, 8]]
    alone = dict(batch.split({"logits": np.arange(12.0).reshape(2, 2, 3)}, task))
    assert alone[0]["logits"].tolist() == [[[0.0, 1.0, 2.0]]]
    assert alone[1]["logits"].tolist() == [[[6.0, 7.0, 8.0], [9.0, 10.0, 11.0]]]
