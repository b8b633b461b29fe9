"""A text graph runs in a process of its own, whose end is an error and not the end of this one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from albert_converters.onnx.text_graph.session import TextGraphSession
from albert_runtime.errors import ConversionError

if importlib.util.find_spec("onnxruntime_extensions") is None:
    pytest.skip("pip install onnxruntime-extensions", allow_module_level=True)


@pytest.mark.parametrize("model", [b"no graph", Path("/nowhere/model.onnx")])
def test_what_is_no_graph(model: Path | bytes) -> None:
    with pytest.raises(ConversionError, match="ONNX Runtime can't run the graph with the tokenizer: "):
        TextGraphSession(model)


def test_a_process_that_was_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(ConversionError, match="the process that runs the graph with the tokenizer ended with -9"):
        TextGraphSession(b"")
