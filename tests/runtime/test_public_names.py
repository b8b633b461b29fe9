from __future__ import annotations

import os
import subprocess
import sys

import albert_runtime


def test_public_names_are_sorted_and_there():
    assert albert_runtime.__all__ == sorted(albert_runtime.__all__)
    for name in albert_runtime.__all__:
        assert getattr(albert_runtime, name) is not None
    assert dir(albert_runtime) == albert_runtime.__all__
    assert not hasattr(albert_runtime, "absent")


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, albert_runtime, albert_runtime.cli\n"
        "heavy = {'numpy', 'sentencepiece', 'onnxruntime', 'torch', 'tensorflow', 'transformers', 'onnx'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})
