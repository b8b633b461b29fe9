"""The command `albert-export evaluate`. What it computes with is imported only when it runs, to keep `--help` fast."""

from __future__ import annotations

import contextlib
import functools
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from albert_export.cli.options import (
    bundle_precision_option,
    json_option,
    print_json,
    quiet_option,
    reading_options,
    task_option,
)
from albert_export.utils.terminal import steps
from albert_runtime.errors import UsageError

if TYPE_CHECKING:
    from albert_export.checkpoints import ReadOptions
    from albert_export.evaluation import Evaluation, Example


@click.command(
    epilog="""\b
Examples:
  albert-export evaluate my-albert-onnx --data dev-v1.1.json
  albert-export evaluate ./my-albert --data dev.tsv --task text-classification
  albert-export evaluate my-ner-tflite-int8 --data test.conll --limit 500 --json
\b
Data, in UTF-8:
  question-answering    SQuAD JSON, v1.1 or v2.0
  text-classification   TSV: one or two texts, and a label; with GLUE's headers or without
  token-classification  CoNLL: a word and its tag on each line, blank lines between sentences
  multiple-choice       JSONL: {"prompt": TEXT, "choices": [TEXT, ...], "label": 0}
  fill-mask             plain text, in which the command masks words
  pretraining           plain text, sentences in their order"""
)
@click.argument("model", type=click.Path(), metavar="MODEL")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE", required=True, help="Labelled examples.")
@task_option
@bundle_precision_option
@reading_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N examples.")
@click.option(
    "--predictions", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the answers: JSONL, or for SQuAD {id: answer}.",
)  # fmt: skip
@quiet_option
@json_option
def evaluate(
    model: str,
    data: Path,
    task: str | None,
    precision: str | None,
    limit: int | None,
    predictions: Path | None,
    quiet: bool,
    as_json: bool,
    reading: ReadOptions,
) -> None:
    """Score a bundle or checkpoint (a folder, or an id on the hub) on labelled examples."""
    from albert_export.evaluation import evaluate as evaluate_session
    from albert_export.evaluation import find_model, read_dataset
    from albert_export.evaluation.predictions import write_predictions

    if predictions is not None:
        _refuse_predictions(predictions, Path(model), data)
    with steps(quiet) as progress:
        progress("reading the model and the data")
        found = find_model(model, task, reading, precision=precision, progress=progress)
        dataset = read_dataset(data, found.task, labels=found.labels, problem_type=found.problem_type)
        progress("loading the model")
        session = found.open()
    with _progress_bar(quiet) as track:
        evaluation = evaluate_session(session, dataset, limit=limit, track=track)
    if as_json:
        print_json({"model": model, "data": str(data), **evaluation.to_dict()})
    else:
        click.echo(_described(model, data, evaluation))
    if predictions is not None:  # last, so that the metrics are printed even if the disk is full
        write_predictions(predictions, dataset, evaluation)


def _refuse_predictions(file: Path, model: Path, data: Path) -> None:
    if file.is_dir():
        raise UsageError(f"{file} is a folder; give the name of a file for the predictions")
    if file.resolve() == data.resolve() or (file.exists() and data.exists() and file.samefile(data)):
        raise UsageError(f"{file} is the labelled data, which is never overwritten; give --predictions another name")
    if file.resolve().is_relative_to(model.resolve()):
        raise UsageError(
            f"{file} belongs to the model in {model}, which is never changed; "
            "give --predictions a name outside that folder"
        )


@contextlib.contextmanager
def _progress_bar(quiet: bool) -> Iterator[Callable[[Sequence[Example]], Iterable[Example]]]:
    """Yield a wrapper of the examples that shows a progress bar on standard error, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield iter
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield functools.partial(bar.track, description="evaluating")


def _described(model: str, data: Path, evaluation: Evaluation) -> str:
    from albert_export.utils.text_table import render_table

    figures = evaluation.to_dict()
    left_out = f" ({figures['left_out']:,} left out)" if figures["left_out"] else ""
    # A threshold is no percentage, and has the digits that --null-threshold needs.
    rows = [(name, f"{value:.{4 if name.endswith('_thresh') else 2}f}") for name, value in evaluation.metrics.items()]
    metrics = render_table(rows, align_right=True)
    return "\n".join(
        [
            f"{model}: {evaluation.task} by {evaluation.engine}",
            f"{data}: {figures['examples']:,} examples{left_out} in {evaluation.seconds:.1f} s",
            textwrap.indent(metrics, "  "),
        ]
    )
