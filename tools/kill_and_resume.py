"""Kills a file run and resumes it: `python -m tools.kill_and_resume BUNDLE --lines 1000000 --kills 3`.

The tool writes a file of short random texts and answers it twice: once without interruption, and once killed with
SIGKILL several times and resumed each time. It prints the rate and the resident memory of the first run, and exits with
1 if the two outputs differ by a byte, or if the memory grew by more than --most-growth megabytes after the first tenth
of the run. The bundle is one for text classification. The memory is read from /proc, so this runs on Linux only.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_TEXT = (
    "the story was gripping and i loved the cast but the food was not good so we left early it rained on the great "
    "bridge where a bad actor played slow music for a happy crowd"
)
#: seconds between two looks at a running process
_INTERVAL = 0.2


def write_requests(file: Path, lines: int) -> None:
    """Write `lines` JSON lines with texts of 2 to 8 words; the same ones each time."""
    numbers = random.Random(0)
    words = _TEXT.split()
    with file.open("w", encoding="utf-8") as stream:
        for _ in range(lines):
            text = " ".join(numbers.choices(words, k=numbers.randint(2, 8)))
            stream.write(json.dumps({"text": text}) + "\n")


def start(bundle: Path, requests: Path, output: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start the command that answers the file."""
    command = [sys.executable, "-m", "albert_runtime", str(bundle), "--input", str(requests), "--output", str(output)]
    return subprocess.Popen([*command, "--quiet", *options])


def wait(process: subprocess.Popen[bytes], look: Callable[[], bool]) -> None:
    """Call `look` from time to time until the process ends, or until `look` returns False.

    Raises:
        SystemExit: the process has failed.
    """
    while process.poll() is None:
        if not look():
            return
        time.sleep(_INTERVAL)
    if process.returncode != 0:
        raise SystemExit(f"the run ended with code {process.returncode}")


def resident_megabytes(process: subprocess.Popen[bytes]) -> float:
    """The resident memory of a process; 0 if it has just ended."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


def uninterrupted(bundle: Path, requests: Path, output: Path) -> tuple[float, list[float]]:
    """Answer the file; returns the seconds, and the resident megabytes from time to time."""
    started, sizes = time.monotonic(), []
    process = start(bundle, requests, output)

    def look() -> bool:
        sizes.append(resident_megabytes(process))
        return True

    wait(process, look)
    return time.monotonic() - started, [size for size in sizes if size]


def killed(bundle: Path, requests: Path, output: Path, size: int, kills: int) -> list[int]:
    """Answer the file, and kill the process each time a further share of the `size` bytes of the output is written.

    Returns:
        The bytes of the output at each kill.
    """
    found = []
    for number in range(kills):
        process = start(bundle, requests, output, "--resume")
        limit = size * (number + 1) // (kills + 1)
        wait(process, lambda limit=limit: not output.exists() or output.stat().st_size < limit)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
        found.append(output.stat().st_size)
    wait(start(bundle, requests, output, "--resume"), lambda: True)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run both, print what was found, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="the folder of a text-classification bundle")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--most-growth", type=float, default=10.0, metavar="MB")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        requests, whole, resumed = (Path(name) / one for one in ("requests.jsonl", "whole.jsonl", "resumed.jsonl"))
        write_requests(requests, given.lines)
        seconds, sizes = uninterrupted(given.bundle, requests, whole)
        tenths = [sizes[len(sizes) * tenth // 10] for tenth in range(10)] + sizes[-1:]
        growth = max(sizes[len(sizes) // 10 :]) - sizes[len(sizes) // 10]
        print(f"{given.lines:,} lines in {seconds:.0f} s: {given.lines / seconds:,.0f} lines/s")
        print(f"resident MB at each tenth: {' '.join(f'{size:.1f}' for size in tenths)}; growth {growth:.1f}")
        places = killed(given.bundle, requests, resumed, whole.stat().st_size, given.kills)
        same = filecmp.cmp(whole, resumed, shallow=False)
        print(f"killed at bytes {', '.join(f'{place:,}' for place in places)} of {whole.stat().st_size:,}")
        print(f"the outputs are {'equal' if same else 'DIFFERENT'}")
        left = sorted(path.name for path in Path(name).iterdir() if path not in (requests, whole, resumed))
        if left:
            print(f"left over: {', '.join(left)}")
    return 0 if same and growth <= given.most_growth and not left else 1


if __name__ == "__main__":
    sys.exit(main())
