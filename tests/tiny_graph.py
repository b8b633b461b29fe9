"""Helpers for tests of the TFLite conversion: tiny references, plans, inputs, and an interpreter for the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from albert_export import read_checkpoint
from albert_export.reference.registry import build_reference
from albert_export.targets import Plan, find_target, make_plan
from albert_runtime.tasks import CHOICES, TASKS

Arrays = dict[str, np.ndarray]


def reference_of(folder: Path, task: str) -> Any:
    """Build the TensorFlow reference of a checkpoint."""
    return build_reference(read_checkpoint(folder), task, framework="tf")


def plan_of(
    folder: Path,
    task: str,
    precision: str = "fp32",
    *,
    target: str = "litert",
    graph: str | None = None,
    sequence_length: int | None = None,
) -> Plan:
    """Make the plan for the export of a checkpoint to TFLite."""
    config = read_checkpoint(folder).config
    return make_plan(
        find_target(target), TASKS[task], config, precision=precision, graph=graph, sequence_length=sequence_length
    )


def inputs_of(task: str, *, rows: int = 2, choices: int = 3, length: int = 16, seed: int = 0) -> Arrays:
    """Return random ids with padding of different lengths, int32."""
    random = np.random.default_rng(seed)
    shape = (rows, choices, length) if CHOICES in TASKS[task].input_axes else (rows, length)
    kept = random.integers(2, length + 1, shape[:-1])
    arrays = {
        "input_ids": random.integers(5, 30000, shape),
        "attention_mask": np.arange(length) < kept[..., None],
        "token_type_ids": random.integers(0, 2, shape),
    }
    return {name: array.astype(np.int32) for name, array in arrays.items()}


def outputs_of(reference: Any, task: str, arrays: Arrays) -> Arrays:
    """Return the outputs of the reference itself."""
    outputs = reference(**arrays, return_dict=True, training=False)
    return {name: getattr(outputs, name).numpy() for name in TASKS[task].outputs}


def run_tflite(content: bytes, **arrays: np.ndarray) -> Arrays:
    """Run the only signature of a file in LiteRT."""
    outputs: Arrays = Interpreter(model_content=content).get_signature_runner()(**arrays)
    return outputs


def difference(got: Arrays, expected: Arrays) -> float:
    """Return the largest difference of all outputs, as a share of the largest value of its output."""
    assert got.keys() == expected.keys()
    return max(float(np.abs(got[name] - expected[name]).max() / np.abs(expected[name]).max()) for name in expected)
