"""Candidate: a graph of a bundle and an engine that may run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from albert_export.bench.recommend.kept_accuracy import KeptAccuracy
from albert_export.bench.recommend.same_checkpoint import refuse_mixed
from albert_runtime import open_bundle
from albert_runtime.bundle import Bundle
from albert_runtime.engines import installed_engines
from albert_runtime.errors import AlbertError, listed
from albert_runtime.tasks import Task

#: TensorFlow's own interpreter runs what LiteRT runs, takes seconds to import, and is on no device: it is a candidate
#: only where nothing else runs the file.
_LAST_RESORT = "tf-lite"


@dataclass(frozen=True)
class Candidate:
    """One graph, and one engine for it."""

    #: the folder of the bundle, or its packed file
    bundle: Path
    precision: str
    #: whether the bundle has graphs in other precisions too
    one_of_several: bool
    #: None if no engine for such a file is installed
    engine: str | None
    accuracy: KeptAccuracy

    def __str__(self) -> str:
        return f"{self.bundle}, {self.precision}" if self.one_of_several else str(self.bundle)


def candidates_of(paths: Sequence[Path]) -> tuple[Task, list[Candidate]]:
    """Return the task of the bundles and every pair of one of their graphs and an installed engine.

    A bundle that is given twice counts once.

    Raises:
        AlbertError: bundles can't be opened; the message names all of them, and the exit code is that of the first.
        UsageError: the bundles are for different tasks or of different checkpoints.
    """
    bundles = _opened(list(dict.fromkeys(paths)))
    refuse_mixed({str(path): graphs[0] for path, graphs in bundles.items()})
    candidates = [
        Candidate(path, bundle.manifest.precision, len(graphs) > 1, engine, KeptAccuracy.of(bundle.manifest))
        for path, graphs in bundles.items()
        for bundle in graphs
        for engine in _engines(bundle)
    ]
    return next(iter(bundles.values()))[0].task, candidates


def _opened(paths: Sequence[Path]) -> dict[Path, list[Bundle]]:
    """The graphs of each bundle, each as a bundle of one."""
    bundles: dict[Path, list[Bundle]] = {}
    errors: list[AlbertError] = []
    for path in paths:
        try:
            first = open_bundle(path, check=False)
            others = [open_bundle(path, check=False, precision=name) for name in first.precisions[1:]]
            bundles[path] = [first, *others]
        except AlbertError as error:
            errors.append(error)
    if errors:
        lines = [str(error).replace("\n", "\n    ") for error in errors]
        refusal = AlbertError(lines[0] if len(lines) == len(paths) == 1 else listed("these can't be opened:", lines))
        refusal.exit_code = errors[0].exit_code
        raise refusal
    return bundles


def _engines(bundle: Bundle) -> list[str | None]:
    names: list[str | None] = [*installed_engines(bundle.model_file)]
    return [name for name in names if name != _LAST_RESORT] or names or [None]
