"""Sessions of tiny graphs with one or another head of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

import albert_runtime
from albert_export.export import export_onnx, export_tflite
from tests.conftest import BuiltOnce, CheckpointOf

#: a graph's name -> the export, its options, and the framework of its reference
HEAD_GRAPHS: Mapping[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "onnx": (export_onnx, {"precision": "fp32"}, "torch"),
    "onnx-static": (export_onnx, {"precision": "fp32", "sequence_length": 40}, "torch"),
    "loop": (export_tflite, {"precision": "fp32", "graph": "loop"}, "tf"),
    "unrolled": (export_tflite, {"precision": "fp32", "graph": "unrolled"}, "tf"),
    "static": (export_tflite, {"precision": "fp32", "target": "tflite-runtime"}, "tf"),
}


@pytest.fixture(scope="session")
def session_with_head(built_once: BuiltOnce, checkpoint_of: CheckpointOf) -> Callable[..., Any]:
    """A function of the task, the name of a graph, and the head: a session of the graph."""

    def build(task: str, graph: str, head: str | None = None) -> Any:
        export, options, _ = HEAD_GRAPHS[graph]
        made = built_once(
            f"heads/{task}/{graph}/{head}",
            lambda folder: export(checkpoint_of(task), folder, task=task, head=head, **options),
        )
        return albert_runtime.load(made)

    return build
