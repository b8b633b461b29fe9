"""The output of a file run: answers, wrong lines, and the progress that an interrupted run resumes from."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from albert_runtime.errors import UsageError, listed
from albert_runtime.lazy_import import load_object

#: seconds between two records of the progress; so much is computed again after a kill
_COMMIT_SECONDS = 1.0


class Output(Protocol):
    """Takes the answers and the wrong lines of one look-ahead window after the other."""

    #: where the answers go, as it is said to the user
    name: str

    def write(self, answers: bytes, errors: bytes, state: dict[str, int]) -> None:
        """Write what a window gave; `state` says how far the input has been consumed."""

    def keep(self) -> str:
        """Close after an interruption; returns what is left and how to go on."""

    def finish(self) -> None:
        """Close after the last window."""


class StreamOutput:
    """Answers go to standard output or a device, wrong lines to standard error. It can't be resumed."""

    def __init__(self, path: str) -> None:
        """Write to the device or pipe `path`, or to standard output if it is "-"."""
        self.name = "standard output" if path == "-" else path
        if path == "-":
            # Without the buffer nothing is left that the interpreter would try to write once more when it exits.
            sys.stdout.flush()
            self._stream: BinaryIO = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        else:
            with _explained(path):
                self._stream = cast(BinaryIO, Path(path).open("wb", buffering=0))  # noqa: SIM115

    def write(self, answers: bytes, errors: bytes, state: dict[str, int]) -> None:
        """See `Output.write`."""
        for line in errors.splitlines():
            wrong = json.loads(line)
            print(_ascii(f"line {wrong['line']}: {wrong['reason']}"), file=sys.stderr)
        try:
            _write_all(self._stream, answers)
        except BrokenPipeError:
            raise  # the reader has ended, which the command line treats as its own kind of end
        except OSError as error:
            raise UsageError(f"can't write to {self.name}: {error.strerror or error}") from error

    def keep(self) -> str:
        """See `Output.keep`."""
        return ""

    def finish(self) -> None:
        """See `Output.finish`."""


class FileOutput:
    """Answers go to FILE, and wrong lines to FILE.errors.jsonl, which exists only if there are any.

    FILE.progress exists as long as the run is not complete. It holds how much of the input has been consumed, how long
    the two files were then, and the settings. A run that resumes cuts both files to these lengths and goes on there, so
    that no line is lost or written twice. The file is replaced as a whole, after the answers are on the disk.
    """

    def __init__(self, path: str, settings: dict[str, Any], *, resume: bool, force: bool) -> None:
        """Create the output, or go on with it.

        Args:
            path: the file for the answers.
            settings: what the answers depend on, as JSON types; a run resumes only with equal settings.
            resume: go on with the output of an interrupted run, if there is one.
            force: replace an output that exists.

        Raises:
            UsageError: the output exists and neither `resume` nor `force` is set, the settings differ from those of the
                interrupted run, another process writes the output, or it can't be written.
        """
        self.name = path
        self._path, self._errors_path, self._progress_path = Path(path), Path(f"{path}.errors.jsonl"), _progress(path)
        self._settings = settings
        #: how far the run has come, or None if it starts
        self.resumed: dict[str, int] | None = None
        if resume and self._progress_path.exists():
            self.resumed = self._read_progress()
        elif not force:
            refuse_existing(path)
        self._state = self.resumed or {"output_bytes": 0, "errors_bytes": 0}
        self._errors: BinaryIO | None = None
        with _explained(path):
            existed = self._path.exists()
            if not existed:
                # The progress comes before the output, because an output without progress counts as complete.
                self._write_progress()
            self._output = _opened(self._path)
            _lock(self._output, path)
            if existed:
                self._write_progress()
            _cut(self._output, self._state["output_bytes"])
            if self._state["errors_bytes"]:
                self._errors = _opened(self._errors_path)
                _cut(self._errors, self._state["errors_bytes"])
            else:
                self._errors_path.unlink(missing_ok=True)
        self._committed = time.monotonic()

    def write(self, answers: bytes, errors: bytes, state: dict[str, int]) -> None:
        """See `Output.write`."""
        with _explained(self.name):
            _write_all(self._output, answers)
            if errors:
                self._errors = self._errors or _opened(self._errors_path)
                _write_all(self._errors, errors)
            self._state = {
                "output_bytes": self._state["output_bytes"] + len(answers),
                "errors_bytes": self._state["errors_bytes"] + len(errors),
                **state,
            }
            if time.monotonic() - self._committed >= _COMMIT_SECONDS:
                self._commit()

    def keep(self) -> str:
        """See `Output.keep`."""
        try:
            # Part of a window may have been written.
            self._output.truncate(self._state["output_bytes"])
            if self._errors is not None:
                self._errors.truncate(self._state["errors_bytes"])
            self._commit()
        except OSError:
            pass  # the progress that was last written still holds: what was written since is computed again
        self._close()
        return f"what is done is in {self.name}; to go on, give the same command with --resume"

    def finish(self) -> None:
        """See `Output.finish`."""
        with _explained(self.name):
            self._commit()
            self._close()
            self._progress_path.unlink(missing_ok=True)

    def _commit(self) -> None:
        for stream in (self._output, self._errors):
            if stream is not None:
                os.fsync(stream.fileno())
        self._write_progress()
        self._committed = time.monotonic()

    def _write_progress(self) -> None:
        new = Path(f"{self._progress_path}.new")
        new.write_text(json.dumps({"settings": self._settings, "state": self._state}), encoding="utf-8")
        new.replace(self._progress_path)

    def _read_progress(self) -> dict[str, int]:
        try:
            record = json.loads(self._progress_path.read_text(encoding="utf-8"))
            before, state = record["settings"], record["state"]
            sizes = [
                (path, path.stat().st_size if path.exists() else 0, state[key])
                for path, key in ((self._path, "output_bytes"), (self._errors_path, "errors_bytes"))
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"can't resume from {self._progress_path}: {error}; start again with --force") from error
        problems = [
            f"{name} was {before.get(name)!r} and is {self._settings.get(name)!r}"
            for name in dict.fromkeys([*before, *self._settings])
            if before.get(name) != self._settings.get(name)
        ]
        problems += [f"{path} has {size} bytes, and had {least}" for path, size, least in sizes if size < least]
        if problems:
            headline = f"{self.name} can't be resumed, because something has changed:"
            raise UsageError(listed(headline, problems) + "\nUndo the change, or start again with --force.")
        found: dict[str, int] = state
        return found

    def _close(self) -> None:
        for stream in (self._output, self._errors):
            if stream is not None:
                stream.close()


def is_complete(path: str) -> bool:
    """Whether the output exists and no interrupted run has left its progress there."""
    return Path(path).exists() and not _progress(path).exists()


def refuse_existing(path: str) -> None:
    """Check that a run that starts replaces nothing.

    Raises:
        UsageError: the output or a file beside it exists.
    """
    if _progress(path).exists():
        raise UsageError(f"{path} is the output of a run that was interrupted; --resume goes on, --force starts again")
    for name in (path, f"{path}.errors.jsonl"):
        if Path(name).exists():
            raise UsageError(f"{name} already exists; --force replaces it")


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Raise a UsageError for what the operating system refuses while `path`, or a file beside it, is written."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"can't write {error.filename or path}: {error.strerror or error}") from error


def _progress(path: str) -> Path:
    return Path(f"{path}.progress")


def _opened(path: Path) -> BinaryIO:
    """The file, created if it is not there. Without a buffer, nothing is lost when the process is killed."""
    mode = "r+b" if path.exists() else "w+b"
    return cast(BinaryIO, path.open(mode, buffering=0))


def _cut(stream: BinaryIO, size: int) -> None:
    """Cut the file to `size` bytes, and go on at its end."""
    stream.truncate(size)
    stream.seek(size)


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _write_all(stream: BinaryIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[stream.write(left) :]


def _lock(stream: BinaryIO, name: str) -> None:
    """Keep other processes from writing the file at the same time, where the operating system can do that."""
    try:
        flock, how = load_object("fcntl:flock"), load_object("fcntl:LOCK_EX") | load_object("fcntl:LOCK_NB")
    except ImportError:
        return
    try:
        flock(stream.fileno(), how)
    except BlockingIOError as error:
        raise UsageError(f"another process is writing {name}; let it end first") from error
