"""The comparison of CompiledModel with the Interpreter runs both, and they compute the same."""

from __future__ import annotations

import re
import sys

import pytest

from tests.conftest import CheckpointOf
from tools import compiled_model


def test_both_are_measured(
    tflite_bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tflite_bundle_of("question-answering")
    arguments = [str(bundle), "--lengths", "8", "--runs", "1", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", ["compiled_model", *arguments])
    compiled_model.main()
    lines = capsys.readouterr().out.splitlines()
    # The outputs have the same bits although the graph is dynamic: the example gives buffers of its own.
    assert re.fullmatch(rf"\| {bundle.name} \| 8 \|( [\d.]+ \|){{2}} .* \| yes \|", lines[2])
    assert re.fullmatch(rf"\| {bundle.name} \|( \d+ / \d+ / \d+ \|){{4}}", lines[-1])
