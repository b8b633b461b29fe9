"""The command `albert-export doctor`; the packages that read graphs are imported only when it runs."""

from __future__ import annotations

from pathlib import Path

import click

from albert_export.cli.options import json_option, print_json, quiet_option
from albert_export.utils.terminal import steps
from albert_runtime.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  albert-export doctor optimum-export/model.onnx
  albert-export doctor model_quantized.onnx --fix repaired.onnx
  albert-export doctor my-folder --json
\b
An error harms everybody who uses the file; advice matters in some places only. The exit code is 0
whatever is found: --json says "healthy". --fix repairs what can be repaired without a change to the
answers, runs both files, and writes nothing (exit code 6) if an answer differs by more than 1e-6."""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--fix", type=click.Path(path_type=Path), metavar="OUT", help="Write a repaired file; FILE itself stays.")
@click.option("--force", is_flag=True, help="Replace an older file at OUT.")
@quiet_option
@json_option
def doctor(file: Path, fix: Path | None, force: bool, quiet: bool, as_json: bool) -> None:
    """Find what is wrong with an ONNX or TFLite file that any tool made, and repair it."""
    from albert_export.doctor.diagnose import diagnose
    from albert_export.doctor.repair import repair
    from albert_export.doctor.report import print_diagnosis, print_repair

    if fix is None:
        if force:
            raise UsageError("--force replaces what --fix wrote before; give --fix OUT with it")
        diagnosis = diagnose(file)
        if as_json:
            print_json(diagnosis.to_dict())
        else:
            print_diagnosis(diagnosis)
        return
    with steps(quiet) as progress:
        report = repair(file, fix, force=force, progress=progress)
    if as_json:
        print_json(report.to_dict())
    else:
        print_diagnosis(report.before)
        print_repair(report)
