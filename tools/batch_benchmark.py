"""Prints how many requests a second a bundle answers one at a time and in batches, and how much the answers differ.

    python -m tools.batch_benchmark BUNDLE [BUNDLE ...] [--requests 256] [--tokens 128,256,512] [--threads N]

The requests are sample texts of the bundle's task, of mixed lengths.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import albert_runtime
from albert_export.samples.requests import sample_requests
from albert_runtime.answers import Embedding
from albert_runtime.printing import to_plain


def main(argv: Sequence[str] | None = None) -> None:
    """Measure the bundles that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE")
    parser.add_argument("--requests", type=int, default=256, help="how many requests")
    parser.add_argument("--tokens", default="128,256,512", help="values of max_batch_tokens")
    parser.add_argument("--threads", type=int, help="threads of the engine")
    options = parser.parse_args(argv)
    for bundle in options.bundles:
        session = albert_runtime.load(bundle, threads=options.threads)
        requests = sample_requests(session.bundle.task, options.requests, short=True)
        requests = (requests * options.requests)[: options.requests]
        single, alone = _timed(session(**request) for request in requests)
        print(f"{bundle}\n  one at a time {single:,.0f} requests/s")
        for tokens in map(int, options.tokens.split(",")):
            rate, answers = _timed(session.map(requests, max_batch_tokens=tokens))
            difference = max(map(score_difference, alone, answers))
            print(
                f"  {tokens:5} tokens in a batch {rate:,.0f} requests/s, {rate / single:.2f} times as many; "
                f"scores differ by {difference:.1e} at most"
            )
        rate, _ = _timed(session.map(requests, batch_invariant=True))
        print(f"  each by itself {rate:,.0f} requests/s, {rate / single:.2f} times as many")


def score_difference(left: Any, right: Any) -> float:
    """The largest difference of the scores of two answers with the same parts; NaN if the parts differ.

    Of embeddings it is the distance of the vectors, divided by the length of the first.
    """
    if isinstance(left, Embedding):
        return float(np.linalg.norm(left.vector - right.vector) / np.linalg.norm(left.vector))
    first, second = _scores(to_plain(left)), _scores(to_plain(right))
    if first.keys() != second.keys():
        return float("nan")
    return max((abs(score - second[part]) for part, score in first.items()), default=0.0)


def _scores(answer: Any) -> dict[str, float]:
    """What each part of an answer says, without its score -> the score."""
    if isinstance(answer, list):
        return {f"{key}": score for part in answer for key, score in _scores(part).items()}
    words = {name: value for name, value in answer.items() if not isinstance(value, float) and name != "filled"}
    return {str({**words, "scores": None}): answer["score"]}


def _timed(answers: Iterable[Any]) -> tuple[float, list[Any]]:
    """The answers for each second, and the answers."""
    started = time.perf_counter()
    results = list(answers)
    return len(results) / (time.perf_counter() - started), results


if __name__ == "__main__":
    main()
