"""Answers requests with bundles; the same script runs here and on the emulated board.

Standard input: {bundle: [keyword arguments of the session's call, ...]}. Standard output: {"machine": the processor's
architecture, "engines": {bundle: name and version}, "answers": {bundle: [answer, ...]}}, with answers as JSON.
"""

from __future__ import annotations

import json
import platform
import sys

import albert_runtime


def plain(answer: object) -> object:
    """The answer as JSON types."""
    return [plain(one) for one in answer] if isinstance(answer, (list, tuple)) else answer.to_dict()  # type: ignore[attr-defined]


engines, answers = {}, {}
for folder, requests in json.load(sys.stdin).items():
    session = albert_runtime.load(folder, threads=1)
    engines[folder] = f"{session.engine.name} {session.engine.version}"
    answers[folder] = [plain(session(**request)) for request in requests]
json.dump({"machine": platform.machine(), "engines": engines, "answers": answers}, sys.stdout)
