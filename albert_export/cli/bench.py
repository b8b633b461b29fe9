"""The command `albert-export bench`. What it measures with is imported only when it runs, to keep `--help` fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from albert_export.cli.options import bundle_precision_option, json_option, print_json, quiet_option
from albert_export.utils.terminal import steps


class _Lengths(click.ParamType):
    """Different whole numbers from 1, separated by commas; exactly `count` of them if that is given."""

    name = "lengths"

    def __init__(self, count: int | None = None) -> None:
        self.count = count

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        try:
            lengths = tuple(dict.fromkeys(int(part) for part in str(value).split(",")))
        except ValueError:
            lengths = ()
        if not lengths or min(lengths) < 1:
            self.fail(f"{value!r} is not a list of lengths like 32,128", param, ctx)
        if self.count is not None and len(lengths) != self.count:
            self.fail(f"give {self.count} different lengths, like 32,384, not {value!r}", param, ctx)
        return lengths


def _budget_option(name: str, quantity: str, unit: str) -> Any:
    return click.option(
        name, type=click.FloatRange(min=0), metavar=unit, help=f"Exit with code 8 if {quantity} exceeds this."
    )


@click.command(
    epilog="""\b
Examples:
  albert-export bench my-albert-onnx
  albert-export bench albert-fp32 albert-int8 --lengths 32,128,384
  albert-export bench albert-fp32 albert-int8 --html bench.html
  albert-export bench albert-int8 --max-size 12 --max-memory 36 --max-load 40 --json
\b
Each bundle is loaded in new processes, in turn with the others. An MB is 1,000,000 bytes. Files are
not checked against their hashes. Only the model is timed, without tokenization."""
)
@click.argument("bundles", type=click.Path(path_type=Path), metavar="BUNDLE...", nargs=-1, required=True)
@click.option(
    "--lengths", type=_Lengths(), default="128", show_default=True, metavar="N,...",
    help="Sequence lengths in tokens; memory is measured at the first.",
)  # fmt: skip
@click.option(
    "--resize", type=_Lengths(count=2), default="32,384", show_default=True, metavar="N,N",
    help="Two lengths between which changes are measured.",
)  # fmt: skip
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Sequences in a run.")
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Threads of the engine. Default: the usable cores."
)
@click.option(
    "--runs", type=click.IntRange(min=1), default=20, show_default=True, help="Timed runs at each length in each round."
)
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How often each bundle is loaded."
)
@click.option("--engine", metavar="NAME", help="What runs the graphs, if several engines can.")
@bundle_precision_option
@_budget_option("--max-size", "the size of a graph's file", "MB")
@_budget_option("--max-memory", "the memory that a bundle takes", "MB")
@_budget_option("--max-load", "the load time", "MS")
@_budget_option("--max-latency", "the median latency at a length", "MS")
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="PAGE.html",
    help="Write a page with plots and tables as well; one that is there already is replaced.",
)  # fmt: skip
@quiet_option
@json_option
def bench(
    bundles: tuple[Path, ...],
    max_size: float | None,
    max_memory: float | None,
    max_load: float | None,
    max_latency: float | None,
    html: Path | None,
    quiet: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Measure bundles side by side: load, memory, latency."""
    from albert_export.bench.page.writing import refuse_page, write_page
    from albert_export.bench.report import ResourceBudget
    from albert_export.bench.runner import run_bench
    from albert_export.bench.table import bench_table
    from albert_export.bench.worker import Settings

    if html is not None:
        refuse_page(html)
    with steps(quiet) as progress:
        report = run_bench(bundles, Settings(**settings), with_limit=True, progress=progress)
    if as_json:
        print_json(report.to_dict())
    elif report.measurements:
        click.echo(bench_table(report))
    if html is not None:
        write_page(report, html)
    report.raise_if_failed(ResourceBudget(max_size, max_memory, max_load, max_latency))
