"""The site of the documentation is built without a warning, needs no other server, and shows what the pages hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import albert_export
import albert_export.evaluation
import albert_export.sensitivity
import albert_runtime
from tests.conftest import BuiltOnce
from tests.docs.blocks import PAGES, ROOT

pytest.importorskip("mkdocs", reason="install the extra docs: pip install -e '.[docs]'")

#: the elements that the site must hold as often as a page has them
_COUNTED = ("blockquote", "h2", "h3", "img", "li", "ol", "table", "tr", "ul")
#: nobody listens there
_NO_CONNECTION = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")


@pytest.fixture(scope="module")
def site(built_once: BuiltOnce) -> Path:
    """The site, built without a connection and without the packages that it describes."""

    def build(folder: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
            cwd=ROOT,
            env={**os.environ, **_NO_CONNECTION, "NO_MKDOCS_2_WARNING": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return built_once("site", build)


def _html_of(page: str) -> str:
    """Where the site has a page."""
    uri = page.removeprefix("docs/") if page.startswith("docs/") else f"repository/{page}"
    return re.sub(r"README\.md$", "index.md", uri).removesuffix(".md") + ".html"


class _Article(HTMLParser):
    """Counts the elements inside the article of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        #: the addresses of the links
        self.links: list[str] = []
        start, end = html.index("<article"), html.index("</article>")
        self.feed(html[start:end])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")


def _resources(site: Path) -> Iterator[str]:
    """The addresses of everything that a browser loads by itself when it shows a page."""
    for file in site.rglob("*.html"):
        for tag in re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", file.read_text(encoding="utf-8")):
            yield from re.findall(r"(?:src|href)=[\"']?([^\"' >]+)", tag)
    for file in site.rglob("*.css"):
        yield from re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')]+)", file.read_text(encoding="utf-8"))


def test_the_site_loads_nothing_from_other_servers(site: Path) -> None:
    resources = set(_resources(site))
    assert any(one.endswith(".css") for one in resources)
    assert [one for one in resources if re.match(r"(https?:)?//", one)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("docs/reference/")])
def test_a_page_has_the_same_parts_on_the_site_as_in_plain_markdown(page: str, site: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or []]
    expected = Counter(token.tag for token in [*tokens, *inline] if token.nesting >= 0)
    fences = sum(token.type == "fence" for token in tokens)
    shown = _Article((site / _html_of(page)).read_text(encoding="utf-8")).counts
    assert {tag: shown[tag] for tag in _COUNTED} == {tag: expected[tag] for tag in _COUNTED}
    assert shown["pre"] == fences


def test_links_to_files_of_the_repository_lead_to_pages_of_the_site(site: Path) -> None:
    links = _Article((site / "index.html").read_text(encoding="utf-8")).links
    assert {"repository/index.html", "repository/CONTRIBUTING.html", "repository/runtime/index.html"} <= set(links)
    tutorial = _Article((site / "tutorials/cpu-script.html").read_text(encoding="utf-8")).links
    assert "../repository/examples/many_processes.py.html" in tutorial
    assert (site / "repository/examples/many_processes.py.html").is_file()
    readme = _Article((site / "repository/index.html").read_text(encoding="utf-8")).links
    assert "../embedding.html" in readme


@pytest.mark.parametrize(
    "package", [albert_runtime, albert_export, albert_export.evaluation, albert_export.sensitivity]
)
def test_the_reference_describes_every_public_name(package: object, site: Path) -> None:
    name = package.__name__  # type: ignore[attr-defined]
    shown = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html"))
    described = {f"albert_runtime.{one}" for one in ("AlbertTokenizer",)} if package is albert_export else set()
    public = [one for one in package.__all__ if one not in ("__version__", "PRECISIONS")]  # type: ignore[attr-defined]
    absent = [one for one in public if f'id="{name}.{one}"' not in shown]
    assert [one for one in absent if f"albert_runtime.{one}" not in described] == []


def test_the_reference_is_readable(site: Path) -> None:
    sessions = (site / "reference/sessions.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", sessions)
    assert "_MAX_QUESTION_LEN" not in text  # defaults are shown as values
    answers = re.sub(r"<[^>]+>", "", (site / "reference/answers.html").read_text(encoding="utf-8"))
    assert "The probability that the context holds no answer" in answers  # a comment above an attribute
    assert "Args:" not in text
    assert "Raises:" in text
