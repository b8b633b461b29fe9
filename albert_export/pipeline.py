"""What every export does, whatever its format: read, refuse, build, write the graph, verify, describe."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from albert_converters.bundle_writer import file_hashes, new_bundle, refuse_overwrite, write_manifest
from albert_converters.tokenizer_assets import write_tokenizer
from albert_export.checkpoints import Checkpoint, read_checkpoint
from albert_export.model_card import model_card
from albert_export.native_talk import without_native_talk
from albert_export.obstacles import refuse_obstacles
from albert_export.parity import ParityReport, self_test_tolerance
from albert_export.reference.build import build_reference, reference_engine
from albert_export.reference.masking import MASK_POLICY
from albert_export.samples import sample_requests
from albert_export.verify import Original, compare, without_talk_of_truncation
from albert_runtime import AlbertSession, AlbertTokenizer, load
from albert_runtime._version import __version__
from albert_runtime.errors import UsageError
from albert_runtime.manifest import LABELLED_TASKS, Manifest
from albert_runtime.self_test import make_self_test
from albert_runtime.tasks import TASKS, Task

#: vectors that a bundle carries for its self-test
_SELF_TESTS = 3

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """What a graph is made from."""

    checkpoint: Checkpoint
    task: Task
    #: the reference model in float32; not to be changed, since the graph is compared with it
    reference: Any
    tokenizer: AlbertTokenizer
    progress: Progress

    @property
    def vocabulary(self) -> Path:
        """The SentencePiece model."""
        assert self.checkpoint.vocab_file is not None  # `refuse_obstacles` has seen to it
        return self.checkpoint.vocab_file

    @property
    def labels(self) -> list[str]:
        """What each label output stands for; empty for tasks without labels."""
        config = self.checkpoint.config
        labelled = self.task.name in LABELLED_TASKS
        return [config.id2label[index] for index in range(config.num_labels)] if labelled else []


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What was written into the bundle's folder; the fields go into its manifest."""

    model_file: str
    precision: str
    #: distributions that took part
    tools: tuple[str, ...]
    opset: int | None = None
    sequence_length: int | None = None
    target: str = ""
    quantized: dict[str, Any] = field(default_factory=dict)


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
            "parity": self.report.summary(),
        }


def export_bundle(
    model: str | Path,
    output: Path,
    writer_for: Callable[[Checkpoint, Task], Callable[[Job, Path], Graph]],
    *,
    task: Task | None,
    framework: str,
    allow_random_head: bool,
    force: bool,
    progress: Progress,
) -> Exported:
    """Makes the bundle whose graph is written by what `writer_for` gives for the checkpoint and the task.

    `writer_for` refuses what can't be, before anything heavy is loaded; the writer gets the job and a folder.
    `framework`, "torch" or "tf", computes the reference that the graph is made from and compared with.
    """
    refuse_overwrite(output, force=force)
    progress(f"reading {model}")
    checkpoint = read_checkpoint(model)
    tokenizer = refuse_obstacles(checkpoint)
    chosen = task or default_task(checkpoint)
    write_graph = writer_for(checkpoint, chosen)
    reference = build_reference(checkpoint, chosen.name, allow_random_head=allow_random_head, framework=framework)
    job = Job(checkpoint, chosen, reference, tokenizer, progress)

    with new_bundle(output, force=force) as folder:
        graph = write_graph(job, folder)
        config = dict(checkpoint.config.to_dict(), architectures=[chosen.architecture])
        (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        write_tokenizer(tokenizer, folder)
        manifest, report = _verify_and_describe(folder, job, graph, framework)
    return Exported(output, manifest, report)


def default_task(checkpoint: Checkpoint) -> Task:
    """The task of the class that the checkpoint was saved with, or of its only head (a pooler is not yet one).

    Raises:
        UsageError: there are several, and none is named; the message lists them.
    """
    for task in TASKS.values():
        if task.architecture in (checkpoint.config.architectures or ()) and task.name in checkpoint.tasks:
            return task
    heads = [name for name in checkpoint.tasks if name != "feature-extraction"] or list(checkpoint.tasks)
    if len(heads) == 1:
        return TASKS[heads[0]]
    raise UsageError(
        f"{checkpoint.folder} has heads for {', '.join(checkpoint.tasks) or 'no task'}; "
        "say which one to export, for example --task fill-mask"
    )


def _verify_and_describe(folder: Path, job: Job, graph: Graph, framework: str) -> tuple[Manifest, ParityReport]:
    """Verifies the files in `folder`, then writes the model card and the manifest that say how it went."""
    tools = (*graph.tools, "numpy", "sentencepiece")
    draft: dict[str, Any] = {
        **{one.name: getattr(graph, one.name) for one in dataclasses.fields(graph) if one.name != "tools"},
        "task": job.task.name,
        "max_length": job.checkpoint.config.max_position_embeddings,
        "labels": tuple(job.labels),
        "mask_policy": MASK_POLICY,
        "versions": {"albert-export": __version__, **{tool: importlib.metadata.version(tool) for tool in tools}},
    }
    write_manifest(folder, Manifest(**draft, files=file_hashes(folder)))
    with without_native_talk():
        session = load(folder, verify=False)
    original = Original.of_checkpoint(job.checkpoint, session, reference_engine(job.reference, job.task, framework))
    report = compare(session, original, progress=job.progress)
    report.artefact = f"the {graph.precision} graph {graph.model_file}"
    report.raise_if_failed()

    job.progress("writing the manifest")
    with without_talk_of_truncation():
        tests = tuple(_self_test(session, request) for request in _short_requests(session, job.task))
    manifest = Manifest(**draft, files=file_hashes(folder), parity=report.summary(), self_test=tests)
    (folder / "README.md").write_text(model_card(manifest, job.checkpoint, folder), encoding="utf-8")
    manifest = dataclasses.replace(manifest, files=file_hashes(folder))
    write_manifest(folder, manifest)
    return manifest, report


def _short_requests(session: AlbertSession, task: Task) -> list[dict[str, Any]]:
    """Requests for the self-tests: the shortest, since they are answered at every load."""
    requests = sample_requests(task, short=True)
    return sorted(requests, key=lambda request: session.arrays(**request)["input_ids"].size)[:_SELF_TESTS]


def _self_test(session: AlbertSession, request: dict[str, Any]) -> dict[str, Any]:
    outputs = session.run(session.arrays(**request))
    largest = max(float(abs(output).max()) for output in outputs.values())
    return make_self_test(session, request, self_test_tolerance(session.manifest.precision, largest))
