"""The command line: it answers one request, or a file of requests. `albert-export run` is the same command."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from albert_runtime.errors import AlbertError, UsageError, listed
from albert_runtime.files.columns import Columns
from albert_runtime.files.command import add_file_options, answer_file, check_file_options
from albert_runtime.files.progress import OpenProgress
from albert_runtime.ids_command import add_ids_options, gives_ids, run_ids
from albert_runtime.lazy_import import load_object
from albert_runtime.suggestions import did_you_mean
from albert_runtime.tasks import TASKS, Argument, Setting, Task

if TYPE_CHECKING:
    from albert_runtime.session import AlbertSession

_INTERRUPTED = 130
_BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports it


_EPILOG = """\
what each kind of bundle takes:
{examples}

token ids, for bundles without a tokenizer and for all others:
    {prog} BUNDLE --ids "2 14 2231 3"

a file of requests, whose column "review" holds the texts:
    {prog} BUNDLE --input reviews.csv --column text=review --output answers.jsonl

A text that is "-" is read from standard input; a text that begins with a dash is given as --text="- like this".
Answers go to standard output, everything else to standard error. Exit codes: 0 answered, 2 the request is wrong,
3 the bundle is damaged or not supported, 4 a package is missing, 9 the engine lacks an operator.
"""


def main(argv: Sequence[str] | None = None, prog: str | None = None, open_progress: OpenProgress | None = None) -> int:
    """Answer one request, or a file of them, and return the exit code.

    Args:
        argv: the arguments; None means the arguments of the process.
        prog: the name of the command, for help and examples; None means `python -m albert_runtime`.
        open_progress: shows the progress of a file; None means one plain line on standard error.
    """
    prog = prog or "python -m albert_runtime"
    try:
        _answer(_parser(prog).parse_intermixed_args(argv), prog, open_progress)
        sys.stdout.flush()
    except AlbertError as error:
        print(_printable(f"error: {error}", sys.stderr), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The process that read the answer has ended. The interpreter flushes standard output once more when it exits,
        # which would fail again, so standard output is sent to the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:
        print(f"error: {error.strerror or error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UsageError.exit_code
    return 0


class _Parser(argparse.ArgumentParser):
    """Raises a UsageError for wrong arguments, where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("argument "):  # the value of one option is wrong, and the others don't matter
            raise UsageError(f"{message} (--help shows the options)")
        unknown, known = message.removeprefix("unrecognized arguments: ").split(), list(self._option_string_actions)
        if len(unknown) < len(message.split()):
            message += "".join(did_you_mean(one.partition("=")[0], known) for one in unknown if one.startswith("--"))
        raise UsageError(f"{message}\n{self.format_usage().strip()}\n(--help shows the options and examples)")


def _parser(prog: str) -> argparse.ArgumentParser:
    examples = "\n".join(f"  {task.name}:\n    {prog} BUNDLE {task.example}" for task in TASKS.values())
    parser = _Parser(
        prog=prog,
        usage=f"{prog} [OPTIONS] BUNDLE [TEXT ...]",
        description="Answer one request, or a file of requests, with an exported ALBERT bundle.",
        epilog=_EPILOG.format(examples=examples.replace("%", "%%"), prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="the folder that albert-export wrote")
    parser.add_argument("texts", metavar="TEXT", nargs="*", help="the texts, in the order of the options below")
    texts = parser.add_argument_group("texts")
    for argument in _arguments():
        texts.add_argument(
            argument.option,
            action="append" if argument.repeated else "store",
            dest=argument.name,
            metavar=argument.option.removeprefix("--").upper(),
            help=argument.help,
        )
        if argument.from_file:
            help_of_file = f"a UTF-8 file with {argument.help}"
            texts.add_argument(_file_option(argument), dest=_file_name(argument), metavar="FILE", help=help_of_file)
    add_file_options(parser)
    add_ids_options(parser)
    parser.add_argument("--top-k", type=int, metavar="N", help="how many answers or labels, or pieces for each [MASK]")
    settings = parser.add_argument_group("settings")
    for setting in _settings():
        add = functools.partial(settings.add_argument, setting.option, dest=setting.name, help=setting.help)
        if setting.kind is bool:
            add(action=argparse.BooleanOptionalAction)
        elif setting.repeated:
            add(action="append", metavar=setting.option.removeprefix("--").upper())
        else:
            add(type=setting.kind, choices=setting.choices or None, metavar=None if setting.choices else "N")
    parser.add_argument("--threads", type=int, metavar="N", help="threads (default: the cores this process may use)")
    parser.add_argument(
        "--engine",
        metavar="NAME",
        help="onnx, litert, tflite-runtime or tf-lite (default: the first that is installed and runs the bundle)",
    )
    parser.add_argument(
        "--precision", metavar="NAME", help="the graph to use in a bundle with several, e.g. int8 (default: the first)"
    )
    parser.add_argument("--no-verify", action="store_true", help="skip the check of hashes and self-test vectors")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    return parser


def _arguments() -> list[Argument]:
    """The arguments of all tasks; tasks that take an argument of the same name share its option."""
    by_name: dict[str, Argument] = {}
    for task in TASKS.values():
        for argument in task.arguments:
            by_name.setdefault(argument.name, argument)
    return list(by_name.values())


def _settings() -> list[Setting]:
    """The settings of all tasks; tasks that take a setting of the same name share its option."""
    return list({setting.name: setting for task in TASKS.values() for setting in task.settings}.values())


def _file_option(argument: Argument) -> str:
    return f"{argument.option}-file"


def _file_name(argument: Argument) -> str:
    return f"{argument.name}_file"


def _answer(options: argparse.Namespace, prog: str, open_progress: OpenProgress | None) -> None:
    # These are imported here because --help must answer without numpy and sentencepiece.
    from albert_runtime.bundle import open_bundle
    from albert_runtime.printing import to_json
    from albert_runtime.session import load
    from albert_runtime.token_ids import no_tokenizer_message

    def open_session() -> AlbertSession:
        return load(
            options.bundle,
            threads=options.threads,
            verify=not options.no_verify,
            engine=options.engine,
            precision=options.precision,
        )

    if not gives_ids(options):
        check_file_options(options)
    # The request is checked before the graph is loaded, which takes much longer.
    bundle = open_bundle(options.bundle, check=False, precision=options.precision)
    if gives_ids(options):
        for text in run_ids(options, prog, bundle, open_session):
            print(_printable(text, sys.stdout))
        return
    if not bundle.manifest.has_tokenizer:
        raise UsageError(no_tokenizer_message(bundle.folder))
    task = bundle.task
    request = _request(options, task, prog)

    if options.input is not None:
        columns = Columns(task, [one.name for one in task.arguments if one.name in request], options.column or [])
        answer_file(options, columns, request, open_session, open_progress)
        return
    answer = open_session()(**request)
    text = to_json(answer) if options.json else load_object(task.formatter)(answer, request)
    print(_printable(text, sys.stdout))


def _request(options: argparse.Namespace, task: Task, prog: str) -> dict[str, Any]:
    """The keyword arguments of the session's call.

    Raises:
        UsageError: a text that the task needs is missing, or a text or an option does not go with the task.
    """
    given: dict[str, Any] = {}
    files: dict[str, str] = {}
    problems = []
    for argument in _arguments():
        text = getattr(options, argument.name)
        file = getattr(options, _file_name(argument), None)
        if text is not None and file is not None:
            problems.append(f"{argument.option} and {_file_option(argument)} are both there; give one")
        if file is not None:
            given[argument.name] = files[argument.name] = file
        elif text is not None:
            given[argument.name] = text
    rest = options.texts
    for argument in task.arguments:
        if rest and argument.name not in given:
            given[argument.name], rest = (rest, []) if argument.repeated else (rest[0], rest[1:])
    if options.input is None:  # what is missing may be in the file
        problems += [f"{one.option} is missing" for one in task.arguments if one.required and one.name not in given]
    own = [argument.name for argument in task.arguments]
    problems += [
        f"{one.option} does not go with it" for one in _arguments() if one.name in given and one.name not in own
    ]
    if rest:
        problems.append(f"there are more texts than it takes: {', '.join(map(repr, rest))}")
    if options.top_k is not None and not task.takes_top_k:
        problems.append("--top-k does not go with it")
    chosen = {one.name: value for one in _settings() if (value := getattr(options, one.name)) is not None}
    foreign = chosen.keys() - {one.name for one in task.settings}
    problems += [f"{one.option} does not go with it" for one in _settings() if one.name in foreign]
    inputs = [*given.values(), *([] if options.input is None else [options.input])]
    if sum(([text] if isinstance(text, str) else text).count("-") for text in inputs) > 1:
        problems.append('only one text can be "-", standard input')
    if problems:
        example = f"{prog} {options.bundle} {task.example}"
        headline = f"{options.bundle} is a bundle for {task.name}:"
        raise UsageError(listed(headline, problems) + f"\nFor example:\n  {example}")
    request = {name: _with_stdin(text) for name, text in given.items()}
    request |= {name: _read_file(Path(file)) for name, file in files.items() if file != "-"}
    if options.top_k is not None:
        chosen["top_k"] = options.top_k
    return {**request, **chosen}


def _with_stdin(value: str | list[str]) -> str | list[str]:
    """`value`; where it is "-", the content of standard input without the line break at its end."""
    if isinstance(value, list):
        return [str(_with_stdin(one)) for one in value]
    if value != "-":
        return value
    return _decode(sys.stdin.buffer.read(), "standard input").removesuffix("\n").removesuffix("\r")


def _read_file(file: Path) -> str:
    try:
        return _decode(file.read_bytes(), str(file))
    except (OSError, ValueError) as error:
        raise UsageError(f"can't read {file}: {getattr(error, 'strerror', None) or error}") from error


def _decode(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is not UTF-8: {error.reason} at byte {error.start}; convert it first") from error


def _printable(text: str, stream: TextIO) -> str:
    """`text` with a backslash escape for each character that the stream can't encode, such as a lone surrogate."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
