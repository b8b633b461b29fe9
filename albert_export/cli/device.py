"""The option `--device`, which other exporters have: here an export needs no choice of a device, and says so."""

from __future__ import annotations

import click

from albert_runtime.errors import UsageError


def _checked(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is None or value.strip().lower() == "cpu":
        return
    raise UsageError(
        f"there is no --device {value}: an export runs on the CPU, and needs no other device. What it writes is not "
        "bound to a device: the engine chooses one when it opens the file, for example ONNX Runtime by its execution "
        "providers (CUDA, DirectML, CoreML, WebGPU) and LiteRT by its delegates. GPUs are made for half precision: "
        "leave --device out and add --precision fp16. The runtime of this project, albert_runtime, computes on the CPU"
    )


device_option = click.option(
    "--device", metavar="cpu", expose_value=False, callback=_checked,
    help="For command lines of other exporters: exports run on the CPU, and the file runs wherever its engine does.",
)  # fmt: skip
