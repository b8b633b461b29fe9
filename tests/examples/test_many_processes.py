"""The example that answers a file with several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import albert_runtime
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph
from tests.virtual_environment import ROOT


def test_every_line_is_answered_in_order(tmp_path):
    bundle = make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())
    requests = [{"question": "where?", "context": "the tower stands in paris " * (n % 9)} for n in range(200)]
    lines = [*map(json.dumps, requests), "no json", '{"text": "an argument of another task"}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    command = [sys.executable, ROOT / "examples" / "many_processes.py", bundle]
    done = subprocess.run(
        [*map(str, command), str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )
    assert done.returncode == 0, done.stderr
    answered = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    session = albert_runtime.load(bundle, threads=1)
    for request, answer in zip(requests, answered, strict=False):
        expected = {"answer": session(**request).to_dict()} if request["context"] else {"error": answer.get("error")}
        assert answer == expected
    assert len(answered) == len(lines)
    assert ["error" in one for one in answered[-2:]] == [True, True]
