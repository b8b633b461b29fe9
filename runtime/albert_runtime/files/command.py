"""The part of the command line that answers a file: its options, and what is checked before the model is loaded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from albert_runtime.errors import AlbertError, UsageError, listed
from albert_runtime.files.columns import Columns
from albert_runtime.files.lines import LineSource
from albert_runtime.files.progress import NoProgress, OpenProgress, PlainProgress, duration
from albert_runtime.files.records import FORMATS, RecordReader, format_of

if TYPE_CHECKING:
    from albert_runtime.batching import BatchSettings
    from albert_runtime.files.output import FileOutput, StreamOutput
    from albert_runtime.files.runner import FileCounts
    from albert_runtime.session import AlbertSession

_DESCRIPTION = "Answers are JSON lines with the line of the request. Wrong lines go to OUTPUT.errors.jsonl."
_TABLES = (".csv", ".tsv", ".txt")
#: the options that need --input; their values if they are not given are all false
_FILE_OPTIONS = (
    "output", "format", "column", "resume", "force", "strict", "quiet", "batch_invariant", "look_ahead",
    "max_batch_tokens",
)  # fmt: skip


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for a file of requests."""
    group = parser.add_argument_group("a file of requests", _DESCRIPTION)
    add = group.add_argument
    add("--input", metavar="FILE", help='a .jsonl, .csv, .tsv or .txt file with the requests, or "-", standard input')
    add("--output", metavar="FILE", help='the file for the answers, or "-", standard output')
    add("--format", choices=FORMATS, help='the format of the input (default: its ending; jsonl for "-")')
    add("--column", action="append", metavar="TEXT=NAME", help="the column or JSON key of a text; may be repeated")
    add("--resume", action="store_true", help="go on where an interrupted run has stopped")
    add("--force", action="store_true", help="replace an output that exists")
    add("--strict", action="store_true", help="stop at the first wrong line")
    add("--quiet", action="store_true", help="show no progress and no summary")
    add("--max-batch-tokens", type=int, metavar="N", help="tokens of a padded batch (default: 256)")
    add("--look-ahead", type=int, metavar="N", help="requests that are read ahead and sorted by length (default: 256)")
    add("--batch-invariant", action="store_true", help="run each request by itself, for int8 bundles")


def check_file_options(options: argparse.Namespace) -> None:
    """Check that the options for files go together.

    Raises:
        UsageError: they don't.
    """
    problems = []
    given = ["--" + name.replace("_", "-") for name in _FILE_OPTIONS if getattr(options, name)]
    if options.input is None:
        problems += [f"{name} needs --input" for name in given]
    elif options.output is None:
        problems.append('--output is missing; give a file, or "-" for standard output')
    elif options.output != "-" and Path(options.output).suffix.lower() in _TABLES:
        problems.append(f"answers are JSON lines; give --output a name that ends with .jsonl, not {options.output}")
    elif options.input != "-" and Path(options.input).resolve() == Path(options.output).resolve():
        problems.append("--input and --output are the same file")
    if options.resume and options.force:
        problems.append("--resume goes on and --force starts again; give one")
    if options.resume and options.output == "-":
        problems.append("standard output can't be resumed; give --output a file")
    if problems:
        raise UsageError(listed("the options for files don't go together:", problems))


def answer_file(
    options: argparse.Namespace,
    columns: Columns,
    request: Mapping[str, Any],
    load: Callable[[], AlbertSession],
    open_progress: OpenProgress | None = None,
) -> None:
    """Answer every record of the input.

    Args:
        options: the options of `add_file_options`, after `check_file_options`, and the bundle's folder.
        columns: which column holds which argument of the call.
        request: the keyword arguments of the call that are the same for every record.
        load: loads the session; it is called when everything else has been checked.
        open_progress: shows the progress if standard error is a terminal; None means one plain line.

    Raises:
        AlbertError: an option, the input or the output can't be used, or the bundle is damaged. What has been answered
            until then is kept; the message says how to go on.
    """
    from albert_runtime.batching import LOOK_AHEAD, MAX_BATCH_TOKENS, BatchSettings
    from albert_runtime.files.output import is_complete, refuse_existing

    settings = BatchSettings(
        MAX_BATCH_TOKENS if options.max_batch_tokens is None else options.max_batch_tokens,
        LOOK_AHEAD if options.look_ahead is None else options.look_ahead,
        options.batch_invariant,
    )
    file_format = format_of(options.input, options.format)
    if not _is_stream(options.output):
        if options.resume and is_complete(options.output):
            _say(options, f"{options.output} is complete: there is no {options.output}.progress to go on from")
            return
        if not (options.resume or options.force):
            refuse_existing(options.output)
    with _open_input(options.input) as stream:
        source = LineSource(stream, "standard input" if options.input == "-" else options.input)
        reader = RecordReader(source, file_format, columns)
        session = load()
        _check_settings(session, request)
        _run(options, reader, session, settings, request, columns, open_progress or PlainProgress)


def _check_settings(session: AlbertSession, request: Mapping[str, Any]) -> None:
    """Refuse what every line would fail with. The request of the bundle's self-test stands for a line.

    Raises:
        UsageError: the arguments that are the same for every line are wrong.
    """
    for vector in session.manifest.self_test[:1]:
        session.prepare(**{**vector["inputs"], **request})


def _run(
    options: argparse.Namespace,
    reader: RecordReader,
    session: AlbertSession,
    settings: BatchSettings,
    request: Mapping[str, Any],
    columns: Columns,
    open_progress: OpenProgress,
) -> None:
    from albert_runtime.files.runner import FileCounts, FileRunner

    output, resumed = _open_output(options, session, settings, request, columns, reader.format)
    counts = FileCounts()
    source = reader.source
    try:
        if resumed:
            source.skip_to(resumed["input_bytes"], resumed["input_checksum"])
            counts.answers, counts.errors = resumed["answers"], resumed["errors"]
        size = None if _is_stream(options.input) else Path(options.input).stat().st_size
        mixed = options.output == "-" and sys.stdout.isatty()
        shown = sys.stderr.isatty() and not options.quiet and not mixed
        progress = open_progress(source.position, source.count, size) if shown else NoProgress()
        with closing(progress):
            FileRunner(session, reader, output, progress, settings, dict(request), options.strict, counts).run()
        output.finish()
    except KeyboardInterrupt:
        print(f"interrupted after {counts.answers:,} answers\n{output.keep()}".rstrip(), file=sys.stderr)
        raise
    except AlbertError as error:
        advice = output.keep()
        raise type(error)(f"{error}\n{advice}" if advice else str(error)) from error
    except BaseException:
        output.keep()
        raise
    _say(options, _summary(counts, output.name, options.output))
    if counts.errors and not counts.answers:
        raise UsageError(f"none of the {counts.errors:,} lines could be answered; {counts.first_error}")


def _open_output(
    options: argparse.Namespace,
    session: AlbertSession,
    settings: BatchSettings,
    request: Mapping[str, Any],
    columns: Columns,
    file_format: str,
) -> tuple[FileOutput | StreamOutput, dict[str, int] | None]:
    """The output, and how far the interrupted run that it resumes has come."""
    from dataclasses import asdict

    from albert_runtime.bundle import MANIFEST_FILE, sha256_of
    from albert_runtime.files.output import FileOutput, StreamOutput

    if _is_stream(options.output):
        return StreamOutput(options.output), None
    # The answers depend on all of this.
    what = {
        "bundle": sha256_of(session.bundle.folder / MANIFEST_FILE),
        "engine": f"{session.engine.name} {session.engine.version}",
        "request": dict(request),
        "columns": columns.mapping,
        "format": file_format,
        **asdict(settings),
    }
    output = FileOutput(options.output, what, resume=options.resume, force=options.force)
    return output, output.resumed


def _open_input(name: str) -> AbstractContextManager[BinaryIO]:
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UsageError(f"can't read {name}: {error.strerror or error}") from error


def _is_stream(name: str) -> bool:
    """Whether it is standard input or output, a device or a pipe, which have no size and can't be cut."""
    return name == "-" or (Path(name).exists() and not Path(name).is_file())


def _summary(counts: FileCounts, name: str, output: str) -> str:
    rate = counts.own_answers / max(counts.seconds, 1e-9)
    text = f"{counts.answers:,} answers to {name} ({duration(counts.seconds)}, {rate:,.0f} answers/s)"
    if not counts.errors:
        return text
    place = "" if _is_stream(output) else f", in {output}.errors.jsonl"
    return f"{text}\n{counts.errors:,} wrong lines{place}; {counts.first_error or 'all before the interruption'}"


def _say(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)
