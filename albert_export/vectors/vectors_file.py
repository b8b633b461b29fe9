"""A file of golden vectors: made from a bundle, written, read, and compared with what a bundle gives now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from albert_export.utils.atomic_file import replacing
from albert_export.vectors.request_vectors import error_record, output_values, request_record, zero_shot_record
from albert_export.vectors.requests import right_calls, wrong_calls, zero_shot_calls
from albert_export.vectors.tokenizer_vectors import tokenizer_inputs, tokenizer_record
from albert_runtime import AlbertSession, __version__
from albert_runtime.errors import ParityError, UsageError, listed

FORMAT = "albert-vectors"
FORMAT_VERSION = 1
_SECTIONS = ("tokenizer", "windows", "words", "decode", "requests", "zero_shot", "errors")
#: differences that a message lists; more of them would hide the first
_MOST_NAMED = 20
#: scores in answers come from rounded outputs, so they differ where outputs do
_IN_REQUESTS = ("requests", "zero_shot")


def make_vectors(session: AlbertSession) -> dict[str, Any]:
    """The vectors of a session's bundle as JSON types; docs/vectors.md describes them."""
    manifest = session.manifest
    given: dict[str, list[dict[str, Any]]] = {name: [] for name in _SECTIONS}
    if manifest.has_tokenizer:
        given.update(tokenizer_inputs(session.tokenizer))
        given["requests"] = [{"call": call} for call in right_calls(session)]
        given["zero_shot"] = [{"call": call} for call in zero_shot_calls(session)]
        given["errors"] = [{"call": call} for call in wrong_calls(session)]
    else:
        given["requests"] = [{"call": dict(vector["inputs"])} for vector in manifest.self_test]
    records = {name: [_recomputed(session, name, one) for one in given[name]] for name in _SECTIONS}
    records["errors"] = [one for one in records["errors"] if "message" in one]
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "bundle": {
            "task": manifest.task,
            "head": manifest.head,
            "precision": manifest.precision,
            "max_length": session.max_length,
            "labels": list(manifest.labels),
            "files": dict(manifest.files),
        },
        "versions": {"albert-runtime": __version__, session.engine.name: session.engine.version},
        **records,
    }


def write_vectors(vectors: Mapping[str, Any], file: Path, *, force: bool = False) -> None:
    """Write `vectors` to `file`, completely or not at all, one record a line.

    Raises:
        UsageError: the file is there already and `force` is False, or it can't be written.
    """
    if file.is_dir():
        raise UsageError(f"{file} is a folder; give the name of a file, such as {file / 'vectors.json'}")
    if file.exists() and not force:
        raise UsageError(f"{file} exists already; give another name, or --force to replace it")
    with replacing(file) as part:
        part.write_text("".join(_lines(vectors)), encoding="ascii")


def _lines(vectors: Mapping[str, Any]) -> Iterator[str]:
    """The JSON text. Everything that is not ASCII is escaped, so that lone surrogates survive."""
    yield "{"
    for number, (name, value) in enumerate(vectors.items()):
        yield ("," if number else "") + f"\n{json.dumps(name)}: "
        if name in _SECTIONS:
            yield "[" + ",".join("\n  " + json.dumps(record) for record in value) + "]"
        else:
            yield json.dumps(value)
    yield "\n}\n"


def read_vectors(file: Path) -> dict[str, Any]:
    """The vectors in `file`.

    Raises:
        UsageError: it can't be read, or is no file of vectors that this version knows.
    """
    try:
        record = json.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not a file of vectors: {error}; write one with albert-export vectors") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UsageError(
            f'{file} has no "format": "{FORMAT}"; write a file with albert-export vectors BUNDLE -o {file}'
        )
    if record.get("format_version") != FORMAT_VERSION:
        raise UsageError(
            f"{file} is of format version {record.get('format_version')!r}, this program reads version {FORMAT_VERSION}"
        )
    wrong = [f'"{name}" must be a list of objects' for name in _SECTIONS if not _is_records(record.get(name))]
    bundle = record.get("bundle")
    if not isinstance(bundle, dict) or not isinstance(bundle.get("files"), dict):
        wrong.append('"bundle" must be an object with "files"')
    if wrong:
        raise UsageError(listed(f"{file} is damaged:", wrong) + "\nWrite it again with albert-export vectors.")
    return record


def _is_records(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def check_vectors(session: AlbertSession, vectors: Mapping[str, Any]) -> int:
    """Compute every vector again with `session`; returns their number.

    Raises:
        UsageError: the vectors are those of another bundle, or malformed.
        ParityError: the session gives something else; the message lists what and where.
    """
    files = vectors["bundle"]["files"]
    other = sorted({name for name, _ in files.items() ^ session.manifest.files.items()})
    if other:
        raise UsageError(
            listed("the vectors were made from another bundle; these files are not the same:", other)
            + f"\nMake them again: albert-export vectors {session.bundle.folder} -o FILE"
        )
    found: list[str] = []
    count = 0
    for section in _SECTIONS:
        for number, record in enumerate(vectors[section], start=1):
            place = f"{section} {number}"
            try:
                again = _recomputed(session, section, record)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise UsageError(
                    f"{place} is malformed ({type(error).__name__}: {error}); make the file again"
                ) from None
            tolerance = record.get("tolerance", 0.0) if section in _IN_REQUESTS else 0.0
            found += _differences(record, again, tolerance, place)
            count += 1
    if found:
        more = [f"and {len(found) - _MOST_NAMED} more"] if len(found) > _MOST_NAMED else []
        raise ParityError(
            listed(f"{session.bundle.folder} does not give what the vectors say:", found[:_MOST_NAMED] + more)
        )
    return count


def _recomputed(session: AlbertSession, section: str, record: dict[str, Any]) -> dict[str, Any]:
    """The record of the same section for the same input."""
    of_call: dict[str, Callable[[AlbertSession, Mapping[str, Any]], dict[str, Any]]] = {
        "requests": request_record,
        "zero_shot": zero_shot_record,
        "errors": error_record,
    }
    if section in of_call:
        return of_call[section](session, record["call"])
    return tokenizer_record(session.tokenizer, section, record)


def _differences(wanted: Any, got: Any, tolerance: float, place: str) -> Iterator[str]:
    """Where `got` is not `wanted`; numbers with a fraction may differ by `tolerance`."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        if {"float32", "values"} & wanted.keys() and wanted.get("shape") == got.get("shape"):
            pairs = zip(output_values(wanted).tolist(), output_values(got).tolist(), strict=True)
            largest = max((abs(one - other) for one, other in pairs), default=0.0)
            if not largest <= tolerance:
                yield f"{place} differs by {largest:.3g}, allowed is {tolerance:.3g}"
            return
        for name in {**wanted, **got}:
            if name not in wanted or name not in got:
                yield f"{place}.{name} is {'not expected' if name in got else 'missing'}"
            else:
                yield from _differences(wanted[name], got[name], tolerance, f"{place}.{name}")
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for index, (one, other) in enumerate(zip(wanted, got, strict=True)):
            yield from _differences(one, other, tolerance, f"{place}[{index}]")
    elif isinstance(wanted, float) and isinstance(got, float):
        if not abs(wanted - got) <= tolerance:
            yield f"{place} is {got!r}, the vectors say {wanted!r}"
    elif wanted != got:
        yield f"{place} is {got!r:.120}, the vectors say {wanted!r:.120}"
