"""A hook of MkDocs: links between the pages in `docs/` and files outside of it work on the site, too.

A page links a file by its path in the repository, so that the link works wherever the page is read as plain Markdown.
The site has a page for each file outside of `docs/` that is linked, below `repository/`: Markdown as it is, and other
files as a block of code.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

ROOT = Path(__file__).parents[2]
#: these are on the site even if no page links them
_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "runtime/README.md")

_FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+)(?=[#)])")
#: the languages of highlighting
_LANGUAGES = {".py": "python", ".toml": "toml", ".yml": "yaml"}


def on_files(files: Files, *, config: Any) -> Files:
    """Add the files outside of `docs/` that pages link, and those that these link."""
    waiting = [f"docs/{page.src_uri}" for page in files.documentation_pages()] + list(_PAGES)
    seen = set(waiting)
    for page in waiting:  # grows while it is read
        if not page.startswith("docs/"):
            files.append(_generated(page, config))
        if page.endswith(".md"):
            new = [link for link in _links((ROOT / page).read_text("utf-8"), page) if link not in seen]
            seen.update(new)
            waiting += [link for link in dict.fromkeys(new) if (ROOT / link).is_file() and not _is_in_docs(link)]
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """The page with links to where the files are on the site."""
    source = _path_of(page.file.src_uri)

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["path"]))
        # What is not a file stays as it is, and MkDocs reports it.
        if not (ROOT / target).is_file():
            return match["path"]
        return posixpath.relpath(site_uri(target), posixpath.dirname(page.file.src_uri) or ".")

    return _outside_of_code(markdown, lambda text: _LINK.sub(link, text))


def site_uri(path: str) -> str:
    """Where a file of the repository is on the site, as a path below `docs/`."""
    if _is_in_docs(path):
        return path.removeprefix("docs/")
    return f"repository/{path}" if path.endswith(".md") else f"repository/{path}.md"


def _path_of(uri: str) -> str:
    """The file of the repository whose page has this path; the opposite of `site_uri`."""
    if not uri.startswith("repository/"):
        return f"docs/{uri}"
    path = uri.removeprefix("repository/")
    return path if (ROOT / path).is_file() else path.removesuffix(".md")


def _is_in_docs(path: str) -> bool:
    return path.startswith("docs/")


def _generated(path: str, config: Any) -> File:
    content = (ROOT / path).read_text(encoding="utf-8")
    if not path.endswith(".md"):
        content = f"# {path}\n\n````{_LANGUAGES.get(Path(path).suffix, 'text')}\n{content}\n````\n"
    file = File.generated(config, site_uri(path), content=content)
    if path not in _PAGES:
        file.inclusion = InclusionLevel.NOT_IN_NAV
    return file


def _links(markdown: str, page: str) -> Iterator[str]:
    """The paths in the repository that a page links."""
    for match in _LINK.finditer(_FENCE.sub("", markdown)):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(page), match["path"]))


def _outside_of_code(markdown: str, change: Callable[[str], str]) -> str:
    parts = []
    end = 0
    for fence in _FENCE.finditer(markdown):
        parts += [change(markdown[end : fence.start()]), fence.group()]
        end = fence.end()
    return "".join([*parts, change(markdown[end:])])
