"""Ranges: extremes, peaks, and how far the largest channel stands out."""

from __future__ import annotations

import numpy as np
import pytest

from albert_export.sensitivity.activation_range import Range


def test_a_range_by_hand() -> None:
    rows = np.array([[[1.0, -2.0, 0.5], [-40.0, 1.0, 3.0]]], np.float32)
    found = Range.of(rows)
    assert (found.minimum, found.maximum) == (-40.0, 3.0)
    assert found.peaks.tolist() == [40.0, 2.0, 3.0]
    assert found.outlier_ratio == pytest.approx(40 / 3)
    assert found.outlier_channels == (0,)


def test_two_ranges_together_have_the_larger_peaks() -> None:
    one, other = Range.of(np.array([[1.0, -5.0]], np.float32)), Range.of(np.array([[-2.0, 3.0]], np.float32))
    both = one | other
    assert (both.minimum, both.maximum, both.peaks.tolist()) == (-5.0, 3.0, [2.0, 5.0])


def test_dead_channels_are_no_measure_of_the_ordinary() -> None:
    found = Range.of(np.array([[0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]], np.float32))
    assert found.outlier_ratio == 1.5
    assert found.outlier_channels == ()


def test_nothing_but_zeros_has_no_outliers() -> None:
    found = Range.of(np.zeros((2, 3), np.float32))
    assert found.outlier_ratio == 1.0
    assert found.outlier_channels == ()


def test_outlier_channels_come_largest_first() -> None:
    peaks = np.ones(20, np.float32)
    peaks[[3, 7, 11]] = 9.0, -90.0, 8.0
    assert Range.of(peaks[None]).outlier_channels == (7, 3)
