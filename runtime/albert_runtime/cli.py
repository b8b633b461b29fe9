"""The command line: one bundle, one request, one answer. `albert-export run` is the same command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

from albert_runtime.errors import AlbertError, UsageError, listed

_INTERRUPTED = 130
_BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports it


@dataclass(frozen=True)
class _Form:
    """What one task takes: its texts in the order that they may stand without option names, and how it is typed."""

    texts: tuple[str, ...]
    example: str
    optional: tuple[str, ...] = ()
    takes_top_k: bool = False


_FORMS = {
    "feature-extraction": _Form(("text",), '"Any sentence."'),
    "pretraining": _Form(
        ("first", "second"), '--first "She fell asleep." --second "She went to [MASK]."', takes_top_k=True
    ),
    "fill-mask": _Form(("text",), '"Paris is the [MASK] of France."', takes_top_k=True),
    "text-classification": _Form(("text",), '"What a lovely film."', optional=("text_pair",)),
    "token-classification": _Form(("text",), '"Ada Lovelace lived in London."'),
    "multiple-choice": _Form(
        ("prompt", "choices"), '--prompt "He opened the door" --choice "and went in." --choice "blue."'
    ),
    "question-answering": _Form(
        ("question", "context"),
        '--question "Where is the tower?" --context "The tower stands in Paris."',
        takes_top_k=True,
    ),
}

_EPILOG = """\
what each kind of bundle takes:
{examples}

A text of "-" is read from standard input; a text that begins with a dash is given as --text="- like this".
Answers go to standard output, all else to standard error. Exit codes: 0 answered, 2 the request is wrong,
3 the bundle is damaged or not supported, 4 a package is missing, 9 the engine lacks an operator.
"""


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Answer one request and return the exit code.

    Args:
        argv: the arguments; None means those of the process.
        prog: the command's name, for help and examples; None means `python -m albert_runtime`.
    """
    prog = prog or "python -m albert_runtime"
    try:
        _answer(_parser(prog).parse_intermixed_args(argv), prog)
        sys.stdout.flush()
    except AlbertError as error:
        print(_printable(f"error: {error}", sys.stderr), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the answer has gone. The interpreter flushes once more at its end, so give it a place to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return 0


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().strip()}\n(--help shows examples)")


def _parser(prog: str) -> argparse.ArgumentParser:
    examples = "\n".join(f"  {task}:\n    {prog} BUNDLE {form.example}" for task, form in _FORMS.items())
    parser = _Parser(
        prog=prog,
        description="Answer one request with an exported ALBERT bundle.",
        epilog=_EPILOG.format(examples=examples.replace("%", "%%")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="the folder that albert-export wrote")
    parser.add_argument("texts", metavar="TEXT", nargs="*", help="the texts, in the order of the options below")
    texts = parser.add_argument_group("texts")
    texts.add_argument("--text", help="the text")
    texts.add_argument("--text-pair", help="its partner, for models that judge pairs of texts")
    texts.add_argument("--question", help="a question")
    texts.add_argument("--context", help="the text that holds the answer")
    texts.add_argument("--context-file", metavar="FILE", help="a UTF-8 file with that text")
    texts.add_argument("--first", help="the text that may come first")
    texts.add_argument("--second", help="the text that may follow it")
    texts.add_argument("--prompt", help="what the choices go with")
    texts.add_argument(
        "--choice", action="append", dest="choices", metavar="CHOICE", help="one choice; give two or more"
    )
    parser.add_argument("--top-k", type=int, metavar="N", help="how many answers, or pieces for each [MASK]")
    parser.add_argument("--threads", type=int, metavar="N", help="threads (default: the cores this process may use)")
    parser.add_argument(
        "--engine",
        metavar="NAME",
        help="onnx, litert, tflite-runtime or tf-lite (default: the first that is installed and runs the bundle)",
    )
    parser.add_argument("--no-verify", action="store_true", help="skip the check of hashes and self-test vectors")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    return parser


def _answer(options: argparse.Namespace, prog: str) -> None:
    # Here, not above: --help answers without numpy and sentencepiece.
    from albert_runtime.bundle import open_bundle
    from albert_runtime.printing import describe, to_json
    from albert_runtime.task_sessions import load

    # The request is checked before a graph is loaded for it.
    task = open_bundle(options.bundle, check=False).manifest.task
    request = _request(options, task, prog)
    session = load(options.bundle, threads=options.threads, verify=not options.no_verify, engine=options.engine)
    answer = session(**request)
    text = to_json(answer) if options.json else describe(answer, request)
    print(_printable(text, sys.stdout))


def _request(options: argparse.Namespace, task: str, prog: str) -> dict[str, Any]:
    """The keyword arguments of the session's call.

    Raises:
        UsageError: a text that the task needs is missing, or a text or an option does not go with the task.
    """
    form = _FORMS[task]
    names = dict.fromkeys(name for one in _FORMS.values() for name in (*one.texts, *one.optional))
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    problems = []
    if options.context_file is not None:
        if "context" in given:
            problems.append("--context and --context-file are both there; give one")
        given["context"] = options.context_file
    rest = options.texts
    for name in (*form.texts, *form.optional):
        if rest and name not in given:
            given[name], rest = (rest, []) if name == "choices" else (rest[0], rest[1:])
    problems += [f"{_flag(name)} is missing" for name in form.texts if name not in given]
    problems += [
        f"{_flag(name)} does not go with it" for name in given if name not in form.texts and name not in form.optional
    ]
    if rest:
        problems.append(f"there are more texts than it takes: {', '.join(map(repr, rest))}")
    if options.top_k is not None and not form.takes_top_k:
        problems.append("--top-k does not go with it")
    if [*given.values(), *given.get("choices", ())].count("-") > 1:
        problems.append('only one text can be "-", standard input')
    if problems:
        example = f"{prog} {options.bundle} {form.example}"
        raise UsageError(listed(f"{options.bundle} is a bundle for {task}:", problems) + f"\nFor example:\n  {example}")
    request = {name: _with_stdin(value) for name, value in given.items()}
    if options.context_file not in (None, "-"):
        request["context"] = _read_file(Path(options.context_file))
    return request if options.top_k is None else {**request, "top_k": options.top_k}


def _flag(name: str) -> str:
    return "--choice" if name == "choices" else "--" + name.replace("_", "-")


def _with_stdin(value: str | list[str]) -> str | list[str]:
    """`value`, or what standard input holds where it is "-", without the line break that ends its last line."""
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
    """`text` with backslash escapes for what the stream can't encode: other scripts, halves of surrogate pairs."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
