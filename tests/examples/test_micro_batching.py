"""The queue and the batches of the service."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from examples.metrics import Metrics
from examples.micro_batching import MicroBatcher, QueueFullError, StoppedError


class Doubling:
    """Doubles the number in each request; while `open` is not set, a batch waits."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.batches: list[list[object]] = []

    def __call__(self, requests):
        self.batches.append([request["number"] for request in requests])
        self.entered.release()
        assert self.open.wait(30)
        if any(request["number"] == "broken" for request in requests):
            raise RuntimeError("broken")
        return [ValueError("odd") if one["number"] % 2 else one["number"] * 2 for one in requests]


@pytest.fixture
def doubling():
    return Doubling()


def busy(doubling, **options):
    """A batcher that is answering a first request until `doubling.open` is set, and that request's future."""
    batcher = MicroBatcher(doubling, **options)
    first = batcher.submit({"number": 0})
    assert doubling.entered.acquire(timeout=30)
    return batcher, first


def test_what_waits_is_answered_together(doubling):
    batcher, first = busy(doubling, largest_batch=3)
    futures = [batcher.submit({"number": number}) for number in (2, 4, 6, 8)]
    assert batcher.waiting == 4
    doubling.open.set()
    assert [one.result(30) for one in (first, *futures)] == [0, 4, 8, 12, 16]
    batcher.stop()
    assert doubling.batches == [[0], [2, 4, 6], [8]]
    assert (batcher.batches, batcher.batched_requests) == (3, 5)


def test_a_full_queue_refuses_at_once(doubling):
    batcher, first = busy(doubling, most_waiting=2)
    waiting = [batcher.submit({"number": 2}) for _ in range(2)]
    with pytest.raises(QueueFullError, match="2 requests are waiting already"):
        batcher.submit({"number": 4})
    doubling.open.set()
    assert [one.result(30) for one in (first, *waiting)] == [0, 4, 4]
    batcher.stop()


def test_stopping_answers_what_waits_and_takes_nothing_more(doubling):
    batcher, first = busy(doubling, most_waiting=2)
    waiting = [batcher.submit({"number": 2}) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        stops = [pool.submit(batcher.stop) for _ in range(2)]
        while batcher.takes_requests:
            pass
        with pytest.raises(StoppedError):
            batcher.submit({"number": 4})
        doubling.open.set()
        for stop in stops:
            stop.result(30)
    assert [one.result(0) for one in (first, *waiting)] == [0, 4, 4]


def test_an_answer_that_is_an_exception_is_raised_for_its_request_alone(doubling):
    batcher, _ = busy(doubling)
    odd, even = batcher.submit({"number": 3}), batcher.submit({"number": 4})
    doubling.open.set()
    with pytest.raises(ValueError, match="odd"):
        odd.result(30)
    assert even.result(30) == 8
    batcher.stop()


def test_a_batch_that_fails_is_answered_one_by_one(doubling):
    batcher, _ = busy(doubling)
    futures = [batcher.submit({"number": number}) for number in (2, "broken", 4)]
    doubling.open.set()
    with pytest.raises(RuntimeError, match="broken"):
        futures[1].result(30)
    assert (futures[0].result(30), futures[2].result(30)) == (4, 8)
    batcher.stop()
    assert doubling.batches[1:] == [[2, "broken", 4], [2], ["broken"], [4]]


def test_a_cancelled_request_is_not_computed(doubling):
    batcher, _ = busy(doubling)
    cancelled, other = batcher.submit({"number": 2}), batcher.submit({"number": 4})
    assert cancelled.cancel()
    doubling.open.set()
    assert other.result(30) == 8
    batcher.stop()
    assert doubling.batches == [[0], [4]]


def test_metrics_are_in_the_format_of_prometheus():
    metrics = Metrics()
    for status, seconds in ((200, 0.004), (200, 0.3), (200, 60.0), (503, 0.001)):
        metrics.record(status, seconds)
    lines = metrics.text(queue_length=3, batches_total=2).splitlines()
    assert lines[:3] == [
        "# TYPE albert_requests_total counter",
        'albert_requests_total{status="200"} 3',
        'albert_requests_total{status="503"} 1',
    ]
    assert 'albert_request_seconds_bucket{le="0.005"} 1' in lines
    assert 'albert_request_seconds_bucket{le="0.25"} 1' in lines
    assert 'albert_request_seconds_bucket{le="0.5"} 2' in lines
    assert 'albert_request_seconds_bucket{le="+Inf"} 3' in lines
    assert lines[-6:] == [
        *("albert_request_seconds_sum 60.304000", "albert_request_seconds_count 3"),
        *("# TYPE albert_queue_length gauge", "albert_queue_length 3"),
        *("# TYPE albert_batches_total counter", "albert_batches_total 2"),
    ]
