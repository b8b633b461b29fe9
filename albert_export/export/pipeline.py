"""What every export does, whatever its format: read, refuse, build, write the graph, verify, describe."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.bundle_writer import file_hashes, new_bundle, refuse_overwrite, write_manifest
from albert_converters.tokenizer.files import write_tokenizer
from albert_export.checkpoints import Checkpoint, read_checkpoint
from albert_export.checkpoints.checkpoint import default_task
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.export.candidates import Draft, Drafts
from albert_export.export.context import Job, Writer
from albert_export.export.model_card import model_card
from albert_export.quantization.accuracy_options import Fidelity
from albert_export.quantization.recipe_search import Climb
from albert_export.reference.registry import build_reference
from albert_export.samples.requests import sample_requests
from albert_export.utils.terminal import Progress
from albert_export.verification.parity_report import ParityReport, self_test_tolerance
from albert_export.verification.verify import suppressed_truncation_warnings
from albert_runtime import AlbertSession
from albert_runtime.manifest import Manifest
from albert_runtime.self_test import make_self_test
from albert_runtime.tasks import Task

#: vectors that a bundle carries for its self-test
_SELF_TESTS = 3


@dataclass(frozen=True)
class Exported:
    """What an export made."""

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
            "fidelity": manifest.fidelity,
            "parity": self.report.summary(),
        }


def export_bundle(
    model: str | Path,
    output: Path,
    writer_for: Callable[[Checkpoint, Task], Writer],
    *,
    task: Task | None,
    framework: str,
    fidelity: Fidelity,
    allow_random_head: bool,
    force: bool,
    progress: Progress,
) -> Exported:
    """Makes the bundle whose graph is written by what `writer_for` gives for the checkpoint and the task.

    `writer_for` refuses what can't be, before anything heavy is loaded; `fidelity` says what a graph must keep.
    `framework`, "torch" or "tf", computes the reference that the graph is made from and compared with.
    """
    refuse_overwrite(output, force=force)
    progress(f"reading {model}")
    checkpoint = read_checkpoint(model)
    tokenizer = load_tokenizer(checkpoint)
    chosen = task or default_task(checkpoint)
    writer = writer_for(checkpoint, chosen)
    fidelity.refuse_unused(writer.precision)
    dataset = fidelity.dataset(checkpoint, chosen)
    reference = build_reference(checkpoint, chosen.name, allow_random_head=allow_random_head, framework=framework)
    job = Job(checkpoint, chosen, reference, tokenizer, framework, allow_random_head, progress)

    with new_bundle(output, force=force) as folder:
        config = dict(checkpoint.config.to_dict(), architectures=[chosen.architecture])
        (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        write_tokenizer(tokenizer, folder)
        draft, record = Drafts(job, writer, folder, fidelity, dataset).best()
        progress("writing the manifest")
        return Exported(output, _describe(draft, record, job), draft.report)


def _describe(draft: Draft, record: Climb | None, job: Job) -> Manifest:
    """Writes the model card and the manifest that say how it went."""
    folder, session = draft.folder, draft.session
    with suppressed_truncation_warnings():
        tests = tuple(_self_test(session, request) for request in _short_requests(session, job.task))
    manifest = dataclasses.replace(
        session.manifest,
        files=file_hashes(folder),
        parity=draft.report.summary(),
        fidelity={} if record is None else record.to_dict(),
        self_test=tests,
    )
    (folder / "README.md").write_text(model_card(manifest, job.checkpoint, folder), encoding="utf-8")
    manifest = dataclasses.replace(manifest, files=file_hashes(folder))
    write_manifest(folder, manifest)
    return manifest


def _short_requests(session: AlbertSession, task: Task) -> list[dict[str, Any]]:
    """Requests for the self-tests: the shortest, since they are answered at every load."""
    requests = sample_requests(task, short=True)
    return sorted(requests, key=lambda request: session.arrays(**request)["input_ids"].size)[:_SELF_TESTS]


def _self_test(session: AlbertSession, request: dict[str, Any]) -> dict[str, Any]:
    outputs = session.run(session.arrays(**request))
    largest = max(float(abs(output).max()) for output in outputs.values())
    return make_self_test(session, request, self_test_tolerance(session.manifest.precision, largest))
