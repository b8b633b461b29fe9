"""The export pipeline, which is the same for every format: read, refuse, build, write the graph, verify, describe."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.bundle_writer import file_hashes, new_bundle, refuse_overwrite, write_manifest
from albert_converters.tokenizer.files import write_tokenizer
from albert_export.checkpoints import Checkpoint, ReadOptions
from albert_export.checkpoints.checkpoint import choose_head, choose_task
from albert_export.checkpoints.request_settings import request_settings
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.export.candidates import CandidateBuilder
from albert_export.export.context import ExportContext, ExportOptions
from albert_export.export.hub_layout import GRAPH_FILES, hub_config, refuse_other_files, write_sentence_transformers
from albert_export.export.model_card import model_card
from albert_export.export.preview import ExportPreview, preview_of
from albert_export.export.selection import CandidateSelector, Selection
from albert_export.export.text_graph import add_text_graph, refuse_text_graph
from albert_export.hub import load_checkpoint
from albert_export.hub.repository_id import source_of
from albert_export.quantization.accuracy_options import AccuracyOptions
from albert_export.quantization.unknown_text import check_unknown_text
from albert_export.reference.registry import build_reference
from albert_export.samples.requests import sample_requests
from albert_export.samples.sample_texts import texts_for
from albert_export.samples.token_ids import id_requests
from albert_export.utils.resident_memory import give_back_pages
from albert_export.utils.schedule import Schedule
from albert_export.utils.terminal import Progress
from albert_export.utils.truncation_warnings import suppressed_truncation_warnings
from albert_export.verification.comparable_outputs import aligned_outputs
from albert_export.verification.parity_report import ParityReport, self_test_tolerance
from albert_runtime import AlbertSession
from albert_runtime.errors import AccuracyError, ParityError, UsageError, listed
from albert_runtime.manifest import VARIANT_FIELDS, Manifest
from albert_runtime.postprocessing.pooling import EmbeddingOptions
from albert_runtime.self_test import make_self_test, request_arrays
from albert_runtime.tasks import Task

#: number of self-test vectors in a bundle
_SELF_TESTS = 3


@dataclass(frozen=True)
class Exported:
    """The result of an export."""

    folder: Path
    manifest: Manifest
    #: the parity of each graph, in the order of `Manifest.precisions`
    reports: tuple[ParityReport, ...]

    @property
    def report(self) -> ParityReport:
        """The parity of the graph that is opened by default."""
        return self.reports[0]

    def of_each_precision(self) -> list[Exported]:
        """The same result for each graph alone."""
        each = zip(self.manifest.precisions, self.reports, strict=True)
        return [Exported(self.folder, self.manifest.for_precision(name), (report,)) for name, report in each]

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types; with several graphs, the others are in the field "variants"."""
        manifest = self.manifest
        variants = [one.to_dict() for one in self.of_each_precision()[1:]] if manifest.variants else []
        return {
            **({"variants": variants} if variants else {}),
            "bundle": str(self.folder),
            "task": manifest.task,
            "precision": manifest.precision,
            "target": manifest.target,
            "opset": manifest.opset,
            "sequence_length": manifest.sequence_length,
            "model_bytes": (self.folder / manifest.model_file).stat().st_size,
            "quantized": manifest.quantized,
            "recipe_search": manifest.recipe_search,
            **({"text_graph": manifest.text_graph} if manifest.text_graph else {}),
            "parity": self.report.summary(),
        }


def export_bundle(
    model: str | Path,
    output: Path,
    options_for: Callable[[Checkpoint, Task], Sequence[ExportOptions]],
    *,
    task: Task | None,
    head: str | None = None,
    accuracy: AccuracyOptions,
    null_threshold: float | None,
    allow_random_head: bool,
    reading: ReadOptions | None,
    no_tokenizer: bool,
    with_tokenizer: bool = False,
    force: bool,
    progress: Progress,
    layout: str = "bundle",
    pooling: str | None = None,
    preview: Callable[[ExportPreview], None] | None = None,
) -> Exported:
    """Makes a bundle from a checkpoint.

    Args:
        model: the folder of the checkpoint, or its id on the hub.
        output: the folder of the bundle. It appears complete, or not at all.
        options_for: gives the options of each graph for a checkpoint and a task, or refuses them. It is called before
            the reference model is built, so that a wrong request fails fast. Only the layout "hub" has several graphs;
            they are in the same framework, and the first is the one that is opened by default.
        task: the task to export; None takes the checkpoint's own.
        head: the task's head, see `choose_head`; None takes the one that the checkpoint has.
        accuracy: the accuracy budget of a quantized graph, and the data that its answers are measured on.
        null_threshold: see `Manifest.null_threshold`; None takes what the checkpoint's configuration says.
        allow_random_head: gives random weights to a head that the checkpoint lacks.
        reading: new names for weights of the checkpoint, and which to leave out.
        no_tokenizer: leaves the tokenizer out: the bundle takes token ids.
        with_tokenizer: adds a second graph, which takes texts.
        force: replaces an older bundle at `output`.
        progress: called with a line about each step.
        layout: one of `LAYOUTS`.
        pooling: how an embedding is made of the tokens' vectors; None takes what the checkpoint says, and if it says
            nothing the model's pooler, or in the layout "hub" their mean, since sentence-transformers has no pooler.
        preview: called with what will be made, before the model is built; what it raises ends the export.
    """
    progress = Schedule(progress)
    refuse_overwrite(output, force=force)
    if layout == "hub":
        refuse_other_files(output)
    progress(f"reading {model}")
    checkpoint = load_checkpoint(model, reading, progress=progress)
    if no_tokenizer:
        accuracy.refuse_without_tokenizer()
    tokenizer = None if no_tokenizer else load_tokenizer(checkpoint)
    chosen = choose_head(choose_task(checkpoint, task), head)
    if chosen.more_inputs:
        _refuse_more_inputs(chosen, layout, no_tokenizer=no_tokenizer)
    settings = request_settings(
        checkpoint,
        tokenizer,
        chosen,
        null_threshold,
        pooling=pooling,
        default_pooling="mean" if layout == "hub" else "pooler",
    )
    for name in settings["missing_outputs"]:
        progress(f"there is no {name}, because the checkpoint has no weights for it")
    if with_tokenizer and tokenizer is not None:
        refuse_text_graph(tokenizer, chosen, settings["head"])
    graphs = options_for(checkpoint, chosen)
    # of several precisions, those that round have a use for what fp32 has none for
    rounding = next((options for options in graphs if options.precision != "fp32"), graphs[0])
    accuracy.refuse_unused(rounding.precision)
    dataset = accuracy.dataset(checkpoint, chosen)
    if tokenizer is not None:
        samples = texts_for(tokenizer)
        if not samples.is_english:
            progress(f"the vocabulary chooses {samples.description}")
        check_unknown_text(tokenizer, samples, accuracy.texts, dataset, precision=rounding.precision)
    if preview is not None:
        previews = [
            preview_of(
                output,
                checkpoint,
                chosen,
                tokenizer,
                options,
                max_length=settings["max_length"],
                allow_random_head=allow_random_head,
                model_file=GRAPH_FILES[options.precision] if layout == "hub" else None,
            )
            for options in graphs
        ]
        files = previews[0].files
        if with_tokenizer:
            from albert_converters.onnx.text_graph.graph import TEXT_GRAPH_FILE

            files = tuple(sorted((*files, TEXT_GRAPH_FILE)))
        preview(dataclasses.replace(previews[0], files=files, variants=tuple(previews[1:])))
    if graphs[0].framework == "tf":
        give_back_pages(checkpoint.weights.values())  # they were only checked so far
    context = ExportContext(
        checkpoint=checkpoint,
        task=chosen,
        reference=build_reference(
            checkpoint, chosen.name, allow_random_head=allow_random_head, framework=graphs[0].framework
        ),
        tokenizer=tokenizer,
        framework=graphs[0].framework,
        calibration_texts=accuracy.texts or ([] if tokenizer is None else samples.calibration),
        allow_random_head=allow_random_head,
        progress=progress,
        request_settings=settings,
    )
    with new_bundle(output, force=force) as folder:
        _write_shared_files(context, folder, layout)
        selector = CandidateSelector(context, accuracy, dataset)
        manifests: list[Manifest] = []
        selections: list[Selection] = []
        for options in graphs:
            progress.part = f"for {options.precision}" if with_tokenizer or options is not graphs[-1] else ""
            builder = CandidateBuilder(context, options.exporter_for(context), folder)
            with _naming_the_others(options, graphs):
                selections.append(selector.select(builder))
            progress.clear()
            manifests.append(_described(selections[-1], context, layout))
        if with_tokenizer:
            text_graph = add_text_graph(selections[0].candidate.session, folder, context.samples, progress)
            manifests[0] = dataclasses.replace(manifests[0], text_graph=text_graph)
        progress("writing the manifest")
        manifest = _write_manifest(manifests, context, folder)
        return Exported(output, manifest, tuple(selection.parity for selection in selections))


def _refuse_more_inputs(task: Task, layout: str, *, no_tokenizer: bool) -> None:
    """Refuse what can't give a graph more inputs than those of every ALBERT.

    Raises:
        UsageError: the message names all of it.
    """
    more = ", ".join(task.more_inputs)
    problems = []
    if layout != "bundle":
        problems.append(f"--layout {layout} is for tools that do not give {more}")
    if no_tokenizer:
        problems.append(f"--no-tokenizer leaves out what {more} follows from")
    if problems:
        raise UsageError(listed(f"--head {task.head} can't be exported so:", problems))


def _write_shared_files(context: ExportContext, folder: Path, layout: str) -> None:
    """Writes what all graphs of the bundle share: the configuration, the tokenizer, and what the layout needs."""
    checkpoint, chosen = context.checkpoint, context.task
    config = dict(checkpoint.config.to_dict(), architectures=[chosen.architecture])
    if layout == "hub":
        config = hub_config(config, chosen.name)
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if context.tokenizer is not None:
        write_tokenizer(context.tokenizer, folder)
    if layout == "hub" and chosen.name == "feature-extraction":
        settings = context.request_settings
        embedding = EmbeddingOptions.from_manifest(settings["embedding"])
        length, hidden = settings["max_length"], checkpoint.config.hidden_size
        if not write_sentence_transformers(folder, embedding, max_length=length, hidden=hidden):
            context.progress(f"no files for sentence-transformers: it can't pool by the model's {embedding.pooling}")


@contextlib.contextmanager
def _naming_the_others(options: ExportOptions, graphs: Sequence[ExportOptions]) -> Iterator[None]:
    """Adds to the refusal of one of several graphs how to get the others."""
    try:
        yield
    except (AccuracyError, ParityError) as error:
        others = [f"--precision {one.precision}" for one in graphs if one is not options]
        if not others:
            raise
        raise type(error)(f"{error}\nTo export the others without {options.precision}: {' '.join(others)}") from error


def _described(selection: Selection, context: ExportContext, layout: str) -> Manifest:
    """The manifest of the selected candidate, whose graph is put where the layout has it."""
    folder, session = selection.candidate.folder, selection.candidate.session
    with suppressed_truncation_warnings():
        tests = tuple(_self_test(session, request) for request in _short_requests(session, context))
    files, model_file = dict(session.manifest.files), session.manifest.model_file
    if layout == "hub":
        # The session goes on to read the file, which only has another name now.
        model_file = GRAPH_FILES[session.manifest.precision]
        (folder / model_file).parent.mkdir(exist_ok=True)
        selection.candidate.model_file.rename(folder / model_file)
        files[model_file] = files.pop(session.manifest.model_file)
    return dataclasses.replace(
        session.manifest,
        model_file=model_file,
        files=files,
        parity=selection.parity.summary(),
        recipe_search={} if selection.search is None else selection.search.to_dict(),
        self_test=tests,
    )


def _write_manifest(manifests: Sequence[Manifest], context: ExportContext, folder: Path) -> Manifest:
    """Writes the model card and the manifest of all graphs; returns the manifest."""
    source = source_of(context.checkpoint.folder)
    manifest = dataclasses.replace(
        manifests[0],
        variants={one.precision: {name: getattr(one, name) for name in VARIANT_FIELDS} for one in manifests[1:]},
        source=source.to_dict() if source else {},
        files=manifests[-1].files,  # those of the last candidate, which has seen the graphs before it
    )
    card = model_card(manifest, context.checkpoint, folder, context.samples)
    (folder / "README.md").write_text(card, encoding="utf-8")
    manifest = dataclasses.replace(manifest, files=file_hashes(folder))
    write_manifest(folder, manifest)
    return manifest


def _short_requests(session: AlbertSession, context: ExportContext) -> list[dict[str, Any]]:
    """The requests of the self-tests. The shortest are taken, because they run whenever the bundle is loaded."""
    if session.manifest.has_tokenizer:
        requests = sample_requests(context.task, short=True, samples=context.samples)
    else:
        requests = id_requests(session.bundle.config, context.task, longest=session.max_length, short=True)
    return sorted(requests, key=lambda request: request_arrays(session, request)["input_ids"].size)[:_SELF_TESTS]


def _self_test(session: AlbertSession, request: dict[str, Any]) -> dict[str, Any]:
    outputs = session.run(request_arrays(session, request))
    compared, _ = aligned_outputs(session.bundle.task, outputs, outputs)
    largest = max(float(abs(output).max(initial=0.0)) for output in compared.values())
    return make_self_test(session, request, self_test_tolerance(session.manifest.precision, largest))
