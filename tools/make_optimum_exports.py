"""Export an ALBERT with optimum-onnx: `python -m tools.make_optimum_exports FOLDER --python PYTHON`.

A checkpoint of a published shape with random weights is exported with `optimum-cli` in three ways, as its users do it:
in fp32, in fp32 with `-O3`, and in fp32 with quantization to int8 afterwards. `albert-export doctor` must find the
errors in these files; see docs/doctor.md. PYTHON is the interpreter of an environment with optimum-onnx:

    python -m venv optimum
    optimum/bin/pip install 'optimum-onnx[onnxruntime]' 'torch==2.13.0' 'transformers<5'
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.figures import make_checkpoint

#: for pip; the version of torch is the one that this project pins, because pip finds a build for CPUs of it
REQUIREMENTS = ("optimum-onnx[onnxruntime]", "torch==2.13.0", "transformers<5")


class OptimumExports(NamedTuple):
    """Files that optimum-onnx wrote."""

    #: as exported, in fp32
    plain: Path
    #: `plain`, optimized for speed with -O3
    optimized: Path
    #: `plain`, quantized to int8
    quantized: Path


def make_optimum_exports(folder: Path, python: str, *, shape: str = "albert-base-v2") -> OptimumExports:
    """Make a checkpoint for question answering in `folder`, and export it with optimum-onnx.

    Args:
        folder: where to write; it is created.
        python: the interpreter of the environment that optimum-onnx is installed in.
        shape: the name of a published size.
    """
    checkpoint = folder / "checkpoint"
    make_checkpoint(shape, checkpoint)
    export = ["export", "onnx", "--task", "question-answering", "--model", str(checkpoint)]
    _optimum(python, *export, str(folder / "plain"))
    _optimum(python, *export, "--optimize", "O3", str(folder / "optimized"))
    quantize = ["onnxruntime", "quantize", "--avx512_vnni", "--onnx_model", str(folder / "plain")]
    _optimum(python, *quantize, "--output", str(folder / "quantized"))
    return OptimumExports(
        folder / "plain" / "model.onnx",
        folder / "optimized" / "model.onnx",
        folder / "quantized" / "model_quantized.onnx",
    )


def _optimum(python: str, *arguments: str) -> None:
    command = [str(Path(python).parent / "optimum-cli"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--python", required=True, help="the interpreter of an environment with optimum-onnx")
    parser.add_argument("--shape", default="albert-base-v2", help="a published size")
    options = parser.parse_args()
    for file in make_optimum_exports(options.folder, options.python, shape=options.shape):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
