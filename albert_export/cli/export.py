"""`albert-export onnx` and `albert-export tflite`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from albert_export.cli.options import (
    calibration_option,
    chosen_checkpoint,
    eval_data_option,
    force_option,
    json_option,
    max_drop_option,
    model_option,
    output_option,
    print_json,
    quiet_option,
    random_head_option,
    task_option,
)
from albert_export.utils.terminal import steps
from albert_runtime.errors import UsageError

if TYPE_CHECKING:
    from albert_export.export.pipeline import Exported


@click.command(
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


@click.command(
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
        print_json(figures)
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
