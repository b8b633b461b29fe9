"""The blocks of code on the pages of the documentation."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
#: every page whose blocks are run
PAGES = tuple(
    page.relative_to(ROOT).as_posix()
    for page in (
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "runtime/README.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    )
)
#: the languages of blocks that are run
RUN = ("python", "sh")
#: the languages of blocks that show output, the content of files, or a program for another machine; tests/runtime_js
#: checks the types of those in TypeScript
SHOWN = ("json", "kotlin", "text", "toml", "ts")

#: the title of a block of code that a contributor writes into a file: the file, and perhaps a table in it
_FILE_TITLE = re.compile(r"(?P<file>[\w./-]+\.py)(, in (?P<table>\w+))?")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: str
    #: the line of the page on which the code begins, counted from 1
    line: int
    language: str
    title: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that the code belongs into, if the title names one."""
        match = _FILE_TITLE.fullmatch(self.title)
        return match and match["file"]

    @property
    def table(self) -> str | None:
        """The table of `file` that the code is rows of, if the title names one."""
        match = _FILE_TITLE.fullmatch(self.title)
        return match and match["table"]


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in order.

    Raises:
        ValueError: a block is not fenced, or its first line is not a known language, perhaps with a title.
    """
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text(encoding="utf-8")):
        where = f"{page}:{token.map[0] + 1 if token.map else 0}"
        if token.type == "code_block":
            raise ValueError(f"{where}: this block is only indented; put it between ``` and give it a language")
        if token.type != "fence" or token.map is None:
            continue
        language, *attributes = shlex.split(token.info) or [""]
        titles = [value.removeprefix("title=") for value in attributes if value.startswith("title=")]
        if language not in (*RUN, *SHOWN) or len(titles) != len(attributes):
            raise ValueError(
                f'{where}: {token.info!r} is not one of {", ".join((*RUN, *SHOWN))}, perhaps with title="..."'
            )
        found.append(Block(page, token.map[0] + 2, language, "".join(titles), token.content))
    return found
