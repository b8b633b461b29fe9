"""The name of a file that a command will write when all its work is done, checked before the work begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from albert_runtime.errors import UsageError, listed


def refuse_output(file: Path, what: str, suffixes: Sequence[str]) -> None:
    """Refuse a file that can't be written or has the name of something else.

    A file that is there already may be replaced: its name says that it is such a file too.

    Args:
        file: the file to write.
        what: what it will be, as messages call it, such as "plot".
        suffixes: the endings that its name may have.

    Raises:
        UsageError: the suffix is not one of `suffixes`, or the folder does not exist; the message names all problems.
    """
    problems = []
    if file.suffix.lower() not in suffixes:
        ending = f"ends in {file.suffix!r}" if file.suffix else "has no ending"
        problems.append(f"its name {ending}; a {what} is {' or '.join(suffixes)}")
    if file.is_dir():
        problems.append("it is a folder; give the name of a file in it")
    if not file.parent.is_dir():
        problems.append(f"there is no folder {file.parent}; make it, or choose another")
    if problems:
        raise UsageError(listed(f"can't write the {what} {file}:", problems))
