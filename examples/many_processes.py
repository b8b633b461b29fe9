"""Answers the requests of a JSONL file with several processes, each of which has a session of its own.

    pip install 'albert-runtime[onnx]'
    python examples/many_processes.py my-bundle requests.jsonl answers.jsonl --processes 4

A line of the input is the arguments of the session's call, such as {"text": "What a lovely film."}. The output has a
line for each line of the input, in the same order: {"answer": ...}, or {"error": ...} for a line without an answer.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from pathlib import Path

import albert_runtime
from albert_runtime.printing import to_json

_session: albert_runtime.AlbertSession


def _start(session: albert_runtime.AlbertSession) -> None:
    """Keep the session that this process was given; it opens its bundle here."""
    global _session
    _session = session


def _answer(line: str) -> str:
    try:
        return f'{{"answer": {to_json(_session(**json.loads(line)))}}}'
    # The parser raises a RecursionError for brackets that are nested thousands of levels deep.
    except (albert_runtime.UsageError, ValueError, TypeError, RecursionError) as error:
        return json.dumps({"error": str(error)})


def main() -> None:
    """Answer the whole file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="the folder of the bundle")
    parser.add_argument("input", type=Path, help="a JSONL file of requests")
    parser.add_argument("output", type=Path, help="the JSONL file to write")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    # One thread for each process: together, the processes keep all cores busy.
    session = albert_runtime.load(given.bundle, threads=1)
    with (
        given.input.open(encoding="utf-8") as requests,
        given.output.open("x", encoding="utf-8") as answers,
        multiprocessing.get_context("spawn").Pool(given.processes, _start, (session,)) as pool,
    ):
        answers.writelines(f"{answer}\n" for answer in pool.imap(_answer, requests, chunksize=64))


if __name__ == "__main__":
    main()
