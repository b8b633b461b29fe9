"""Writes the site: the built page, the engine and the bundle's files, with the hash of each of them."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from albert_converters.bundle_writer import FolderKind, new_bundle, refuse_overwrite, write_manifest
from albert_export.web.examples import page_examples
from albert_export.web.page_assets import PageBuildError, page_assets
from albert_export.web.supported import refuse_unsupported
from albert_runtime.bundle import MANIFEST_FILE, open_bundle, sha256_of
from albert_runtime.errors import DependencyError
from albert_runtime.packed.path import BundlePath

SITE = FolderKind("site that `albert-export web` wrote", "albert-site.json")

#: the files of the page that the service worker stores at once
_SHELL = ("page.js", "worker.js", "style.css", "icon.svg", "engine/ort-wasm-simd-threaded.mjs")
_WASM = "engine/ort-wasm-simd-threaded.wasm"
_GLUE = "engine/ort-wasm-simd-threaded.mjs"
_NOTICES = ("engine/LICENSE", "engine/README.md")
_BUNDLE_FOLDER = "bundle/"

#: task -> the heading of its page; another task is called by its name
_TITLES = {
    "feature-extraction": "Compare texts",
    "fill-mask": "Fill in the gap",
    "multiple-choice": "Choose what fits",
    "pretraining": "Which text comes first?",
    "question-answering": "Ask a text",
    "text-classification": "Classify a text",
    "token-classification": "Find names in a text",
}


@dataclass(frozen=True)
class WrittenSite:
    """A site that has been written."""

    folder: Path
    task: str
    precision: str
    #: the size of all files
    bytes: int
    #: the size of the bundle's files
    bundle_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON types."""
        return {
            "folder": str(self.folder),
            "task": self.task,
            "precision": self.precision,
            "bytes": self.bytes,
            "bundle_bytes": self.bundle_bytes,
        }


def write_site(
    bundle_folder: Path,
    output: Path,
    *,
    title: str | None = None,
    examples: Path | None = None,
    precision: str | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> WrittenSite:
    """Write a static site that runs a bundle in the browser, without other servers and without a connection.

    Args:
        bundle_folder: an ONNX bundle with a tokenizer, of any task, as a folder or packed (a `.albert` file).
        output: the folder of the site, which appears when it is complete.
        title: the heading of the page; None names the task.
        examples: a JSON file with a list of requests; None takes the demo's, or those of the bundle's self-test.
        precision: the graph of a bundle with several, of which the site gets this one; None means the first.
        force: replace an older site at `output`.
        progress: called with each step.

    Raises:
        UsageError: there is no bundle, the output exists, or the examples can't be used.
        BundleError: the bundle is damaged.
        UnsupportedError: the page can't run the bundle.
        DependencyError: the page must be built first, and Node or npm is missing.
        ConversionError: the site can't be written.
    """
    refuse_overwrite(output, force=force, kind=SITE)
    progress("checking the bundle")
    bundle = open_bundle(bundle_folder, precision=precision)
    refuse_unsupported(bundle)
    requests = page_examples(bundle, examples)
    try:
        assets = page_assets(progress)
    except PageBuildError as error:
        raise DependencyError(str(error)) from error
    manifest = bundle.manifest
    progress("writing the site")
    with new_bundle(output, force=force, kind=SITE) as folder:
        for name in (*_SHELL, _WASM, *_NOTICES):
            _copy(assets / name, folder / name)
        names = (MANIFEST_FILE, *manifest.files)
        for name in names:
            _copy(bundle.folder / name, folder / _BUNDLE_FOLDER / name)
        if len(bundle.precisions) > 1:  # the other graphs are not in the site
            write_manifest(folder / _BUNDLE_FOLDER, manifest)
        site = {
            "format": "albert-site",
            "title": title or _TITLES.get(manifest.task, manifest.task),
            "task": manifest.task,
            "precision": manifest.precision,
            "bundle": _BUNDLE_FOLDER,
            "bundleFiles": [_file(folder, _BUNDLE_FOLDER + name) for name in names],
            "wasm": _file(folder, _WASM),
            "glue": _file(folder, _GLUE),
            "worker": _file(folder, "worker.js"),
            "examples": requests,
        }
        _write_pages(assets, folder, site)
        # GitHub Pages leaves out some files and rewrites others, unless this file is there.
        (folder / ".nojekyll").touch()
        sizes = {file: file.stat().st_size for file in folder.rglob("*") if file.is_file()}
        in_bundle = sum(size for file, size in sizes.items() if (folder / _BUNDLE_FOLDER) in file.parents)
        return WrittenSite(output, manifest.task, manifest.precision, sum(sizes.values()), in_bundle)


def _write_pages(assets: Path, folder: Path, site: dict[str, Any]) -> None:
    """Write what depends on the other files: the list of the files, the service worker and the page itself."""
    template = (assets / "index.html").read_text(encoding="utf-8")
    worker = (assets / "sw.js").read_text(encoding="utf-8")
    shell = [_file(folder, name) for name in _SHELL]
    version = hashlib.sha256(json.dumps([site, shell, template, worker]).encode()).hexdigest()[:16]
    (folder / SITE.marker).write_text(json.dumps({**site, "version": version}, indent=1) + "\n", encoding="utf-8")
    listing = _file(folder, SITE.marker)
    stored = {
        "version": version,
        "shell": [*shell, listing],
        "large": [*site["bundleFiles"], site["wasm"]],
    }
    (folder / "sw.js").write_text(f"self.albertSite={json.dumps(stored)};\n{worker}", encoding="utf-8")
    hashes = {one["path"]: one["sha256"][:16] for one in [*shell, listing]}
    texts = {"title": site["title"], "task": site["task"].replace("-", " ").capitalize()}

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        return f"{name}?v={hashes[name]}" if name in hashes else html.escape(texts[name])

    page = re.sub(r"\{\{(.+?)\}\}", filled, template)
    (folder / "index.html").write_text(page, encoding="utf-8")


def _copy(source: BundlePath, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # A file of a packed bundle can be opened and has no path of its own.
    with source.open("rb") as stream, target.open("wb") as copy:
        shutil.copyfileobj(stream, copy, 1 << 20)


def _file(folder: Path, name: str) -> dict[str, Any]:
    """The record of a file: its address, which is encoded as addresses are, and what shows that it is undamaged."""
    file = folder / name
    return {"path": quote(name), "bytes": file.stat().st_size, "sha256": sha256_of(file)}
