"""The part of the command line that runs token ids: its options, how ids are read, and what is printed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albert_runtime.errors import UsageError, listed
from albert_runtime.tasks import CHOICES, SEQUENCE

if TYPE_CHECKING:
    from albert_runtime.bundle import Bundle
    from albert_runtime.engines import Arrays
    from albert_runtime.session import AlbertSession

_EXAMPLE = '--ids "2 14 2231 3"'
#: what else the command line may hold beside ids; everything else belongs to texts
_COMMON = {"bundle", "ids", "ids_file", "type_ids", "threads", "engine", "no_verify", "json"}


@dataclass(frozen=True)
class _Sequence:
    """One sequence, and what messages call it. What is no number in it is text."""

    name: str
    ids: list[int | str]
    type_ids: list[Any] | None


def add_ids_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for token ids."""
    group = parser.add_argument_group(
        "token ids", "Sequences of your own tokenizer; each is run as it is, and the outputs of the graph are printed."
    )
    group.add_argument(
        "--ids", action="append", metavar="IDS", help=f"a sequence, as in {_EXAMPLE}; a tab begins the second segment"
    )
    group.add_argument("--type-ids", action="append", metavar="TYPES", help="the segment of each of the --ids")
    group.add_argument("--ids-file", metavar="FILE", help='a file with a sequence on each line, or "-"')


def gives_ids(options: argparse.Namespace) -> bool:
    """Whether the command line gives token ids, or options for them."""
    return any(getattr(options, name) is not None for name in ("ids", "ids_file", "type_ids"))


def run_ids(
    options: argparse.Namespace, prog: str, bundle: Bundle, open_session: Callable[[], AlbertSession]
) -> Iterator[str]:
    """Run each sequence by itself, and give the lines to print.

    Args:
        options: the command line.
        prog: the name of the command, for examples.
        bundle: the bundle, which every sequence is checked against before the graph is loaded.
        open_session: opens the session of the bundle.

    Raises:
        UsageError: the options don't go together, the file can't be read, or ids are wrong; all of them are named.
    """
    # These need numpy, without which --help must answer.
    from albert_runtime.printing import format_outputs
    from albert_runtime.token_ids import IDS_REFUSED, IdRequest, refuse_ids

    _check_options(options, prog)
    sequences = _from_options(options) if options.ids_file is None else _from_lines(options.ids_file)
    requests, problems = [], []
    for one in sequences:
        try:
            requests.append(IdRequest(bundle, one.ids, one.type_ids))
        except UsageError as error:
            lines = str(error).removeprefix(IDS_REFUSED).strip().splitlines()
            problems += [f"{one.name}: {line.strip().removeprefix('- ')}" for line in lines]
    refuse_ids(problems)
    session = open_session()
    for index, (one, request) in enumerate(zip(sequences, requests, strict=True)):
        outputs = _own_outputs(bundle, session.run(request.arrays()), request.longest)
        if options.json:
            yield json.dumps({name: array.tolist() for name, array in outputs.items()})
        else:
            headline = [f"{one.name}:"] if len(sequences) > 1 else []
            yield "\n".join([*([""] if index else []), *headline, format_outputs(outputs, bundle.manifest.labels)])


def _check_options(options: argparse.Namespace, prog: str) -> None:
    problems = []
    if options.ids is None and options.ids_file is None:
        problems.append("--type-ids needs --ids")
    if options.ids is not None and options.ids_file is not None:
        problems.append("--ids and --ids-file are both there; give one")
    if options.ids_file is not None and options.type_ids is not None:
        problems.append("--type-ids goes with --ids; in a file, a tab begins the second segment")
    if options.ids and options.type_ids:
        if len(options.ids) != len(options.type_ids):
            problems.append(f"--ids is there {len(options.ids)} times, and --type-ids {len(options.type_ids)} times")
        if any("\t" in text for text in options.ids):
            problems.append("--ids has a tab, which begins the second segment, and --type-ids is there too; give one")
    others = [name for name, value in vars(options).items() if name not in _COMMON and value not in (None, False, [])]
    named = ["a text" if name == "texts" else f"--{name.replace('_', '-')}" for name in others]
    problems += [f"{name} does not go with token ids" for name in named]
    if problems:
        headline = "the options for token ids don't go together:"
        raise UsageError(listed(headline, problems) + f"\nFor example:\n  {prog} {options.bundle} {_EXAMPLE}")


def _from_options(options: argparse.Namespace) -> list[_Sequence]:
    from albert_runtime.token_ids import parse_ids, parse_numbers

    found = []
    for index, text in enumerate(options.ids):
        ids, types = parse_ids(text)
        given = types if options.type_ids is None else parse_numbers(options.type_ids[index])
        found.append(_Sequence(f"--ids {index + 1}" if len(options.ids) > 1 else "--ids", ids, given))
    return found


def _from_lines(file: str) -> list[_Sequence]:
    """The sequences in the file, one on each line; blank lines are left out."""
    from albert_runtime.token_ids import parse_ids

    advice = "give a text file with a sequence of ids on each line"
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}; {advice}") from error
    except ValueError as error:
        raise UsageError(f"{file} is not UTF-8 text; {advice}") from error
    found = [_Sequence(f"line {number}", *parse_ids(line)) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise UsageError(f"{file} holds no sequence; {advice}")
    return found


def _own_outputs(bundle: Bundle, outputs: Arrays, length: int) -> dict[str, Any]:
    """The outputs of the one sequence that was run, without the axes of the batch and the choices, and its padding."""
    found = {}
    for name, axes in bundle.task.outputs.items():
        array = outputs[name][0]
        if CHOICES in axes:
            array = array[0]
        found[name] = array[:length] if SEQUENCE in axes else array
    return found
