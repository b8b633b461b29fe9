"""The command `albert-export`: its sub-commands, and its messages and exit codes for errors.

Results go to standard output and messages to standard error. This module turns the exceptions of
`albert_runtime.errors` into a message and an exit code. The commands import torch, TensorFlow and onnx only when they
need them, so that --help is quick.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

import click

from albert_export.cli.bench import bench
from albert_export.cli.doctor import doctor
from albert_export.cli.evaluate import evaluate
from albert_export.cli.export import onnx, tflite
from albert_export.cli.inspect import inspect
from albert_export.cli.list import list_choices
from albert_export.cli.pack import pack, unpack
from albert_export.cli.push import push
from albert_export.cli.recommend import recommend
from albert_export.cli.run import run
from albert_export.cli.sensitivity import sensitivity
from albert_export.cli.vectors import vectors
from albert_export.cli.verify import verify
from albert_export.cli.web import web
from albert_runtime._version import __version__
from albert_runtime.errors import AlbertError

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
    """Export ALBERT to small files that run anywhere and give the same answers.

    \b
    albert-export onnx --task qa                         try it with the bundled demo checkpoint
    albert-export onnx --task qa --model ./my-albert     export your fine-tuned checkpoint
    albert-export tflite --task qa --model ./my-albert   the same for Android and other small devices
    albert-export run my-albert-onnx --question "Who?" --context "Ada was here."
    """


@click.group(
    epilog="""\b
Examples:
  albert-export export onnx --task qa qa-bundle
  albert-export export tflite --model ./my-albert my-bundle"""
)
def export() -> None:
    """The commands onnx and tflite, as other exporters have them."""


for command in (onnx, tflite):
    export.add_command(command)
for command in (
    bench, doctor, evaluate, export, inspect, list_choices, onnx, pack, push, recommend, run, sensitivity,
    tflite, unpack, vectors, verify, web,
):  # fmt: skip
    cli.add_command(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow prints many log messages when it is loaded
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    try:
        result = cli.main(args=argv, prog_name="albert-export", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except AlbertError as error:
        return _fail(str(error), error.exit_code)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit as stop:  # argparse, which `run` uses, exits after its help
        return int(stop.code or 0)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted; nothing was left behind", 130)
    except MemoryError:
        return _fail("there is not enough memory for this model", 5)
    except OSError as error:  # for example, a name is too long or a folder may not be read
        if error.strerror is None or error.filename is None:
            return _fail(str(error), 2)
        return _fail(f"{error.strerror}: {error.filename}; give another name or folder", 2)


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}".encode("utf-8", "replace").decode("utf-8"), err=True)
    return code
