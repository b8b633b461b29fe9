"""How long a bundle takes to its first answer: `python -m tools.start_times BUNDLE...` prints it as Markdown.

Each row is measured in processes of its own, which take turns, and each cell is the median. The cache is one of the
tool's own: "cache off" opens the graph as it is, "first load" also makes the stored graph, "cached" finds it. With
`--against SOURCES`, a folder with the sources of another version, each bundle is opened with that runtime as well;
`--against-bundles FOLDER` has the bundles of the same names that this runtime opens. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

_RUNTIME = Path(__file__).parents[1] / "runtime"
#: what a process prints: milliseconds of its steps, and megabytes over those after the imports
_STEPS = ("numpy, sentencepiece", "engine", "runtime", "load", "answer")
_CHILD = """
import json, sys, time
times = [time.perf_counter()]
lap = lambda: times.append(time.perf_counter())
import numpy, sentencepiece
lap()
bundle = sys.argv[1]
from pathlib import Path
import os
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
if json.loads((Path(bundle) / "manifest.json").read_bytes())["model_file"].endswith(".onnx"):
    import onnxruntime
else:
    import ai_edge_litert.interpreter
lap()
import albert_runtime.session
from albert_runtime.bundle import open_bundle
task = open_bundle(bundle, check=False).task
albert_runtime.session.session_class(task)
lap()
def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1000
before = memory("VmRSS")
session = albert_runtime.load(bundle)
lap()
session(**session.manifest.self_test[0]["inputs"])
lap()
steps = [(end - start) * 1000 for start, end in zip(times, times[1:])]
print(json.dumps([*steps, memory("VmRSS") - before, memory("VmHWM") - before]))
"""


def _measure(bundle: Path, runtime: Path, cache: str, python_files: Path) -> list[float]:
    """The milliseconds of the steps and of the whole process, and the megabytes after it and at most."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(runtime), "PYTHONPYCACHEPREFIX": str(python_files), "ALBERT_CACHE": cache}
    start = time.perf_counter()
    command = [sys.executable, "-c", _CHILD, str(bundle)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    whole = (time.perf_counter() - start) * 1000
    if done.returncode:
        raise SystemExit(f"{bundle} can't be measured:\n{done.stderr}")
    *steps, memory, peak = json.loads(done.stdout.splitlines()[-1])
    return [*steps, whole, memory, peak]


def measure(
    bundles: list[Path], rounds: int, against: Path | None = None, against_bundles: Path | None = None
) -> dict[tuple[str, str], list[float]]:
    """(name of the bundle, how it was opened) -> the medians of `_measure`.

    Args:
        bundles: folders of bundles.
        rounds: how often each is opened in each way; one more round before them is not counted.
        against: the sources of another version.
        against_bundles: where that version's bundles are, by the same names; None means that they are the same ones.
    """
    found: dict[tuple[str, str], list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for number in range(rounds + 1):
            for bundle in bundles:
                ways = [("cache off", "off"), ("first load", str(work / "new")), ("cached", str(work / "cache"))]
                runs = [(way, bundle, _RUNTIME, cache) for way, cache in ways]
                if against is not None:
                    other = bundle if against_bundles is None else against_bundles / bundle.name
                    runs.insert(0, (str(against), other, against / "runtime", "off"))
                for way, folder, runtime, cache in runs:
                    shutil.rmtree(work / "new", ignore_errors=True)
                    values = _measure(folder, runtime, cache, work / "python")
                    if number:
                        found.setdefault((bundle.name, way), []).append(values)
    return {row: [median(column) for column in zip(*values, strict=True)] for row, values in found.items()}


def table(measured: dict[tuple[str, str], list[float]]) -> str:
    """The measurements as a table in Markdown; "start, exit" is what the process does outside of the other steps."""
    names = ["bundle", "opened", *_STEPS, "start, exit", "process", "MB", "peak MB"]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for (bundle, way), (*steps, whole, memory, peak) in sorted(measured.items(), key=lambda one: one[0][0]):
        cells = [*steps, whole - sum(steps), whole, memory, peak]
        lines.append("| " + " | ".join([bundle, way, *(f"{cell:.0f}" for cell in cells)]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure the bundles of the command line and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.start_times", description=__doc__)
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", type=Path, help="the folder of a bundle")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="how often each is opened (default: 9)")
    parser.add_argument("--against", type=Path, metavar="SOURCES", help="the sources of another version")
    parser.add_argument("--against-bundles", type=Path, metavar="FOLDER", help="that version's bundles, by their names")
    options = parser.parse_args()
    print(table(measure(options.bundles, options.rounds, options.against, options.against_bundles)))


if __name__ == "__main__":
    main()
