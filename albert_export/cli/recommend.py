"""The command `albert-export recommend`. What it measures with is imported only when it runs, to keep `--help` fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from albert_export.cli.options import json_option, print_json, quiet_option
from albert_export.utils.terminal import steps


@click.command(
    epilog="""\b
Examples:
  albert-export recommend albert-fp32 albert-int8 albert-int4
  albert-export recommend onnx-int8 tflite-int8 --length 384 --max-drop 0.5 --json
\b
Give bundles of one checkpoint. Each is run by every installed engine that can run it, in turn with the
others. How many answers a bundle keeps is what its export wrote into its manifest: nothing is compared
here. Exit code 7: whatever runs has lost more than --max-drop allows."""
)
@click.argument("bundles", type=click.Path(path_type=Path), metavar="BUNDLE...", nargs=-1, required=True)
@click.option(
    "--max-drop", type=float, metavar="POINTS",
    help="How many of 100 answers may differ from the original's, and by how many points a metric may have fallen."
    "  [default: 1, and 0.5]",
)  # fmt: skip
@click.option("--length", type=click.IntRange(min=1), default=128, show_default=True, help="Tokens of a sequence.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Sequences in a run.")
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N",
    help="Threads of the engine.  [default: compare with the usable cores, and try fewer for the best]",
)  # fmt: skip
@click.option("--runs", type=click.IntRange(min=1), default=10, show_default=True, help="Timed runs in each round.")
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How often each is loaded and timed."
)
@quiet_option
@json_option
def recommend(
    bundles: tuple[Path, ...], max_drop: float | None, length: int, quiet: bool, as_json: bool, **settings: Any
) -> None:
    """Say which precision and engine are fastest on this processor, of those that keep the answers."""
    from albert_export.bench.recommend.recommendation import recommend as find
    from albert_export.bench.recommend.report import recommendation_dict, recommendation_text
    from albert_export.bench.settings import Settings
    from albert_export.quantization.accuracy_options import AccuracyBudget

    budget = AccuracyBudget.from_max_drop(max_drop)
    with steps(quiet) as progress:
        found = find(bundles, Settings(lengths=(length,), **settings), budget, progress=progress)
    if as_json:
        print_json(recommendation_dict(found))
    else:
        click.echo(recommendation_text(found))
