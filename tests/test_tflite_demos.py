"""The demos' examples are answered right by their TFLite bundles in every precision, dynamic int8 and int4 too."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.export import export_tflite
from albert_runtime import load
from albert_runtime.tasks import TASKS
from tests.demo_answers import is_right


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8", "int4", "int8-static"])
@pytest.mark.parametrize("task", TASKS)
def test_every_example_is_right(task: str, precision: str, tmp_path: Path) -> None:
    # on texts that it was not made for, so small a model can't keep all its answers
    max_drop = 5 if precision in ("int4", "int8-static") else None
    export_tflite(demo_checkpoint(task), tmp_path / "bundle", task=task, precision=precision, max_drop=max_drop)
    session = load(tmp_path / "bundle", engine="litert")
    examples = demo_examples(task)
    assert examples
    assert [one.inputs for one in examples if not is_right(session, one.inputs, one.expected)] == []
