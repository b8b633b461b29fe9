"""What optimum-onnx makes of an ALBERT: `python -m tools.make_optimum_exports FOLDER --python PYTHON`.

A checkpoint of a published shape with random weights goes through `optimum-cli` as its users do it: exported, exported
with `-O3`, and exported and then quantized to int8. The files have faults that `albert-export doctor` is to find; see
docs/doctor.md. PYTHON is that of an environment with optimum-onnx:

    python -m venv optimum
    optimum/bin/pip install 'optimum-onnx[onnxruntime]' 'torch==2.13.0' 'transformers<5'
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.figures import make_checkpoint

#: for pip; the version of torch is that of this project, of which a build for CPUs is found
REQUIREMENTS = ("optimum-onnx[onnxruntime]", "torch==2.13.0", "transformers<5")


class OptimumExports(NamedTuple):
    """Files that optimum-onnx wrote."""

    #: as exported, in fp32
    plain: Path
    #: optimized for speed
    optimized: Path
    #: `plain`, quantized
    quantized: Path


def make_optimum_exports(folder: Path, python: str, *, shape: str = "albert-base-v2") -> OptimumExports:
    """Makes the checkpoint and what optimum-onnx makes of it for question answering, all in `folder`.

    Args:
        folder: where to write; it is made.
        python: of the environment that optimum-onnx is installed in.
        shape: a published size.
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
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--python", required=True, help="of an environment with optimum-onnx")
    parser.add_argument("--shape", default="albert-base-v2", help="a published size")
    options = parser.parse_args()
    for file in make_optimum_exports(options.folder, options.python, shape=options.shape):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
