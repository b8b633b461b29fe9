"""The commands `albert-export onnx` and `albert-export tflite`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from albert_export.cli.completion import complete_precision, complete_target
from albert_export.cli.device import device_option
from albert_export.cli.dry_run import described_preview, dry_run_option, preview_if
from albert_export.cli.options import (
    calibration_option,
    chosen_checkpoint,
    eval_data_option,
    force_option,
    head_option,
    json_option,
    max_drop_option,
    model_option,
    no_tokenizer_option,
    null_threshold_option,
    output_option,
    pooling_option,
    print_json,
    quiet_option,
    random_head_option,
    reading_options,
    task_option,
)
from albert_export.cli.push import push_options
from albert_export.utils.terminal import steps
from albert_runtime.errors import UsageError
from albert_runtime.precisions import precision_name

if TYPE_CHECKING:
    from albert_export.checkpoints import ReadOptions
    from albert_export.export.pipeline import Exported
    from albert_export.export.preview import ExportPreview


@click.command(
    epilog="""\b
Examples:
  albert-export onnx --task qa
  albert-export onnx --task ner --model ./my-albert --output ./ner-bundle
  albert-export onnx --model ./my-albert --precision int8 --eval-data dev-v1.1.json
  albert-export onnx --model ./my-albert --precision int4 --calibration-data my-inputs.txt --max-drop 2
  albert-export onnx --model ./my-albert --layout hub --precision fp32,fp16,int8,int4
\b
Precisions:
  fp32         nothing is rounded (default)
  fp16         weights and arithmetic in half precision
  int8         8-bit weights, a scale per output channel; activations quantized at run time; portable operators
  int4         4-bit weights in blocks (ONNX Runtime's MatMulNBits), 8-bit embeddings: the smallest file,
               but less accurate and much slower than int8 on x86; choose it only if the size counts
  int8-static  8-bit weights and activations; the ranges of activations come from calibration text (QDQ)
\b
A quantized graph must keep the original's answers. The export tries recipes until one does: a scale per
channel, outlier channels split off, blocks, sensitive matrices in higher precision. The bundle holds the
table of all recipes that were tried. If none keeps the answers, the exit code is 7 and there is no bundle.
\b
The bundle is a folder: the graph, the tokenizer's files, config.json, manifest.json with the
SHA-256 of every file, and a README.md. It is verified against PyTorch before it appears."""
)
@task_option
@head_option
@model_option
@output_option
@device_option
@click.option("--precision", "precisions", multiple=True, metavar="[fp32|fp16|int8|int4|int8-static]",
              shell_complete=complete_precision, help="See the list below. With --layout hub several: fp32,int8, or "
              "the option again.  [default: fp32]")  # fmt: skip
@click.option("--layout", default="bundle", show_default=True, metavar="[bundle|hub]",
              help="hub: the names and files that optimum, sentence-transformers, transformers.js need.")  # fmt: skip
@click.option("--opset", type=int, help="Version of the ai.onnx operators, 13 to 23.  [default: 18]")
@click.option("--sequence-length", type=int, metavar="N", help="Static shapes with N tokens.  [default: dynamic]")
@click.option("--arm64", is_flag=True, help="8-bit integer weights, for ARM processors.")
@click.option("--avx2", is_flag=True, help="7-bit integer weights, for x86 without VNNI, where 8-bit sums overflow.")
@click.option("--avx512-vnni", is_flag=True, help="8-bit integer weights, for x86 with VNNI.")
@calibration_option
@eval_data_option
@max_drop_option
@null_threshold_option
@pooling_option
@random_head_option
@reading_options
@no_tokenizer_option
@dry_run_option
@push_options
@click.option("--with-tokenizer", is_flag=True,
              help="Also write model_with_tokenizer.onnx: texts in, answers out.")  # fmt: skip
@force_option
@quiet_option
@json_option
def onnx(
    task: str | None,
    head: str | None,
    model: str | None,
    output: Path | None,
    precisions: tuple[str, ...],
    layout: str,
    opset: int | None,
    sequence_length: int | None,
    arm64: bool,
    avx2: bool,
    avx512_vnni: bool,
    calibration_data: Path | None,
    eval_data: Path | None,
    max_drop: float | None,
    null_threshold: float | None,
    pooling: str | None,
    allow_random_head: bool,
    no_tokenizer: bool,
    dry_run: bool,
    with_tokenizer: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    reading: ReadOptions,
) -> Path | None:
    """Export a checkpoint to a verified ONNX bundle."""
    from albert_export.export import export_onnx

    chosen = [name for name, on in (("arm64", arm64), ("avx2", avx2), ("avx512-vnni", avx512_vnni)) if on]
    if len(chosen) > 1:
        raise UsageError(
            f"choose one of --{' and --'.join(chosen)}, or none of them: then the weights are right on all processors"
        )
    checkpoint, name = chosen_checkpoint(model, task)
    chosen_precisions = [precision_name(one) for value in precisions or ("fp32",) for one in value.split(",")]
    output = output or Path(_onnx_folder(name, chosen_precisions, layout))
    with steps(quiet) as progress:
        exported = preview_if(dry_run, export_onnx)(
            checkpoint,
            output,
            task=task,
            head=head,
            precision=chosen_precisions,
            layout=layout,
            opset=opset,
            sequence_length=sequence_length,
            processor=chosen[0] if chosen else None,
            max_drop=max_drop,
            eval_data=eval_data,
            calibration_data=calibration_data,
            null_threshold=null_threshold,
            pooling=pooling,
            allow_random_head=allow_random_head,
            reading=reading,
            no_tokenizer=no_tokenizer,
            with_tokenizer=with_tokenizer,
            force=force,
            progress=progress,
        )
    return _print_exported(exported, as_json)


@click.command(
    epilog="""\b
Examples:
  albert-export tflite --task qa
  albert-export tflite --task ner --model ./my-albert --precision fp32
  albert-export tflite --model ./my-albert --target tflite-runtime --sequence-length 128
  albert-export tflite --task qa --target task-library
  albert-export tflite --task text-classification --target mediapipe
\b
Precisions:
  int8         8-bit weights, a scale per output channel; activations quantized at run time (default for litert)
  int4         the same with 4-bit weights
  int8-static  8-bit weights and activations; ranges come from calibration text; the layer is unrolled
  fp16         16-bit weights, converted to float32 when the file is loaded (default for the older engines)
  fp32         nothing is rounded
\b
Targets: litert (ai-edge-litert, Android's LiteRT), tflite-runtime (2.14, static shapes),
task-library (TFLite Task Library's BertQuestionAnswerer and BertNLClassifier),
mediapipe (MediaPipe's TextClassifier and TextEmbedder)."""
)
@task_option
@head_option
@model_option
@output_option
@device_option
@click.option("--target", default="litert", show_default=True, metavar="[litert|tflite-runtime|task-library|mediapipe]",
              shell_complete=complete_target, help="The engine that will run the graph.")  # fmt: skip
@click.option("--precision", metavar="[fp32|fp16|int8|int4|int8-static]", shell_complete=complete_precision,
              help="See the list below.  [default: the target's]")  # fmt: skip
@click.option("--graph", metavar="[loop|unrolled]",
              help="Loop over the shared layer, or repeat it for each pass.  [default: loop if possible]")  # fmt: skip
@click.option("--sequence-length", type=int, metavar="N", help="Static shapes with N tokens.  [default: dynamic]")
@calibration_option
@eval_data_option
@max_drop_option
@null_threshold_option
@pooling_option
@random_head_option
@reading_options
@no_tokenizer_option
@dry_run_option
@push_options
@force_option
@quiet_option
@json_option
def tflite(
    task: str | None,
    head: str | None,
    model: str | None,
    output: Path | None,
    target: str,
    precision: str | None,
    graph: str | None,
    sequence_length: int | None,
    calibration_data: Path | None,
    eval_data: Path | None,
    max_drop: float | None,
    null_threshold: float | None,
    pooling: str | None,
    allow_random_head: bool,
    no_tokenizer: bool,
    dry_run: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    reading: ReadOptions,
) -> Path | None:
    """Export a checkpoint to a verified TFLite bundle."""
    from albert_export.export import export_tflite
    from albert_export.targets import find_target

    engine = find_target(target)
    checkpoint, name = chosen_checkpoint(model, task)
    format_name = "tflite" if target == "litert" else target
    output = output or Path(f"{name}-{format_name}-{precision_name(precision or engine.default_precision)}")
    with steps(quiet) as progress:
        exported = preview_if(dry_run, export_tflite)(
            checkpoint,
            output,
            task=task,
            head=head,
            target=target,
            precision=precision,
            graph=graph,
            sequence_length=sequence_length,
            max_drop=max_drop,
            eval_data=eval_data,
            calibration_data=calibration_data,
            null_threshold=null_threshold,
            pooling=pooling,
            allow_random_head=allow_random_head,
            reading=reading,
            no_tokenizer=no_tokenizer,
            force=force,
            progress=progress,
        )
    return _print_exported(exported, as_json)


def _onnx_folder(name: str, precisions: list[str], layout: str) -> str:
    """The name of the folder for the bundle of the model called `name`."""
    if layout == "hub":
        return f"{name}-hub"
    return f"{name}-onnx" if precisions == ["fp32"] else f"{name}-onnx-{precisions[0]}"


def _print_exported(exported: Exported | ExportPreview, as_json: bool) -> Path | None:
    """Prints the result; returns the folder of the bundle, or None if only a preview was asked for."""
    from albert_export.export.preview import ExportPreview

    folder = None if isinstance(exported, ExportPreview) else exported.folder
    if as_json:
        print_json(exported.to_dict())
    elif isinstance(exported, ExportPreview):
        for preview in (exported, *exported.variants):
            click.echo(described_preview(preview))
    else:
        for one in exported.of_each_precision():
            _print_graph(one)
        click.echo(f"next: albert-export run {folder} --help", err=True)
    return folder


def _print_graph(exported: Exported) -> None:
    from albert_export.export.model_card import integer_shares

    figures = exported.to_dict()
    size = f"{figures['model_bytes'] / 1e6:.1f} MB"
    click.echo(f"{exported.folder}: {figures['task']}, {figures['precision']}, {size}")
    shares = integer_shares(figures["quantized"])
    if shares:
        click.echo(f"quantized: {shares}")
    if exported.manifest.recipe_search:
        from albert_export.quantization.search_report import text_table

        click.echo(f"answers to {exported.manifest.recipe_search['texts']}, compared with the original's:")
        click.echo(text_table(exported.manifest.recipe_search))
    checks, difference = len(exported.report.checks), exported.report.max_difference
    click.echo(f"verified: {checks} checks, largest difference {difference:.1e}")
