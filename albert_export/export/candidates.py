"""Drafts: graphs of a job in a bundle's folder, one after the other, each held against the original."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albert_converters.bundle_writer import file_hashes, write_manifest
from albert_export.export.context import Graph, Job, Writer
from albert_export.quantization.accuracy import Gate, Measured
from albert_export.quantization.accuracy_options import Fidelity
from albert_export.quantization.recipe_search import Climb, climb
from albert_export.quantization.recipes import Recipe, most_kept, recipes_for
from albert_export.quantization.search_report import text_table
from albert_export.reference import MASK_POLICY
from albert_export.reference.registry import reference_engine
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_export.verification.parity_report import ParityReport
from albert_export.verification.verify import Reference, compare
from albert_runtime import AlbertSession, load
from albert_runtime._version import __version__
from albert_runtime.errors import AccuracyError
from albert_runtime.manifest import Manifest

if TYPE_CHECKING:
    from albert_export.evaluation import Dataset


@dataclass
class Draft:
    """A graph in the folder, and the session that runs it."""

    recipe: Recipe
    graph: Graph
    folder: Path
    session: AlbertSession
    report: ParityReport

    @property
    def model_file(self) -> Path:
        return self.folder / self.graph.model_file


class Drafts:
    """The workshop that a ladder is climbed in.

    Args:
        job: what the graphs are made from.
        writer: what makes them.
        folder: the bundle to be, with all files but the graph, the card and the manifest.
        fidelity: what a graph must keep.
        dataset: of `fidelity`, already read.
    """

    def __init__(self, job: Job, writer: Writer, folder: Path, fidelity: Fidelity, dataset: Dataset | None) -> None:
        self.job = job
        self.writer = writer
        self.folder = folder
        self.fidelity = fidelity
        self.dataset = dataset
        self.recipes = recipes_for(writer.model_format, writer.precision)
        self._gate: Gate | None = None
        self._original: Reference | None = None
        #: of the last draft, where it keeps its answers and is no working form all the same
        self._refused: ParityReport | None = None

    def best(self) -> tuple[Draft, Climb | None]:
        """The draft by the first recipe that keeps the answers, and the ladder that was climbed for it.

        A float32 graph is compared with its original to the last answer, so it needs no ladder; unless labelled data
        is given, and its score asked for.

        Raises:
            ParityError: a graph is no working form of the original.
            AccuracyError: no recipe keeps the answers; the message is the ladder's table.
        """
        if self.writer.precision == "fp32" and self.dataset is None:
            draft = self.make(self.recipes[0])
            draft.report = self._compared(draft, answers=True)
            draft.report.raise_if_failed()
            return draft, None
        record = Climb(self.fidelity.budget, self.fidelity.described())
        best = climb(self.recipes, most_kept(self.writer.precision), self, record, self.job.progress)
        if best is None:
            if self._refused is not None:
                self._refused.raise_if_failed()
            raise AccuracyError(self._refusal(record))
        return best, record

    # --- the workshop -------------------------------------------------------------------------------------------------

    def applies(self, recipe: Recipe) -> str:
        """Empty, or why the recipe gives nothing new."""
        return self.writer.applies(self.job, recipe, self.recipes)

    def make(self, recipe: Recipe) -> Draft:
        """The graph by `recipe`, in place of the one before."""
        for file in self.folder.glob("model.*"):
            file.unlink()  # not written over: the session of the draft before may still read it
        graph = self.writer.write(self.job, recipe, self.folder)
        write_manifest(self.folder, self._manifest(graph))
        with suppressed_native_stderr():
            session = load(self.folder, verify=False)
        name = f"the {graph.precision} graph {graph.model_file}"
        return Draft(recipe, graph, self.folder, session, ParityReport(name, "", graph.precision))

    def measure(self, draft: Draft) -> Measured:
        """What the graph keeps."""
        return self._gate_for(draft).measure(draft.session, draft.model_file)

    def error(self, draft: Draft) -> float:
        """How far the graph's outputs are off."""
        return self._gate_for(draft).logit_error(draft.session)

    def objections(self, draft: Draft, measured: Measured) -> list[str]:
        """Why the graph is not good enough; one that keeps its answers is compared as a working form as well."""
        objections = self._gate_for(draft).objections(measured)
        self._refused = None
        if not objections:
            draft.report = self._compared(draft, answers=draft.graph.precision in ("fp32", "fp16"))
            failed = [check for check in draft.report.checks if not check.passed]
            if failed:
                self._refused = draft.report
                objections.append(
                    f"{len(failed)} checks of parity differ, first: {failed[0].name} of {failed[0].subject}"
                )
        return objections

    def doubt(self, draft: Draft, measured: Measured) -> str:
        """Empty, or that the graph leans on near ties: many that fall the other way are a sign of outliers, too."""
        if draft.recipe.split or not self._gate_for(draft).leans_on_ties(measured):
            return ""
        splits = [recipe for recipe in self.recipes if recipe.split and recipe.block == draft.recipe.block]
        waiting = any(not self.applies(split) for split in splits)
        return "kept but for near ties; outlier channels can be split off" if waiting else ""

    def _compared(self, draft: Draft, *, answers: bool) -> ParityReport:
        report = compare(draft.session, self._original_for(draft), answers=answers, progress=self.job.progress)
        report.artefact = draft.report.artefact
        return report

    def _gate_for(self, draft: Draft) -> Gate:
        """The gate; the original has the settings of every draft, so the first one makes it."""
        if self._gate is None:
            self._gate = Gate(
                self._original_for(draft).session,
                self.fidelity.requests(self.job.task),
                budget=self.fidelity.budget,
                dataset=self.dataset,
                progress=self.job.progress,
            )
        return self._gate

    def _original_for(self, draft: Draft) -> Reference:
        if self._original is None:
            engine = reference_engine(self.job.reference, self.job.task, self.job.framework)
            self._original = Reference.of_checkpoint(self.job.checkpoint, draft.session, engine)
        return self._original

    def _manifest(self, graph: Graph) -> Manifest:
        tools = (*graph.tools, "numpy", "sentencepiece")
        fields: dict[str, Any] = {field.name: getattr(graph, field.name) for field in dataclasses.fields(graph)}
        del fields["tools"]
        return Manifest(
            **fields,
            task=self.job.task.name,
            max_length=self.job.checkpoint.config.max_position_embeddings,
            labels=tuple(self.job.labels),
            mask_policy=MASK_POLICY,
            versions={"albert-export": __version__, **{tool: importlib.metadata.version(tool) for tool in tools}},
            files=file_hashes(self.folder),
        )

    def _refusal(self, record: Climb) -> str:
        return (
            f"no way to make {self.writer.precision} of {self.job.checkpoint.folder} keeps its answers "
            f"({record.budget}), asked of {record.texts}:\n{text_table(record.to_dict())}\n"
            "Nothing was written. Allow more with --max-drop, choose a precision that loses less, or see what is "
            "sensitive with albert-export sensitivity."
        )
