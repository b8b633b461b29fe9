from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import BundleError
from albert_runtime.postprocessing.probabilities import softmax


def logits(*values):
    return np.array(values, np.float32)


class TestSoftmax:
    def test_by_hand(self):
        assert softmax(np.log(logits(1, 2, 5))) == pytest.approx([0.125, 0.25, 0.625])

    def test_large_logits_do_not_overflow(self):
        assert softmax(logits(1e5, 0, -3e38)).tolist() == [1.0, 0.0, 0.0]

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_refuses_values_that_are_not_finite(self, bad):
        with pytest.raises(BundleError, match="NaN or infinity"):
            softmax(logits(0, bad))
