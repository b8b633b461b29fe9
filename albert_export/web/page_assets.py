"""The built page: it lies in the wheel, and a checkout builds it with npm when it is first needed.

This module imports the standard library alone: the build hook of the distributions, `hatch_build.py`, loads it before
anything is installed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

#: where the built page lies, in a wheel and in a checkout, where git ignores it
ASSETS = Path(__file__).parent / "assets"
#: the JavaScript package of a checkout or source archive; a wheel has none
JAVASCRIPT = Path(__file__).parents[2] / "runtime" / "js"
#: a file of the built page that holds the hash of the sources
_SOURCES_HASH = "sources.sha256"
#: what the page is built from, in `JAVASCRIPT`
_SOURCES = ("page", "src", "package.json", "package-lock.json")
#: the oldest Node that the build works with
_NODE = 20


class PageBuildError(Exception):
    """The page can't be built; the message says what to do."""


def page_assets(progress: Callable[[str], None] = lambda step: None) -> Path:
    """The folder of the built page; in a checkout it is built if its sources have changed.

    Raises:
        PageBuildError: it is not there, and can't be built.
    """
    if not (JAVASCRIPT / "page").is_dir():
        if ASSETS.is_dir():
            return ASSETS
        raise PageBuildError(
            "this installation of albert-export lacks the page, because Node was missing where its wheel was built; "
            "install a wheel that `make dist` built, or run the command in a checkout, with Node and npm"
        )
    expected = sources_hash()
    built = ASSETS / _SOURCES_HASH
    if not built.is_file() or built.read_text(encoding="ascii") != expected:
        progress("building the page with npm, which is done once")
        _build(expected)
    return ASSETS


def sources_hash() -> str:
    """A SHA-256 of the names and contents of everything that the page is built from."""
    digest = hashlib.sha256()
    for file in _source_files():
        name, content = file.relative_to(JAVASCRIPT).as_posix().encode(), file.read_bytes()
        digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for name in _SOURCES:
        path = JAVASCRIPT / name
        yield from sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _build(expected: str) -> None:
    """Build into a folder beside `ASSETS`, which takes its place when it is complete."""
    _require_node()
    if not (JAVASCRIPT / "node_modules").is_dir():
        # The install scripts of some packages download files that the page has no use for.
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    part = ASSETS.with_name(f".assets.{uuid.uuid4().hex}.part")
    try:
        _run("node", str(JAVASCRIPT / "page" / "build.mjs"), str(part))
        (part / _SOURCES_HASH).write_text(expected, encoding="ascii")
        shutil.rmtree(ASSETS, ignore_errors=True)
        part.replace(ASSETS)
    except OSError as error:
        raise PageBuildError(f"can't write the built page to {ASSETS}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _require_node() -> None:
    advice = f"install Node {_NODE} or newer with npm, for example: apt-get install nodejs npm"
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        raise PageBuildError(f"building the page needs {' and '.join(missing)}; {advice}")
    version = _run("node", "--version").strip()
    major = version.removeprefix("v").partition(".")[0]
    if major.isdecimal() and int(major) < _NODE:
        raise PageBuildError(f"building the page needs Node {_NODE}, and this is {version}; {advice}")


def _run(program: str, *arguments: str) -> str:
    """What a program prints. On Windows npm is a script, which only its full path starts."""
    done = subprocess.run(
        [shutil.which(program) or program, *arguments],
        cwd=JAVASCRIPT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[-12:]
        raise PageBuildError("\n".join([f"`{program} {' '.join(arguments)}` failed in {JAVASCRIPT}:", *lines]))
    return done.stdout
