"""The kernels of a TFLite run: `python -m tools.operator_profile.tflite BUNDLE...` prints the share of each kind.

LiteRT's profiler of operators can't be reached from its Python package. But its library keeps the names of XNNPACK's
kernels, and so Linux's `perf` (Debian's package linux-perf) can count which of them the processor is in. The share of
"sums and scalings" holds LayerNorm, the residual connections, the mask and the last step of the softmax, which use the
same kernels. Run it with `chrt -r 10` in front, since other programs displace the processor's caches.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from albert_runtime import open_engine
from tools.latency_ratio import WARM_UP, graph_file, token_ids

#: kind -> what the name of a kernel, or of another function, holds; the first match decides
KINDS = {
    "quantizing": r"_rminmax_|_f32_q[sud]\d*_vcvt|pack_lh",
    "integer products": r"^xnn_q\w*_i?gemm",
    "float products": r"^xnn_(f16|f32|bf16)\w*_i?gemm",
    "packing": r"pack",
    "softmax": r"raddstoreexp|_rmax_|compute_reciprocal|softmax",
    "GELU": r"gelu",
    "sums and scalings": r"^xnn_f32_(v(add|sub|mul|div|sqr|rsqrt|sqrdiff)|r?d?sum)",
    "transposes and copies": r"transpose|_copy_|^__mem|TensorCopy",
    "waiting": r"thread_main|pthreadpool|futex",
}
REST = "rest"
#: the longest time of one profiled process, in seconds
_LIMIT = 120.0


def kind_of(symbol: str) -> str:
    """The kind of a function, by its name."""
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, symbol)), REST)


def shares(samples: Iterable[str]) -> dict[str, float]:
    """The share of each kind in the output of `perf script -F ip,sym`, whose lines are an address and a name.

    Raises:
        ValueError: there are no samples.
    """
    counts = Counter(kind_of(line.split(maxsplit=1)[1]) for line in samples if len(line.split(maxsplit=1)) > 1)
    if not counts:
        raise ValueError("perf has no samples; did the processes run, and may this user watch them?")
    return {kind: counts[kind] / counts.total() for kind in (*KINDS, REST)}


def profile(file: Path, length: int, threads: int, seconds: float) -> tuple[float, dict[str, float]]:
    """The median milliseconds of one run before perf watches, and the shares while it does."""
    command = [sys.executable, "-m", "tools.operator_profile.tflite", "--run", str(file), str(length), str(threads)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            milliseconds = float(process.stdout.readline())
            samples = Path(folder, "samples")
            watch = ["perf", "record", "-F", "2999", "-o", str(samples), "-p", str(process.pid)]
            subprocess.run([*watch, "--", "sleep", str(seconds)], check=True, capture_output=True)
            script = ["perf", "script", "-i", str(samples), "-F", "ip,sym"]
            found = subprocess.run(script, check=True, capture_output=True, text=True)
        finally:
            process.kill()
    return milliseconds, shares(found.stdout.splitlines())


def run(file: Path, length: int, threads: int) -> None:
    """Run a graph again and again, after printing the milliseconds of a run; end by itself if nobody ends it."""
    engine, inputs, taken = open_engine(file, threads=threads, name="litert"), token_ids(length), []
    end = time.monotonic() + _LIMIT
    while time.monotonic() < end:
        start = time.perf_counter()
        engine.run(inputs)
        taken.append(1e3 * (time.perf_counter() - start))
        if len(taken) == 4 * WARM_UP:
            print(median(taken[WARM_UP:]), flush=True)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.operator_profile.tflite", description=__doc__.splitlines()[0]
    )
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE", help="TFLite bundles, or graph files")
    parser.add_argument("--lengths", type=int, nargs="+", default=[32, 128, 384], help="numbers of tokens")
    parser.add_argument("--threads", type=int, default=1, help="number of threads of one run")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long perf watches each graph")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        file, length, threads = options.run
        run(Path(file), int(length), int(threads))
        return
    if shutil.which("perf") is None:
        parser.error("this needs Linux's perf, in Debian and Ubuntu: apt-get install linux-perf")
    print(f"| bundle | tokens | ms | {' | '.join((*KINDS, REST))} |\n|{'---|' * (4 + len(KINDS))}")
    for bundle in options.bundles:
        for length in options.lengths:
            milliseconds, found = profile(graph_file(bundle), length, options.threads, options.seconds)
            cells = " | ".join(f"{share:.1%}" for share in found.values())
            print(f"| {bundle.name} | {length} | {milliseconds:.1f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
