"""run_ahead: the requests keep their order, and the reference computes none of their sequences alone."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

import albert_runtime
from albert_export.checkpoints import read_checkpoint
from albert_export.evaluation.decisions import decide
from albert_export.evaluation.run_ahead import run_ahead
from albert_export.quantization.accuracy_options import AccuracyOptions
from albert_export.reference.cached_engine import CachedEngine
from albert_export.reference.registry import build_reference, reference_engine
from albert_export.samples.token_ids import id_requests
from albert_export.utils.time_left import TimeLeft
from albert_runtime import AlbertSession
from albert_runtime.engines import Engine
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf

QUIET = TimeLeft("", lambda line: None)


class RecordingEngine:
    """Runs another engine, and records which calls it gets."""

    def __init__(self, engine: Engine) -> None:
        self.name, self.version = engine.name, engine.version
        self.input_names, self.output_names = engine.input_names, engine.output_names
        self._engine = engine
        self.alone = self.together = 0

    def run(self, inputs: Any) -> Any:
        self.alone += 1
        return self._engine.run(inputs)

    def run_all(self, batches: Any) -> Any:
        self.together += len(batches)
        return map(self._engine.run, batches)


def _reference(folder: Any, bundle: Any) -> tuple[AlbertSession, RecordingEngine]:
    """A session of the PyTorch reference with the settings of a bundle, and the engine below its cache."""
    session = albert_runtime.load(bundle, verify=False)
    task = session.bundle.task
    recording = RecordingEngine(reference_engine(build_reference(read_checkpoint(folder), task.name), task, "torch"))
    engine = CachedEngine(recording, task=task)
    return type(session)(session.bundle, verify=False, engine=engine), recording


@pytest.mark.parametrize("task", list(TASKS))
def test_no_sequence_of_the_bundled_requests_runs_alone(
    task: str, checkpoint_of: CheckpointOf, bundle_of: CheckpointOf
) -> None:
    session, engine = _reference(checkpoint_of(task), bundle_of(task))
    requests = AccuracyOptions().requests(TASKS[task])[:40]
    ahead = []
    for request in run_ahead(session, requests, dict, QUIET):
        ahead.append(request)
        _try(session, request)
    assert ahead == requests
    assert engine.alone == 0
    assert 0 < engine.together < len(requests)


def test_token_ids_run_ahead_too(checkpoint_of: CheckpointOf, bundle_of: CheckpointOf) -> None:
    task = "token-classification"
    session, engine = _reference(checkpoint_of(task), bundle_of(task))
    for request in run_ahead(session, id_requests(session.bundle.config, TASKS[task], 12, longest=48), dict, QUIET):
        decide(session, request)
    assert engine.alone == 0


def test_a_request_that_cannot_be_answered_is_left_to_its_caller(
    checkpoint_of: CheckpointOf, bundle_of: CheckpointOf
) -> None:
    task = "text-classification"
    session, engine = _reference(checkpoint_of(task), bundle_of(task))
    requests = [{"text": ""}, {"text": "A text."}, {"text": 7}]
    assert list(run_ahead(session, requests, dict, QUIET)) == requests
    assert (engine.alone, engine.together) == (0, 1)


def test_a_bundle_computes_nothing_ahead(bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch) -> None:
    session = albert_runtime.load(bundle_of("text-classification"), verify=False)
    monkeypatch.setattr(session, "engine", None)
    requests = [{"text": "A text."}, {"text": "Another one."}]
    assert list(run_ahead(session, requests, dict, QUIET)) == requests


def _try(session: AlbertSession, request: dict[str, Any]) -> None:
    """Decides, unless the request does not fit into the tiny model."""
    with contextlib.suppress(albert_runtime.errors.UsageError):
        decide(session, request)
