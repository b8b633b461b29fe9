"""From a checkpoint to a verified bundle: read, build, convert, write, verify."""

from __future__ import annotations

import copy
import dataclasses
import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.bundle_writer import file_hashes, new_bundle, refuse_overwrite, write_manifest
from albert_converters.tokenizer_assets import write_tokenizer
from albert_export.checkpoints import Checkpoint, read_checkpoint
from albert_export.model_card import model_card
from albert_export.obstacles import refuse_obstacles
from albert_export.parity import ParityReport, tolerance_for
from albert_export.reference.build import build_reference
from albert_export.reference.masking import MASK_POLICY
from albert_export.samples import sample_requests
from albert_export.verify import compare, without_talk_of_truncation
from albert_runtime import AlbertSession, load
from albert_runtime._version import __version__
from albert_runtime.errors import DependencyError, UsageError
from albert_runtime.manifest import LABELLED_TASKS, Manifest
from albert_runtime.self_test import make_self_test
from albert_runtime.tasks import TASKS, Task, find_task

ONNX_FILE = "model.onnx"
#: precisions of an ONNX bundle
ONNX_PRECISIONS = ("fp32", "fp16")
#: vectors that a bundle carries for its self-test
_SELF_TESTS = 3
#: Other processors and engine versions may differ from the machine of the export by more than the export from PyTorch.
_SELF_TEST_SLACK = 10
_TOOLS = ("torch", "onnx", "onnxruntime", "numpy", "sentencepiece")


@dataclass(frozen=True)
class Exported:
    """What an export made."""

    folder: Path
    manifest: Manifest
    report: ParityReport

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types."""
        model = self.folder / self.manifest.model_file
        return {
            "bundle": str(self.folder),
            "task": self.manifest.task,
            "precision": self.manifest.precision,
            "opset": self.manifest.opset,
            "model_bytes": model.stat().st_size,
            "parity": self.report.summary(),
        }


def export_onnx(
    model: str | Path,
    output: str | Path,
    *,
    task: str | None = None,
    precision: str = "fp32",
    opset: int | None = None,
    allow_random_head: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Exported:
    """Exports a checkpoint to an ONNX bundle and verifies it against the PyTorch reference.

    Args:
        model: a checkpoint folder, Hugging Face's or Google's.
        output: the folder to make. It appears whole, or not at all.
        task: name or alias; None takes the one head that the checkpoint was saved with.
        precision: "fp32", or "fp16" for weights and arithmetic in half precision; outputs are float32 in both.
        opset: version of the ai.onnx operators; None means `DEFAULT_OPSET`.
        allow_random_head: give a head that the checkpoint lacks random weights instead of refusing.
        force: replace an older bundle at `output`.
        progress: called with a line about each step.

    Raises:
        UsageError: a wrong argument, or `output` exists.
        CheckpointError: the checkpoint can't be read, or its parts don't fit each other; all problems at once.
        UnsupportedError: there is no such task, or the checkpoint has no head for it.
        DependencyError: torch, onnx or onnxruntime is missing.
        ConversionError, OperatorError: the model can't be written as ONNX, or not be stored.
        ParityError: the exported graph does not give the reference's answers; nothing is written.
    """
    output = Path(output)
    if precision not in ONNX_PRECISIONS:
        raise UsageError(f"precision {precision!r} is not one of {', '.join(ONNX_PRECISIONS)}")
    wanted = None if task is None else find_task(task)
    refuse_overwrite(output, force=force)

    progress(f"reading {model}")
    checkpoint = read_checkpoint(model)
    tokenizer = refuse_obstacles(checkpoint)
    chosen = wanted or default_task(checkpoint)
    reference = build_reference(checkpoint, chosen.name, allow_random_head=allow_random_head)

    with new_bundle(output, force=force) as folder:
        progress(f"converting {chosen.name} to ONNX, {precision}")
        opset = _write_graph(reference, chosen, checkpoint, folder / ONNX_FILE, precision, opset)
        config = dict(checkpoint.config.to_dict(), architectures=[chosen.architecture])
        (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        write_tokenizer(tokenizer, folder)
        manifest, report = _verify_and_describe(folder, checkpoint, reference, chosen, precision, opset, progress)
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


def _write_graph(
    reference: Any, task: Task, checkpoint: Checkpoint, file: Path, precision: str, opset: int | None
) -> int:
    """Writes the graph; returns its opset."""
    try:
        from albert_converters.torch_to_onnx import DEFAULT_OPSET, to_onnx
    except ImportError as error:
        raise DependencyError(f"this needs onnx ({error}); install it: pip install 'albert-export[onnx]'") from error
    opset = DEFAULT_OPSET if opset is None else opset
    metadata = {
        "task": task.name,
        "precision": precision,
        "labels": json.dumps(_labels(checkpoint, task)),
        "max_length": str(checkpoint.config.max_position_embeddings),
        "mask_policy": MASK_POLICY,
        "albert_export_version": __version__,
    }
    # a copy, since the reference must keep the weights that the result is compared with
    model = reference if precision == "fp32" else copy.deepcopy(reference).half()
    length = checkpoint.config.max_position_embeddings
    proto = to_onnx(model, task, max_length=length, opset=opset, metadata=metadata)
    file.write_bytes(proto.SerializeToString())
    return opset


def _verify_and_describe(
    folder: Path,
    checkpoint: Checkpoint,
    reference: Any,
    task: Task,
    precision: str,
    opset: int,
    progress: Callable[[str], None],
) -> tuple[Manifest, ParityReport]:
    """Verifies the files in `folder`, then writes the model card and the manifest that say how it went."""
    draft: dict[str, Any] = {
        "task": task.name,
        "model_file": ONNX_FILE,
        "max_length": checkpoint.config.max_position_embeddings,
        "labels": tuple(_labels(checkpoint, task)),
        "precision": precision,
        "mask_policy": MASK_POLICY,
        "opset": opset,
        "versions": {"albert-export": __version__, **{tool: importlib.metadata.version(tool) for tool in _TOOLS}},
    }
    write_manifest(folder, Manifest(**draft, files=file_hashes(folder)))
    session = load(folder, verify=False)
    report = compare(session, checkpoint, reference, progress=progress)
    report.artefact = f"the {precision} ONNX graph"
    report.raise_if_failed()

    progress("writing the manifest")
    with without_talk_of_truncation():
        tests = tuple(_self_test(session, request, precision) for request in _short_requests(session, task))
    manifest = Manifest(**draft, files=file_hashes(folder), parity=report.summary(), self_test=tests)
    (folder / "README.md").write_text(model_card(manifest, checkpoint, folder), encoding="utf-8")
    manifest = dataclasses.replace(manifest, files=file_hashes(folder))
    write_manifest(folder, manifest)
    return manifest, report


def _labels(checkpoint: Checkpoint, task: Task) -> list[str]:
    config = checkpoint.config
    return [config.id2label[index] for index in range(config.num_labels)] if task.name in LABELLED_TASKS else []


def _short_requests(session: AlbertSession, task: Task) -> list[dict[str, Any]]:
    """Requests for the self-tests: the shortest, since they are answered at every load."""
    requests = sample_requests(task, short=True)
    return sorted(requests, key=lambda request: session.arrays(**request)["input_ids"].size)[:_SELF_TESTS]


def _self_test(session: AlbertSession, request: dict[str, Any], precision: str) -> dict[str, Any]:
    outputs = session.run(session.arrays(**request))
    largest = max(float(abs(output).max()) for output in outputs.values())
    return make_self_test(session, request, _SELF_TEST_SLACK * tolerance_for(precision, largest))
