"""Reads the text files that users give, with messages for all that can be wrong with them."""

from __future__ import annotations

from pathlib import Path

from albert_runtime.errors import UsageError


def read_text(file: Path, kind: str, advice: str) -> str:
    """The text of a UTF-8 file, with or without byte order mark.

    Args:
        file: its path.
        kind: what messages call the file, for example "calibration data".
        advice: the end of each message, which says what to give instead.

    Raises:
        UsageError: the file can't be read, is a folder, is empty or is not text.
    """
    named = f"the {kind} {file}"
    try:
        content = file.read_bytes()
    except IsADirectoryError as error:
        raise UsageError(f"{named} is a folder; {advice}") from error
    except (OSError, ValueError) as error:  # ValueError means a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read {named}: {reason}; {advice}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{named} is not UTF-8 text, see byte {error.start:,}; {advice}") from error
    if "\0" in text:
        place = len(text[: text.index("\0")].encode())
        raise UsageError(f"{named} is not text: it has a zero byte, the first at {place:,}; {advice}")
    if not text.strip():
        raise UsageError(f"{named} is empty{' but for white space' if text else ''}; {advice}")
    return text


def split_lines(text: str) -> list[str]:
    """The lines of `text` without their ends. Only \\n and \\r\\n end a line: a text may contain other separators."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines
