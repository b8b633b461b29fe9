"""CandidateBuilder: builds one graph after another in a bundle's folder, each ready to run."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.bundle_writer import file_hashes, write_manifest
from albert_export.export.context import ExportContext, ExportedGraph, Exporter
from albert_export.quantization.recipes import Recipe, recipes_for
from albert_export.reference import MASK_POLICY
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_runtime import AlbertSession, load
from albert_runtime._version import __version__
from albert_runtime.manifest import Manifest


@dataclass(frozen=True)
class Candidate:
    """A graph in the bundle's folder, and the session that runs it."""

    recipe: Recipe
    graph: ExportedGraph
    folder: Path
    session: AlbertSession

    @property
    def model_file(self) -> Path:
        """The file of the graph."""
        return self.folder / self.graph.model_file

    @property
    def description(self) -> str:
        """What messages call the candidate."""
        return f"the {self.graph.precision} graph {self.graph.model_file}"


class CandidateBuilder:
    """Builds the candidates of one export.

    Args:
        context: the model that is exported.
        exporter: writes the graphs.
        folder: the folder of the future bundle. It already holds all files but the graph, the model card and the
            manifest.
    """

    def __init__(self, context: ExportContext, exporter: Exporter, folder: Path) -> None:
        self.context = context
        self.exporter = exporter
        self.folder = folder
        self.recipes = recipes_for(exporter.model_format, exporter.precision)

    def reason_to_skip(self, recipe: Recipe) -> str:
        """Why `recipe` would make the same graph as another recipe; empty if it makes a new one."""
        return self.exporter.reason_to_skip(recipe, self.recipes)

    def build(self, recipe: Recipe) -> Candidate:
        """Builds the graph that `recipe` makes. It replaces the graph of the candidate before it."""
        for file in self.folder.glob("model.*"):
            file.unlink()  # the file is not overwritten in place, because an older session may still read it
        graph = self.exporter.write(recipe, self.folder)
        write_manifest(self.folder, self._manifest(graph))
        with suppressed_native_stderr():
            session = load(self.folder, verify=False)
        return Candidate(recipe, graph, self.folder, session)

    def _manifest(self, graph: ExportedGraph) -> Manifest:
        tools = (*graph.tools, "numpy", "sentencepiece")
        fields: dict[str, Any] = {field.name: getattr(graph, field.name) for field in dataclasses.fields(graph)}
        del fields["tools"]
        return Manifest(
            **fields,
            **self.context.request_settings,
            task=self.context.task.name,
            labels=tuple(self.context.labels),
            has_tokenizer=self.context.tokenizer is not None,
            mask_policy=MASK_POLICY,
            versions={"albert-export": __version__, **{tool: importlib.metadata.version(tool) for tool in tools}},
            files=file_hashes(self.folder),
        )
