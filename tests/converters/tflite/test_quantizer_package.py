"""litert-quantizer and ai-edge-quantizer, in one environment of their own, make the same bytes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from albert_converters.extras import quantizer_module
from albert_converters.tflite.model import dumps
from tests.tiny_tflite import two_linear_layers
from tests.virtual_environment import ROOT, new_environment, run_in

PACKAGES = {"litert_quantizer": "litert-quantizer==0.11.0", "ai_edge_quantizer": "ai-edge-quantizer==0.10.0"}
_QUANTIZE = """
import hashlib, importlib, json, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:4]
if sys.argv[5] == "old":
    sys.modules["litert_quantizer"] = None
import numpy as np
from albert_converters.extras import quantizer_module
from albert_converters.tflite.quantize import quantize
from albert_converters.tflite.quantizer_package import quantizer
model = Path(sys.argv[4]).read_bytes()
samples = [{"x": np.linspace(-1, end, 64, dtype=np.float32).reshape(1, 64)} for end in (1, 2)]
found = {
    precision: hashlib.sha256(quantize(model, precision, calibration=samples)).hexdigest()
    for precision in ("fp16", "int8", "int4", "int8-static")
}
print(json.dumps({"module": quantizer_module(), "imported": quantizer.__name__.split(".")[0], "found": found}))
"""


@pytest.mark.slow
def test_both_packages_make_the_same_bytes(tmp_path: Path) -> None:
    python = new_environment(tmp_path / "venv", list(PACKAGES.values()), may_lack=None)
    random = np.random.default_rng(0)
    weights = [(random.integers(-7, 8, (64, 64)) * random.uniform(0.01, 0.1)).astype(np.float32) for _ in range(2)]
    file = tmp_path / "model.tflite"
    file.write_bytes(dumps(two_linear_layers(*weights)))
    folders = [str(ROOT / part) for part in ("", "converters", "runtime")]
    answers = []
    for which in ("new", "old"):
        done = run_in(python, "-c", _QUANTIZE, *folders, str(file), which)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout.splitlines()[-1]))
    new, old = answers
    assert (new["module"], new["imported"]) == ("litert_quantizer", "litert_quantizer")
    assert (old["module"], old["imported"]) == ("ai_edge_quantizer", "ai_edge_quantizer")
    assert new["found"] == old["found"]
    assert len(set(new["found"].values())) == 4


def test_the_newer_name_is_the_one_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in PACKAGES:
        monkeypatch.setitem(sys.modules, module, None)
    assert quantizer_module() == "litert_quantizer"
