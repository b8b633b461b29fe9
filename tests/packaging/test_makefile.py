"""`make help`, which `make` alone prints too, lists every target."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from tests.virtual_environment import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.mark.parametrize("arguments", [[], ["help"]], ids=["make", "make help"])
def test_every_target_has_its_line(arguments: list[str]) -> None:
    # The suite itself may run under make, whose flags would let this one print the folders that it enters.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    done = subprocess.run(["make", *arguments], capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [(program, target) for program, target, _ in lines] == [("make", target) for target in phony.split()]
