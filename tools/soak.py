"""Runs one session for a long time: `python -m tools.soak BUNDLE --seconds 60`.

First, several threads share the session; then, several forked processes use it. Every answer is compared with the one
that the session gave to the same request alone, and the resident memory is printed from time to time. The tool exits
with 1 if an answer differs, a process fails, or the memory has grown by more than --most-growth megabytes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import albert_runtime
from albert_runtime.printing import to_json


@dataclass
class SoakReport:
    """What several threads of one process, or several processes, did."""

    #: how many answers each of them gave
    answers: list[int] = field(default_factory=list)
    #: how many of all answers differed from the expected ones, or failed
    wrong: int = 0
    #: megabytes of each process: after the first round of requests, after a tenth of the time, ..., at the end
    memory: list[list[float]] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """The megabytes by which the memory of a process grew, in the worst case.

        The first tenth of the time does not count: until then, the memory allocator sets memory aside for each thread.
        """
        return max((sizes[-1] - sizes[1] for sizes in self.memory), default=0)

    def lines(self) -> str:
        """The report as text."""
        sizes = "\n".join("  MB: " + " ".join(f"{size:.1f}" for size in one) for one in self.memory)
        return f"{sum(self.answers)} answers ({self.answers}), {self.wrong} wrong, growth {self.growth:.1f} MB\n{sizes}"


def share_among_threads(
    session: albert_runtime.AlbertSession, requests: Sequence[dict[str, Any]], *, threads: int, seconds: float
) -> SoakReport:
    """Let `threads` ask the session at once, each beginning with another request."""
    expected = [to_json(session(**request)) for request in requests]
    report = SoakReport(answers=[0] * threads)
    wrong = [0] * threads
    warm = threading.Barrier(threads + 1)
    end = time.perf_counter() + seconds

    def ask(number: int) -> None:
        for turn in range(len(requests)):
            wrong[number] += not _is_right(session, requests, expected, number + turn)
        warm.wait()
        while time.perf_counter() < end:
            wrong[number] += not _is_right(session, requests, expected, number + report.answers[number])
            report.answers[number] += 1

    workers = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    warm.wait()
    report.memory = [_sizes_until(end)]
    for worker in workers:
        worker.join()
    report.wrong = sum(wrong)
    return report


def share_among_forks(
    session: albert_runtime.AlbertSession, requests: Sequence[dict[str, Any]], *, workers: int, seconds: float
) -> SoakReport:
    """Fork `workers` processes that use the session of this process."""
    expected = [to_json(session(**request)) for request in requests]
    context = multiprocessing.get_context("fork")
    results: SimpleQueue[tuple[int, int, list[float]]] = context.SimpleQueue()

    def ask(number: int) -> None:
        wrong = sum(not _is_right(session, requests, expected, turn) for turn in range(len(requests)))
        answers, sizes, start = 0, [memory()], time.perf_counter()
        for part in (0.1, 1):
            while time.perf_counter() < start + seconds * part:
                wrong += not _is_right(session, requests, expected, number + answers)
                answers += 1
            sizes.append(memory())
        results.put((answers, wrong, sizes))

    processes = [context.Process(target=ask, args=(number,)) for number in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(seconds + 120)
    report = SoakReport()
    for process in processes:
        if process.exitcode == 0:
            answers, wrong, sizes = results.get()
            report.answers.append(answers)
            report.memory.append(sizes)
            report.wrong += wrong
        else:
            report.wrong += 1
            process.kill()
    return report


def _is_right(
    session: albert_runtime.AlbertSession, requests: Sequence[dict[str, Any]], expected: Sequence[str], number: int
) -> bool:
    """Whether the answer is the expected one, to the last digit; an exception in a thread would be lost."""
    index = number % len(requests)
    try:
        return to_json(session(**requests[index])) == expected[index]
    except Exception as error:
        print(f"request {index}: {type(error).__name__}: {error}", file=sys.stderr)
        return False


def _sizes_until(end: float) -> list[float]:
    """The size of this process now and after each tenth of the time until `end`."""
    start = time.perf_counter()
    sizes = [memory()]
    for number in range(1, 11):
        time.sleep(max(0, start + (end - start) * number / 10 - time.perf_counter()))
        sizes.append(memory())
    return sizes


def memory() -> float:
    """The resident memory of this process in megabytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="the folder of the bundle")
    parser.add_argument("requests", type=Path, help="a file with a JSON array of requests")
    parser.add_argument("--seconds", type=float, default=60, help="for the threads, and again for the processes")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--most-growth", type=float, default=5, help="megabytes (default 5)")
    given = parser.parse_args()
    session = albert_runtime.load(given.bundle)
    requests = json.loads(given.requests.read_text(encoding="utf-8"))
    shared = share_among_threads(session, requests, threads=given.threads, seconds=given.seconds)
    print(f"{given.threads} threads: {shared.lines()}", flush=True)
    forked = share_among_forks(session, requests, workers=given.workers, seconds=given.seconds)
    print(f"{given.workers} forked processes: {forked.lines()}")
    print(f"load of the machine (1, 5, 15 minutes): {' '.join(f'{one:.1f}' for one in os.getloadavg())}")
    right = not shared.wrong and not forked.wrong and max(shared.growth, forked.growth) <= given.most_growth
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
