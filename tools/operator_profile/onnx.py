"""The operators of an ONNX run: how long ONNX Runtime's own profiler saw each kind of them take."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

import onnxruntime

from albert_runtime.engines.onnx_engine import OnnxEngine
from tools.latency_ratio import token_ids

#: kind -> the operators that belong to it, as ONNX Runtime calls them after it has fused what it can. The products of
#: a DynamicQuantizeMatMul hold the quantizing of its activations.
KINDS = {
    "integer products": {"MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QLinearMatMul", "QGemm",
                         "MatMulNBits"},
    "float products": {"MatMul", "FusedMatMul", "Gemm"},
    "quantizing": {"DynamicQuantizeLinear", "QuantizeLinear", "DequantizeLinear"},
    "softmax": {"Softmax"},
    "GELU": {"Gelu", "FastGelu", "BiasGelu", "Tanh", "Erf", "Pow"},
    "LayerNorm": {"LayerNormalization", "SkipLayerNormalization"},
    "transposes and reshapes": {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Split", "Concat", "Expand", "Slice"},
    "sums": {"Add"},
}  # fmt: skip
OTHER = "other operators"
#: the time of a run in which no operator works: the engine goes from one to the next
BETWEEN = "between operators"
#: the time of a call of the runtime's engine in which ONNX Runtime does not run: checks, arrays in and out
OUTSIDE = "outside ONNX Runtime"
ALL_KINDS = (*KINDS, OTHER, BETWEEN, OUTSIDE)
#: runs that are not counted, in which memory is reserved
_WARM_UP = 3


class Profile(NamedTuple):
    """Where the time of a run goes."""

    #: the median time of a call of the engine, with the profiler on
    milliseconds: float
    #: kind -> its share of that time, for each of `ALL_KINDS`
    shares: dict[str, float]


def kind_of(operator: str) -> str:
    """The kind of an operator, by its name."""
    return next((kind for kind, operators in KINDS.items() if operator in operators), OTHER)


def shares(events: Iterable[Mapping[str, Any]], calls: list[float]) -> dict[str, float]:
    """The share of each kind in the time of the calls; the slower half of them, which may be disturbed, is left out.

    Args:
        events: of a trace of ONNX Runtime's profiler, whose times are microseconds.
        calls: the microseconds of the latest calls of the engine, each of which is one run in the trace.

    Raises:
        ValueError: the trace has fewer runs than there are calls.
    """
    events = list(events)
    runs = [event for event in events if event["name"] == "model_run"]
    if not calls or len(runs) < len(calls):
        raise ValueError(f"the trace has {len(runs)} runs of {len(calls)} calls")
    limit = median(calls)
    kept = [(run, call) for run, call in zip(runs[-len(calls) :], calls, strict=True) if call <= limit]
    times: Counter[str] = Counter()
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            inside = any(run["ts"] <= event["ts"] < run["ts"] + run["dur"] for run, _ in kept)
            times[kind_of(event["args"]["op_name"])] += event["dur"] if inside else 0
    running, total = sum(run["dur"] for run, _ in kept), sum(call for _, call in kept)
    times[BETWEEN], times[OUTSIDE] = running - times.total(), total - running
    return {kind: times[kind] / total for kind in ALL_KINDS}


def profile(file: Path, length: int, *, threads: int, runs: int) -> Profile:
    """Profile `runs` runs of one sequence of `length` tokens.

    The engine is the runtime's own, with its own options but for the profiler.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "trace"))
        with patch("onnxruntime.SessionOptions", return_value=options):
            engine = OnnxEngine(file, threads=threads)
        inputs = token_ids(length)
        calls = []
        for _ in range(_WARM_UP + runs):
            start = time.perf_counter()
            engine.run(inputs)
            calls.append(1e6 * (time.perf_counter() - start))
        trace = json.loads(Path(engine._native.end_profiling()).read_text(encoding="utf-8"))
    calls = calls[_WARM_UP:]
    return Profile(median(calls) / 1e3, shares(trace, calls))
