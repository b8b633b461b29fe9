"""A file run that is killed and resumed gives the output of one that is not."""

from __future__ import annotations

import sys

import pytest

from tests.conftest import DemoBundleOf
from tools.kill_and_resume import main


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sizes of processes are read from /proc")
def test_killed_three_times(demo_bundle_of: DemoBundleOf, capfd: pytest.CaptureFixture[str]) -> None:
    bundle = str(demo_bundle_of("onnx", "text-classification", "fp32"))
    assert main([bundle, "--lines", "40000", "--kills", "3"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "the outputs are equal" in lines
    assert len(lines) == 4
