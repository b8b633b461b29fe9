"""Runs the workers of Ray for a long time: `python -m tools.soak_ray BUNDLE REQUESTS --seconds 60`.

Each worker of a local Ray cluster answers the same requests again and again, in batches. The first answers are
compared with those of a session in this process, where scores may differ by 1e-5, and all later answers must equal the
first ones to the last digit. The tool exits with 1 if an answer differs, or if the memory of a worker has grown by more
than --most-growth megabytes. It needs `pip install 'albert-runtime[onnx,ray]'`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import ray

import albert_runtime
from albert_runtime.integrations.ray import AnswerBatches
from albert_runtime.printing import to_json
from tools import soak

#: how much a score in a batch may differ from the score of the same request alone
_TOLERANCE = 1e-5


class Worker(AnswerBatches):
    """A worker that answers the same table for some time."""

    def soak(self, table: pyarrow.Table, seconds: float) -> tuple[int, int, list[float], list[str]]:
        """The number of answers and of those that differed, the memory as in `SoakReport`, and the first answers."""
        first = self(table)["answer"].to_pylist()
        answers, wrong, sizes, start = 0, 0, [soak.memory()], time.perf_counter()
        for part in (0.1, 1):
            while time.perf_counter() < start + seconds * part:
                found = self(table)["answer"].to_pylist()
                wrong += sum(one != other for one, other in zip(found, first, strict=True))
                answers += len(found)
            sizes.append(soak.memory())
        return answers, wrong, sizes, first


def share_among_workers(
    bundle: Path, requests: Sequence[dict[str, Any]], *, workers: int, seconds: float
) -> soak.SoakReport:
    """Let `workers` actors of the Ray cluster that this process is connected to answer the requests."""
    session = albert_runtime.load(bundle)
    expected = [session(**request) for request in requests]
    actor = ray.remote(num_cpus=1)(Worker)
    table = pyarrow.Table.from_pylist(list(requests))
    running = [actor.remote(str(bundle)) for _ in range(workers)]
    report = soak.SoakReport()
    for answers, wrong, sizes, first in ray.get([one.soak.remote(table, seconds) for one in running]):
        report.answers.append(answers)
        report.memory.append(sizes)
        report.wrong += wrong + sum(
            not _close(json.loads(found), json.loads(to_json(one))) for found, one in zip(first, expected, strict=True)
        )
    return report


def _close(found: Any, expected: Any) -> bool:
    """Whether two JSON values are the same but for the last digits of their numbers."""
    if isinstance(expected, float):
        return isinstance(found, float) and abs(found - expected) < _TOLERANCE
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(_close(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(_close, found, expected))
    return bool(found == expected)


def main(argv: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="the folder of the bundle")
    parser.add_argument("requests", type=Path, help="a file with a JSON array of requests")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--most-growth", type=float, default=5, help="megabytes (default 5)")
    given = parser.parse_args(argv)
    requests = json.loads(given.requests.read_text(encoding="utf-8"))
    # The workers need not find this folder: they are sent the code of these modules.
    for module in (soak, sys.modules[__name__]):
        ray.cloudpickle.register_pickle_by_value(module)
    ray.init(num_cpus=given.workers, include_dashboard=False, logging_level="ERROR")
    report = share_among_workers(given.bundle.absolute(), requests, workers=given.workers, seconds=given.seconds)
    ray.shutdown()
    print(f"{given.workers} Ray workers: {report.lines()}")
    return 0 if not report.wrong and report.growth <= given.most_growth else 1


if __name__ == "__main__":
    sys.exit(main())
