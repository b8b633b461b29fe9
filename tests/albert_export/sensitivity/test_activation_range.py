"""Activation ranges: extremes, peaks, and how far the largest channels stand out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_export.quantization.outlier_channels import outlier_channels
from albert_export.sensitivity.activation_range import ActivationRange


def test_a_range_by_hand() -> None:
    rows = np.array([[[1.0, -2.0, 0.5, 0, 0, 1], [-40.0, 1.0, 3.0, 4, 0, 2]]], np.float32)
    found = ActivationRange.of(rows)
    assert (found.minimum, found.maximum) == (-40.0, 4.0)
    assert found.peaks.tolist() == [40.0, 2.0, 3.0, 4.0, 0.0, 2.0]
    assert found.outlier_ratio == pytest.approx(40 / 3)
    # four of six channels may be outliers, so the largest ordinary peak is the fifth largest, 2
    assert found.outlier_channels == (0,)


def test_united_ranges_have_the_larger_peaks() -> None:
    one = ActivationRange.of(np.array([[1.0, -5.0]], np.float32))
    other = ActivationRange.of(np.array([[-2.0, 3.0]], np.float32))
    both = one | other
    assert (both.minimum, both.maximum, both.peaks.tolist()) == (-5.0, 3.0, [2.0, 5.0])


def test_dead_channels_do_not_lower_the_median() -> None:
    found = ActivationRange.of(np.array([[0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]], np.float32))
    assert found.outlier_ratio == 1.5
    assert found.outlier_channels == (6, 5, 4)  # they stand out from the dead channels, and an export splits them off


def test_nothing_but_zeros_has_no_outliers() -> None:
    found = ActivationRange.of(np.zeros((2, 3), np.float32))
    assert found.outlier_ratio == 1.0
    assert found.outlier_channels == ()


def test_outlier_channels_come_largest_first() -> None:
    peaks = np.ones(20, np.float32)
    peaks[[3, 7, 11, 12]] = 9.0, -90.0, 8.0, 2.0
    assert ActivationRange.of(peaks[None]).outlier_channels == (7, 3, 11)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.9, 2.1, 4.0, 8.0, 60.0]), min_size=1, max_size=200))
def test_exports_and_scans_agree_which_channels_are_outliers(peaks: list[float]) -> None:
    array = np.array(peaks, np.float32)
    found = ActivationRange.of(array[None]).outlier_channels
    assert sorted(found) == outlier_channels(array)
    assert [array[channel] for channel in found] == sorted(array[list(found)], reverse=True)
