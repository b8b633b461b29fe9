"""The demos' examples are answered right by their TFLite bundles in every precision, dynamic int8 and int4 too."""

from __future__ import annotations

import pytest

from albert_export.demos import demo_examples
from albert_runtime import load
from albert_runtime.tasks import TASKS
from tests.conftest import DemoBundleOf
from tests.demo_answers import is_right


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8", "int4", "int8-static"])
@pytest.mark.parametrize("task", TASKS)
def test_every_example_is_right(task: str, precision: str, demo_bundle_of: DemoBundleOf) -> None:
    session = load(demo_bundle_of("tflite", task, precision), engine="litert")
    examples = demo_examples(task)
    assert examples
    assert [one.inputs for one in examples if not is_right(session, one.inputs, one.expected)] == []
