"""LiteRT's CompiledModel: right on static shapes; on dynamic ones, its own output buffers are too small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from albert_export.demos import demo_checkpoint
from tests.clients.environments import SCRIPTS, python_client, run_client
from tests.clients.graph_answers import GraphAnswers
from tests.clients.rows import Record, Row
from tests.clients.versions import LITERT, version_of
from tests.conftest import DemoBundleOf

pytestmark = [pytest.mark.clients, pytest.mark.slow]

_CLIENT = "ai-edge-litert CompiledModel"
_EXAMPLE = Path(__file__).parents[2] / "examples" / "compiled_model.py"
_OWN_BUFFERS = "Only with output buffers of your own; its own are too small, and the process crashes."
_REFUSED = "An output comes right out of the loop, and the process crashes; export with --sequence-length."


def run(bundle: Path, **request: Any) -> Any:
    # A process of its own for each request: the client could corrupt its memory.
    python = python_client("compiled-model", [LITERT], shared=False)
    request |= {"example": str(_EXAMPLE), "model": str(bundle / "model.tflite")}
    return run_client(python, SCRIPTS / "run_compiled_model.py", request)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("task", ["question-answering", "text-classification", "feature-extraction"])
def test_static_shapes(task: str, precision: str, tmp_path: Path, record: Record) -> None:
    from albert_export.export import export_tflite

    bundle = tmp_path / "bundle"
    export_tflite(demo_checkpoint(task), bundle, task=task, precision=precision, sequence_length=128)
    answers = GraphAnswers(bundle)
    compared = answers.compare(run(bundle, runs=answers.inputs))
    assert compared.same_answer
    assert compared.difference < 1e-5
    record(Row(_CLIENT, version_of(LITERT), task, "tflite, static length", precision, True, True))


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("task", ["question-answering", "text-classification"])
def test_dynamic_shapes_with_output_buffers_of_ones_own(
    task: str, precision: str, demo_bundle_of: DemoBundleOf, record: Record
) -> None:
    bundle = demo_bundle_of("tflite", task, precision)
    answers = GraphAnswers(bundle)
    compared = answers.compare(run(bundle, runs=answers.inputs))
    assert compared.same_answer
    assert compared.difference < 1e-5
    record(Row(_CLIENT, version_of(LITERT), task, "tflite", precision, True, True, _OWN_BUFFERS))


def test_its_own_buffers_are_too_small_for_dynamic_shapes(demo_bundle_of: DemoBundleOf) -> None:
    # A run would write 2 x 12 numbers of 4 bytes. It is not tried: what a process does then is chance.
    bundle = demo_bundle_of("tflite", "question-answering", "fp32")
    assert run(bundle, shape=[2, 12]) == {"start_logits": 4, "end_logits": 4}


def test_outputs_of_a_loop_with_dynamic_shapes_are_refused(demo_bundle_of: DemoBundleOf, record: Record) -> None:
    task = "feature-extraction"
    bundle = demo_bundle_of("tflite", task, "fp32")
    assert "last_hidden_state comes out of a loop" in run(bundle, runs=[])["refused"]
    record(Row(_CLIENT, version_of(LITERT), task, "tflite", "fp32", False, None, _REFUSED))
