"""Profiles ONNX bundles: `python -m tools.operator_profile BUNDLE...` prints the share of each kind of operators.

Run it with `chrt -r 10` in front, since other programs make the time between operators longer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.operator_profile.onnx import ALL_KINDS, profile


def graph_file(path: Path) -> Path | None:
    """The ONNX graph of a bundle, or the file itself; None if there is none."""
    file = path / "model.onnx" if path.is_dir() else path
    return file if file.suffix == ".onnx" and file.is_file() else None


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.operator_profile", description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE", help="ONNX bundles, or .onnx files")
    parser.add_argument("--lengths", type=int, nargs="+", default=[32, 128, 384], help="numbers of tokens")
    parser.add_argument("--threads", type=int, default=1, help="number of threads of one run")
    parser.add_argument("--runs", type=int, default=20, help="number of runs of each profile")
    parser.add_argument("--rounds", type=int, default=3, help="number of profiles; the fastest is printed")
    options = parser.parse_args()
    files = {bundle: graph_file(bundle) for bundle in options.bundles}
    missing = [str(bundle) for bundle, file in files.items() if file is None]
    if missing:
        parser.error(f"these are neither bundles with a model.onnx nor .onnx files: {', '.join(missing)}")
    print(f"| bundle | tokens | ms | {' | '.join(ALL_KINDS)} |\n|{'---|' * (3 + len(ALL_KINDS))}")
    for bundle, file in files.items():
        for length in options.lengths:
            profiles = [
                profile(file, length, threads=options.threads, runs=options.runs) for _ in range(options.rounds)
            ]
            found = min(profiles, key=lambda one: one.milliseconds)
            cells = " | ".join(f"{found.shares[kind]:.1%}" for kind in ALL_KINDS)
            print(f"| {bundle.name} | {length} | {found.milliseconds:.1f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
