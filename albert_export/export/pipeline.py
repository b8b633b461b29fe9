"""The export pipeline, which is the same for every format: read, refuse, build, write the graph, verify, describe."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.bundle_writer import file_hashes, new_bundle, refuse_overwrite, write_manifest
from albert_converters.tokenizer.files import write_tokenizer
from albert_export.checkpoints import Checkpoint, ReadOptions
from albert_export.checkpoints.checkpoint import choose_task
from albert_export.checkpoints.request_settings import request_settings
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.export.candidates import CandidateBuilder
from albert_export.export.context import ExportContext, ExportOptions
from albert_export.export.model_card import model_card
from albert_export.export.selection import CandidateSelector, Selection
from albert_export.hub import load_checkpoint
from albert_export.hub.repository_id import source_of
from albert_export.quantization.accuracy_options import AccuracyOptions
from albert_export.quantization.unknown_text import check_unknown_text
from albert_export.reference.registry import build_reference
from albert_export.samples.requests import sample_requests
from albert_export.samples.sample_texts import texts_for
from albert_export.samples.token_ids import id_requests
from albert_export.utils.terminal import Progress
from albert_export.utils.truncation_warnings import suppressed_truncation_warnings
from albert_export.verification.comparable_outputs import aligned_outputs
from albert_export.verification.parity_report import ParityReport, self_test_tolerance
from albert_runtime import AlbertSession
from albert_runtime.manifest import Manifest
from albert_runtime.self_test import make_self_test, request_arrays
from albert_runtime.tasks import Task

#: number of self-test vectors in a bundle
_SELF_TESTS = 3


@dataclass(frozen=True)
class Exported:
    """The result of an export."""

    folder: Path
    manifest: Manifest
    report: ParityReport

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types."""
        manifest = self.manifest
        return {
            "bundle": str(self.folder),
            "task": manifest.task,
            "precision": manifest.precision,
            "target": manifest.target,
            "opset": manifest.opset,
            "sequence_length": manifest.sequence_length,
            "model_bytes": (self.folder / manifest.model_file).stat().st_size,
            "quantized": manifest.quantized,
            "recipe_search": manifest.recipe_search,
            "parity": self.report.summary(),
        }


def export_bundle(
    model: str | Path,
    output: Path,
    options_for: Callable[[Checkpoint, Task], ExportOptions],
    *,
    task: Task | None,
    accuracy: AccuracyOptions,
    null_threshold: float | None,
    allow_random_head: bool,
    reading: ReadOptions | None,
    no_tokenizer: bool,
    force: bool,
    progress: Progress,
) -> Exported:
    """Makes a bundle from a checkpoint.

    Args:
        model: the folder of the checkpoint, or its id on the hub.
        output: the folder of the bundle. It appears complete, or not at all.
        options_for: gives the options for a checkpoint and a task, or refuses them. It is called before the reference
            model is built, so that a wrong request fails fast.
        task: the task to export; None takes the checkpoint's own.
        accuracy: the accuracy budget of a quantized graph, and the data that its answers are measured on.
        null_threshold: see `Manifest.null_threshold`; None takes what the checkpoint's configuration says.
        allow_random_head: gives random weights to a head that the checkpoint lacks.
        reading: new names for weights of the checkpoint, and which to leave out.
        no_tokenizer: leaves the tokenizer out: the bundle takes token ids.
        force: replaces an older bundle at `output`.
        progress: called with a line about each step.
    """
    refuse_overwrite(output, force=force)
    progress(f"reading {model}")
    checkpoint = load_checkpoint(model, reading, progress=progress)
    if no_tokenizer:
        accuracy.refuse_without_tokenizer()
    tokenizer = None if no_tokenizer else load_tokenizer(checkpoint)
    chosen = choose_task(checkpoint, task)
    settings = request_settings(checkpoint, tokenizer, chosen, null_threshold)
    for name in settings["missing_outputs"]:
        progress(f"there is no {name}, because the checkpoint has no weights for it")
    options = options_for(checkpoint, chosen)
    accuracy.refuse_unused(options.precision)
    dataset = accuracy.dataset(checkpoint, chosen)
    if tokenizer is not None:
        samples = texts_for(tokenizer)
        if not samples.is_english:
            progress(f"the vocabulary chooses {samples.description}")
        check_unknown_text(tokenizer, samples, accuracy.texts, dataset, precision=options.precision)
    context = ExportContext(
        checkpoint=checkpoint,
        task=chosen,
        reference=build_reference(
            checkpoint, chosen.name, allow_random_head=allow_random_head, framework=options.framework
        ),
        tokenizer=tokenizer,
        framework=options.framework,
        calibration_texts=accuracy.texts or ([] if tokenizer is None else samples.calibration),
        allow_random_head=allow_random_head,
        progress=progress,
        request_settings=settings,
    )
    with new_bundle(output, force=force) as folder:
        config = dict(checkpoint.config.to_dict(), architectures=[chosen.architecture])
        (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        if tokenizer is not None:
            write_tokenizer(tokenizer, folder)
        builder = CandidateBuilder(context, options.exporter_for(context), folder)
        selection = CandidateSelector(builder, accuracy, dataset).select()
        progress("writing the manifest")
        return Exported(output, _write_description(selection, context), selection.parity)


def _write_description(selection: Selection, context: ExportContext) -> Manifest:
    """Writes the model card and the final manifest of the selected candidate; returns the manifest."""
    folder, session = selection.candidate.folder, selection.candidate.session
    source = source_of(context.checkpoint.folder)
    with suppressed_truncation_warnings():
        tests = tuple(_self_test(session, request) for request in _short_requests(session, context))
    manifest = dataclasses.replace(
        session.manifest,
        files=file_hashes(folder),
        parity=selection.parity.summary(),
        source=source.to_dict() if source else {},
        recipe_search={} if selection.search is None else selection.search.to_dict(),
        self_test=tests,
    )
    card = model_card(manifest, context.checkpoint, folder, context.samples)
    (folder / "README.md").write_text(card, encoding="utf-8")
    manifest = dataclasses.replace(manifest, files=file_hashes(folder))  # again, since the model card is new
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
