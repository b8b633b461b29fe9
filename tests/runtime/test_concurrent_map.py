from __future__ import annotations

import threading
import time

import pytest

from albert_runtime.concurrent_map import concurrent_map


@pytest.mark.parametrize("at_once", [1, 2, 5])
class TestOrder:
    def test_results_come_in_the_order_of_the_items(self, at_once):
        def slow_first(item):
            time.sleep(0.02 if item == 0 else 0)
            return item * item

        assert list(concurrent_map(slow_first, range(10), lambda _: at_once)) == [
            (item, item * item) for item in range(10)
        ]

    def test_no_items(self, at_once):
        assert list(concurrent_map(str, [], lambda _: at_once)) == []

    def test_an_error_comes_in_its_turn(self, at_once):
        def fails_at_2(item):
            if item == 2:
                raise ValueError("two")
            return item

        results = concurrent_map(fails_at_2, range(1000), lambda _: at_once)
        assert [next(results), next(results)] == [(0, 0), (1, 1)]
        with pytest.raises(ValueError, match="two"):
            next(results)

    def test_what_reading_the_items_raises_is_raised(self, at_once):
        def items():
            yield 1
            raise KeyError("no more")

        with pytest.raises(KeyError, match="no more"):
            list(concurrent_map(str, items(), lambda _: at_once))

    def test_little_is_computed_ahead(self, at_once):
        read = []
        results = concurrent_map(str, (read.append(item) or item for item in range(1000)), lambda _: at_once)
        next(results)
        assert len(read) <= at_once + 1
        results.close()
        assert len(read) <= at_once + 1


def test_one_at_a_time_stays_in_this_thread():
    assert list(concurrent_map(lambda _: threading.get_ident(), "ab", lambda _: 1)) == [
        (one, threading.get_ident()) for one in "ab"
    ]


def test_several_are_computed_at_once():
    both = threading.Barrier(2, timeout=30)  # breaks if there is only one at a time
    assert len(list(concurrent_map(lambda _: both.wait(), range(4), lambda _: 2))) == 4


def test_no_thread_is_left():
    before = threading.active_count()
    results = concurrent_map(str, range(10), lambda _: 3)
    next(results)
    results.close()
    assert threading.active_count() == before


def test_items_that_are_computed_by_themselves():
    main = threading.get_ident()
    found = list(
        concurrent_map(lambda _: threading.get_ident() == main, [9, 9, 1, 2, 3, 9, 4], lambda item: 1 + (item < 5))
    )
    assert [item for item, _ in found] == [9, 9, 1, 2, 3, 9, 4]
    assert [here for _, here in found] == [True, True, False, False, False, True, True]  # the last has no neighbour
