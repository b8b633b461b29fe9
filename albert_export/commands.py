"""The command line. Heavy rooms (torch, onnx, onnxruntime) are entered only inside a command, so --help is quick.

Results go to standard output, talk to standard error; one exception family becomes a message and its exit code here.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from albert_export.progress import steps
from albert_runtime._version import __version__
from albert_runtime.errors import AlbertError, UsageError
from albert_runtime.tasks import TASKS, find_task

_TASKS = ", ".join(f"{task.name} ({', '.join(task.aliases)})" for task in TASKS.values())
_EXIT_CODES = """\b
Exit codes: 0 ok, 2 usage, 3 model or task not supported, 4 an optional dependency is missing,
5 conversion failed, 6 parity failed, 7 accuracy budget exceeded, 8 size, memory or latency
budget exceeded, 9 the target runtime lacks an operator."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
quiet_option = click.option("--quiet", is_flag=True, help="No progress on standard error.")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=_EXIT_CODES,
)
@click.version_option(__version__, prog_name="albert-export")
def cli() -> None:
    """Export ALBERT to small files that run anywhere, and give the same answers.

    \b
    albert-export onnx --task qa                         the bundled demo checkpoint, to try it
    albert-export onnx --task qa --model ./my-albert     your fine-tuned checkpoint
    albert-export run my-albert-onnx --question "Who?" --context "Ada was here."
    """


@cli.command(
    epilog="""\b
Examples:
  albert-export onnx --task qa
  albert-export onnx --task ner --model ./my-albert --output ./ner-bundle
  albert-export onnx --model ./my-albert --precision fp16 --opset 17
\b
The bundle is a folder: the graph, the tokenizer's files, config.json, manifest.json with the
SHA-256 of every file, and a README.md. It is verified against PyTorch before it appears."""
)
@click.option("--task", metavar="TASK", help=f"One of: {_TASKS}. Default: the head of the checkpoint.")
@click.option(
    "-m", "--model", type=click.Path(path_type=Path), metavar="FOLDER",
    help="A checkpoint, Hugging Face's or Google's. Default: the demo checkpoint of the task.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
    help="The bundle to make. Default: the checkpoint's name with -onnx (and the precision), here.",
)  # fmt: skip
@click.option(
    "--precision", default="fp32", show_default=True, metavar="[fp32|fp16]", help="Of weights and arithmetic."
)
@click.option("--opset", type=int, help="Version of the ai.onnx operators, 13 to 23.  [default: 18]")
@click.option("--allow-random-head", is_flag=True, help="Export an untrained head where the checkpoint has none.")
@click.option("--force", is_flag=True, help="Replace an older bundle at the output.")
@quiet_option
@json_option
def onnx(
    task: str | None,
    model: Path | None,
    output: Path | None,
    precision: str,
    opset: int | None,
    allow_random_head: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Export a checkpoint to a verified ONNX bundle."""
    from albert_export.export import export_onnx

    name = None
    if model is None:
        from albert_export.demos import demo_checkpoint

        if task is None:
            raise UsageError("say what to export: --model FOLDER, or --task TASK for a demo checkpoint, e.g. --task qa")
        model = demo_checkpoint(task)
        name = f"demo-{find_task(task).name}"
    suffix = "-onnx" if precision == "fp32" else f"-onnx-{precision}"
    output = output or Path((name or model.resolve().name) + suffix)
    with steps(quiet) as progress:
        exported = export_onnx(
            model,
            output,
            task=task,
            precision=precision,
            opset=opset,
            allow_random_head=allow_random_head,
            force=force,
            progress=progress,
        )
    if as_json:
        _print_json(exported.to_dict())
        return
    figures = exported.to_dict()
    click.echo(f"{output}: {figures['task']}, {precision}, {figures['model_bytes'] / 1e6:.1f} MB")
    checks, difference = len(exported.report.checks), exported.report.max_difference
    click.echo(f"verified: {checks} checks, largest difference {difference:.1e}")
    click.echo(f"next: albert-export run {output} --help", err=True)


@cli.command(
    epilog="""\b
Examples:
  albert-export verify my-albert-onnx --model ./my-albert
  albert-export verify my-albert-onnx --model ./my-albert --json
\b
Exit code 6 when anything differs by more than it may; the table names it."""
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "-m", "--model", type=click.Path(path_type=Path), metavar="FOLDER",
    help="The checkpoint that the bundle was made from. Default: the demo checkpoint of its task.",
)  # fmt: skip
@quiet_option
@json_option
def verify(bundle: Path, model: Path | None, quiet: bool, as_json: bool) -> None:
    """Compare a bundle with its checkpoint: tokens, tensors, answers."""
    from albert_export.verify import verify_bundle

    if model is None:
        from albert_export.demos import demo_checkpoint
        from albert_runtime import open_bundle

        model = demo_checkpoint(open_bundle(bundle, check=False).manifest.task)
    with steps(quiet) as progress:
        report = verify_bundle(bundle, model, progress=progress)
    if as_json:
        _print_json(report.to_dict())
    elif report.passed:
        click.echo(report.table())
    report.raise_if_failed()


@cli.command(
    epilog="""\b
Examples:
  albert-export inspect my-albert-onnx
  albert-export inspect model.onnx --json
  albert-export inspect ./my-albert"""
)
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def inspect(path: Path, as_json: bool) -> None:
    """Show what is in a bundle, an ONNX file or a checkpoint."""
    from albert_export.inspection import describe, inspect_path

    facts = inspect_path(path)
    if as_json:
        _print_json(facts)
    else:
        click.echo(describe(facts))


@cli.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: Sequence[str]) -> None:
    """Answer one request with a bundle."""
    from albert_runtime.shell import main as shell

    raise click.exceptions.Exit(shell(list(arguments), prog="albert-export run"))


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow, which reads Google's files, talks a lot
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    try:
        result = cli.main(args=argv, prog_name="albert-export", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except AlbertError as error:
        return _fail(str(error), error.exit_code)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit as stop:  # the help of `run`, which is argparse's
        return int(stop.code or 0)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted; nothing was left behind", 130)
    except MemoryError:
        return _fail("there is not enough memory for this model", 5)


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}".encode("utf-8", "replace").decode("utf-8"), err=True)
    return code
