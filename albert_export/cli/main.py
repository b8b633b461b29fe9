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
from typing import TYPE_CHECKING, Any

import click

from albert_export.cli.bench import bench
from albert_export.cli.doctor import doctor
from albert_export.cli.evaluate import evaluate
from albert_export.cli.options import (
    calibration_option,
    chosen_checkpoint,
    eval_data_option,
    force_option,
    json_option,
    max_drop_option,
    model_option,
    output_option,
    quiet_option,
    random_head_option,
    task_option,
)
from albert_export.cli.sensitivity import sensitivity
from albert_export.progress import steps
from albert_runtime._version import __version__
from albert_runtime.errors import AlbertError, UsageError

if TYPE_CHECKING:
    from albert_export.export.pipeline import Exported

_EXIT_CODES = """\b
Exit codes: 0 ok, 2 usage, 3 model or task not supported, 4 an optional dependency is missing,
5 conversion failed, 6 parity failed, 7 accuracy budget exceeded, 8 size, memory or latency
budget exceeded, 9 the target runtime lacks an operator."""


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
    albert-export tflite --task qa --model ./my-albert   the same for Android and other small machines
    albert-export run my-albert-onnx --question "Who?" --context "Ada was here."
    """


@cli.command(
    epilog="""\b
Examples:
  albert-export onnx --task qa
  albert-export onnx --task ner --model ./my-albert --output ./ner-bundle
  albert-export onnx --model ./my-albert --precision int8 --eval-data dev-v1.1.json
  albert-export onnx --model ./my-albert --precision int4 --calibration-data my-inputs.txt --max-drop 2
\b
Precisions, and what they are of:
  fp32         nothing is rounded (default)
  fp16         weights and arithmetic
  int8         weights, a scale for each output channel; activations as they come; portable operators
  int4         weights of 4 bits in blocks (ONNX Runtime's MatMulNBits), embeddings of 8 bits
  int8-static  weights and activations, the latter with ranges found from text (QDQ)
\b
A quantized graph must keep the original's answers. Where the plain way does not, better ones are tried:
a scale for each channel, outlier channels apart, blocks, sensitive matrices in higher precision. The
table of what was tried is in the bundle; where nothing keeps the answers, exit code 7 and no bundle.
\b
The bundle is a folder: the graph, the tokenizer's files, config.json, manifest.json with the
SHA-256 of every file, and a README.md. It is verified against PyTorch before it appears."""
)
@task_option
@model_option
@output_option
@click.option("--precision", default="fp32", show_default=True, metavar="[fp32|fp16|int8|int4|int8-static]",
              help="See below.")  # fmt: skip
@click.option("--opset", type=int, help="Version of the ai.onnx operators, 13 to 23.  [default: 18]")
@click.option("--arm64", is_flag=True, help="Integer weights for ARM processors: 8 bits.")
@click.option("--avx2", is_flag=True, help="Integer weights for x86 without VNNI: 7 bits, so that sums don't overflow.")
@click.option("--avx512-vnni", is_flag=True, help="Integer weights for x86 with VNNI: 8 bits.")
@calibration_option
@eval_data_option
@max_drop_option
@random_head_option
@force_option
@quiet_option
@json_option
def onnx(
    task: str | None,
    model: Path | None,
    output: Path | None,
    precision: str,
    opset: int | None,
    arm64: bool,
    avx2: bool,
    avx512_vnni: bool,
    calibration_data: Path | None,
    eval_data: Path | None,
    max_drop: float | None,
    allow_random_head: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Export a checkpoint to a verified ONNX bundle."""
    from albert_export.export import export_onnx

    chosen = [name for name, on in (("arm64", arm64), ("avx2", avx2), ("avx512-vnni", avx512_vnni)) if on]
    if len(chosen) > 1:
        raise UsageError(f"choose one of --{' and --'.join(chosen)}; without either, the weights are right on all")
    model, name = chosen_checkpoint(model, task)
    output = output or Path(f"{name}-onnx" if precision == "fp32" else f"{name}-onnx-{precision}")
    with steps(quiet) as progress:
        exported = export_onnx(
            model,
            output,
            task=task,
            precision=precision,
            opset=opset,
            processor=chosen[0] if chosen else None,
            max_drop=max_drop,
            eval_data=eval_data,
            calibration_data=calibration_data,
            allow_random_head=allow_random_head,
            force=force,
            progress=progress,
        )
    _print_exported(exported, as_json)


@cli.command(
    epilog="""\b
Examples:
  albert-export tflite --task qa
  albert-export tflite --task ner --model ./my-albert --precision fp32
  albert-export tflite --model ./my-albert --target tflite-runtime --sequence-length 128
  albert-export tflite --task qa --target task-library
\b
Precisions, and what they are of:
  int8         weights, a scale for each output channel; activations as they come (default for litert)
  int4         the same with weights of 4 bits
  int8-static  weights and activations, the latter with ranges found from text; the layer is unrolled
  fp16         weights (default for the older engines); they are widened when the file is loaded
  fp32         nothing is rounded
\b
Targets: litert (ai-edge-litert, Android's LiteRT), tflite-runtime (2.14, static shapes),
task-library (TFLite Task Library's BertQuestionAnswerer and BertNLClassifier)."""
)
@task_option
@model_option
@output_option
@click.option("--target", default="litert", show_default=True, metavar="[litert|tflite-runtime|task-library]",
              help="The engine that is to run it.")  # fmt: skip
@click.option("--precision", metavar="[fp32|fp16|int8|int4|int8-static]", help="See below.  [default: the target's]")
@click.option("--graph", metavar="[loop|unrolled]",
              help="The shared layer in a loop, or once for each pass.  [default: loop where possible]")  # fmt: skip
@click.option("--sequence-length", type=int, metavar="N", help="Static shapes of N tokens.  [default: dynamic]")
@calibration_option
@eval_data_option
@max_drop_option
@random_head_option
@force_option
@quiet_option
@json_option
def tflite(
    task: str | None,
    model: Path | None,
    output: Path | None,
    target: str,
    precision: str | None,
    graph: str | None,
    sequence_length: int | None,
    calibration_data: Path | None,
    eval_data: Path | None,
    max_drop: float | None,
    allow_random_head: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Export a checkpoint to a verified TFLite bundle."""
    from albert_export.export import export_tflite
    from albert_export.targets import find_target

    engine = find_target(target)
    model, name = chosen_checkpoint(model, task)
    format_name = "tflite" if target == "litert" else target
    output = output or Path(f"{name}-{format_name}-{precision or engine.default_precision}")
    with steps(quiet) as progress:
        exported = export_tflite(
            model,
            output,
            task=task,
            target=target,
            precision=precision,
            graph=graph,
            sequence_length=sequence_length,
            max_drop=max_drop,
            eval_data=eval_data,
            calibration_data=calibration_data,
            allow_random_head=allow_random_head,
            force=force,
            progress=progress,
        )
    _print_exported(exported, as_json)


def _print_exported(exported: Exported, as_json: bool) -> None:
    from albert_export.export.model_card import integer_shares

    figures = exported.to_dict()
    if as_json:
        _print_json(figures)
        return
    size = f"{figures['model_bytes'] / 1e6:.1f} MB"
    click.echo(f"{exported.folder}: {figures['task']}, {figures['precision']}, {size}")
    shares = integer_shares(figures["quantized"])
    if shares:
        click.echo(f"quantized: {shares}")
    if exported.manifest.fidelity:
        from albert_export.quantization.search_report import text_table

        click.echo(f"answers of {exported.manifest.fidelity['texts']}, against the original's:")
        click.echo(text_table(exported.manifest.fidelity))
    checks, difference = len(exported.report.checks), exported.report.max_difference
    click.echo(f"verified: {checks} checks, largest difference {difference:.1e}")
    click.echo(f"next: albert-export run {exported.folder} --help", err=True)


@cli.command(
    epilog="""\b
Examples:
  albert-export verify my-albert-onnx --model ./my-albert
  albert-export verify my-albert-tflite-int8 --model ./my-albert --json
  albert-export verify my-albert-tflite-int8 --model my-albert-onnx
\b
Exit code 6 when anything differs by more than it may; the table names it."""
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "-m", "--model", type=click.Path(path_type=Path), metavar="FOLDER",
    help="The checkpoint that the bundle was made from, or another bundle of it. Default: the demo checkpoint.",
)  # fmt: skip
@click.option("--engine", metavar="NAME", help="What runs the bundle.  [default: the first that is installed]")
@quiet_option
@json_option
def verify(bundle: Path, model: Path | None, engine: str | None, quiet: bool, as_json: bool) -> None:
    """Compare a bundle with its checkpoint, or another bundle: tokens, tensors, answers."""
    from albert_export.verification.verify import verify_bundle

    if model is None:
        from albert_export.demos import demo_checkpoint
        from albert_runtime import open_bundle

        model = demo_checkpoint(open_bundle(bundle, check=False).manifest.task)
    with steps(quiet) as progress:
        report = verify_bundle(bundle, model, engine=engine, progress=progress)
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
  albert-export inspect model.tflite
  albert-export inspect ./my-albert"""
)
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def inspect(path: Path, as_json: bool) -> None:
    """Show what is in a bundle, an ONNX or TFLite file, or a checkpoint."""
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
    from albert_runtime.cli import main as shell

    raise click.exceptions.Exit(shell(list(arguments), prog="albert-export run"))


cli.add_command(bench)
cli.add_command(doctor)
cli.add_command(evaluate)
cli.add_command(sensitivity)


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
    except OSError as error:  # a name that is too long, a folder that may not be read
        if error.strerror is None or error.filename is None:
            return _fail(str(error), 2)
        return _fail(f"{error.strerror}: {error.filename}; give another name or folder", 2)


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}".encode("utf-8", "replace").decode("utf-8"), err=True)
    return code
