"""Does a bundle still give the answers of the checkpoint it was made from, or of another bundle of it?

Compared in this order, since each step explains the next: token ids, names, shapes and values of the tensors over
lengths and batches, padded against unpadded, and the decoded answers.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.checkpoints import Checkpoint, read_checkpoint
from albert_export.evaluation.decisions import decide
from albert_export.reference.registry import build_reference, installed_framework, reference_engine
from albert_export.samples.requests import sample_requests
from albert_export.samples.texts import sentences
from albert_export.targets import TARGETS
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_export.utils.terminal import Progress
from albert_export.verification.agreement import agree, near_tie
from albert_export.verification.parity_report import TIE_MARGINS, ParityReport
from albert_runtime import AlbertSession, AlbertTokenizer, load
from albert_runtime.bundle import MANIFEST_FILE
from albert_runtime.engines import Engine
from albert_runtime.errors import UnsupportedError
from albert_runtime.postprocessing import softmax
from albert_runtime.tasks import CHOICES, INPUT_NAMES, SEQUENCE, Task

Arrays = dict[str, NDArray[np.int64]]
#: float16 weights and integers say nothing about smaller ones
_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Original:
    """What a bundle is compared with: a session of the same task, and the tokenizer that it should have."""

    name: str
    session: AlbertSession
    tokenizer: AlbertTokenizer

    @classmethod
    def of_checkpoint(cls, checkpoint: Checkpoint, like: AlbertSession, engine: Engine) -> Original:
        """The reference of a checkpoint, computed by `engine`, behind a session with the settings of `like`."""
        tokenizer = AlbertTokenizer.from_folder(checkpoint.folder, vocab_file=checkpoint.vocab_file)
        return cls(checkpoint.folder.name, type(like)(like.bundle, verify=False, engine=engine), tokenizer)

    @classmethod
    def of_bundle(cls, session: AlbertSession) -> Original:
        """Another bundle."""
        return cls(session.bundle.folder.name, session, session.tokenizer)


def verify_bundle(
    bundle: str | Path,
    model: str | Path,
    *,
    threads: int | None = None,
    engine: str | None = None,
    progress: Progress = lambda step: None,
) -> ParityReport:
    """Compares the bundle with `model`; the report says whether all holds.

    Args:
        bundle: the folder of a bundle.
        model: the checkpoint folder that it was made from, or another bundle made from that, of any format.
        threads: for the engine; None means the cores that this process may use.
        engine: name of the engine that runs the bundle; None means the first that is installed.
        progress: called with a line about each step.

    Raises:
        BundleError, CheckpointError, UnsupportedError: one of the two can't be opened, or has another task.
        DependencyError: an engine, or the framework that computes the checkpoint's reference, is missing.
    """
    progress("opening the bundle and what to compare it with")
    with suppressed_native_stderr():
        session = load(bundle, threads=threads, engine=engine)
    if (Path(model) / MANIFEST_FILE).is_file():
        other = load(model, threads=threads)
        if other.task != session.task:
            raise UnsupportedError(f"{bundle} is for {session.task} and {model} for {other.task}: nothing to compare")
        return compare(session, Original.of_bundle(other), progress=progress)
    checkpoint = read_checkpoint(model)
    framework = installed_framework("tf" if session.bundle.model_file.suffix == ".tflite" else "torch")
    reference = build_reference(checkpoint, session.task, framework=framework)
    computed = reference_engine(reference, session.bundle.task, framework)
    return compare(session, Original.of_checkpoint(checkpoint, session, computed), progress=progress)


def compare(
    session: AlbertSession, original: Original, *, answers: bool = True, progress: Progress = lambda step: None
) -> ParityReport:
    """Compares an open session with an original of the same task; `answers` says whether the decoded ones too."""
    task = session.bundle.task
    report = ParityReport(session.bundle.folder.name, original.name, session.manifest.precision)

    progress("comparing token ids")
    same = _compare_tokens(report, session.tokenizer, original.tokenizer)
    same = _compare_names(report, session, task) and same
    if not same:
        return report  # whatever follows could only repeat it
    longest = min(session.max_length, original.session.max_length)
    for label, arrays in _cases(session.tokenizer, task, longest):
        progress(f"comparing values: {label}")
        _compare_values(report, label, *comparable_outputs(session, original.session, arrays))
    progress("comparing padded with unpadded")
    _compare_padding(report, session, task)
    if not answers:
        return report
    progress("comparing answers")
    with suppressed_truncation_warnings():
        _compare_answers(report, session, original.session)
    return report


def comparable_outputs(
    session: AlbertSession, original: AlbertSession, arrays: Arrays
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outputs of both for `arrays`; in logarithms where a graph ends in softmax, which forgets a constant."""
    got, expected = _run(session, arrays), _run(original, arrays)
    if _gives_probabilities(session) or _gives_probabilities(original):
        return _log_softmax(got), _log_softmax(expected)
    return got, expected


def _gives_probabilities(session: AlbertSession) -> bool:
    target = TARGETS.get(session.manifest.target)
    return target is not None and session.task in target.probabilities


def _log_softmax(outputs: dict[str, Any]) -> dict[str, Any]:
    return {name: np.log(softmax(array).clip(_LEAST_PROBABILITY)) for name, array in outputs.items()}


def _run(session: AlbertSession, arrays: Arrays) -> dict[str, Any]:
    """The outputs for `arrays`; for a graph of a static length they are padded, and the padding's outputs dropped."""
    static, length = session.manifest.sequence_length, arrays["input_ids"].shape[-1]
    if static is None:
        return session.run(arrays)
    blank = {"input_ids": session.tokenizer.pad_token_id}
    beyond = [(0, 0)] * (arrays["input_ids"].ndim - 1) + [(0, static - length)]
    outputs = session.run(
        {name: np.pad(array, beyond, constant_values=blank.get(name, 0)) for name, array in arrays.items()}
    )
    axes = session.bundle.task.outputs
    return {name: array[:, :length] if SEQUENCE in axes[name] else array for name, array in outputs.items()}


@contextlib.contextmanager
def suppressed_truncation_warnings() -> Iterator[None]:
    """The samples are not the user's texts: that a short model cuts them off is nothing to tell."""
    logger = logging.getLogger("albert_runtime")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _compare_tokens(report: ParityReport, tokenizer: AlbertTokenizer, original: AlbertTokenizer) -> bool:
    lines = sentences()
    wrong = [line for line in lines if tokenizer.encode(line) != original.encode(line)]
    detail = f"{len(lines)} sentences" if not wrong else f"{len(wrong)} of {len(lines)} sentences; first: {wrong[0]!r}"
    return report.add_equal("tokens", "token ids", not wrong, detail)


def _compare_names(report: ParityReport, session: AlbertSession, task: Task) -> bool:
    inputs, outputs = set(session.engine.input_names), set(session.engine.output_names)
    same = inputs == set(INPUT_NAMES) and outputs == set(task.outputs)
    detail = "" if same else f"the graph has {', '.join(sorted(inputs))} -> {', '.join(sorted(outputs))}"
    return report.add_equal("names", "inputs and outputs", same, detail)


def _cases(tokenizer: AlbertTokenizer, task: Task, longest: int) -> Iterator[tuple[str, Arrays]]:
    """Inputs from real text: lengths from 1 to the longest, ragged batches, 2 to 7 choices."""
    ids = np.array([i for line in sentences() for i in tokenizer.encode(line, add_special_tokens=False)], np.int64)
    lengths = sorted({length for length in (1, 2, 3, 5, 8, 17, 33, 64, 129, 256, longest) if length <= longest})
    if CHOICES in task.input_axes:
        for choices, length in zip((2, 3, 4, 5, 6, 7, 2), (*lengths[:6], lengths[-1]), strict=False):
            yield f"{choices} choices of {length} tokens", _batch(ids, [length] * choices, tokenizer, choices)
        ragged = [min(longest, length) for length in (21, 5, 9, 2, 16, 11)]
        yield "2 x 3 ragged choices", _batch(ids, ragged, tokenizer, 3)
        return
    for length in lengths:
        yield f"1 x {length} tokens", _batch(ids, [length], tokenizer)
    yield "ragged batch of 4", _batch(ids, [min(longest, length) for length in (40, 1, 17, 29)], tokenizer)


def _batch(ids: NDArray[np.int64], lengths: list[int], tokenizer: AlbertTokenizer, choices: int = 0) -> Arrays:
    """Rows of running text, [CLS] first and [SEP] last where there is room, the second half as second segment."""
    shape = (len(lengths), max(lengths))
    arrays = {name: np.zeros(shape, np.int64) for name in INPUT_NAMES}
    arrays["input_ids"][:] = tokenizer.pad_token_id
    for row, length in enumerate(lengths):
        tokens = np.resize(np.roll(ids, -31 * row), length)
        tokens[0], tokens[-1] = tokenizer.cls_token_id, tokenizer.sep_token_id
        arrays["input_ids"][row, :length] = tokens
        arrays["attention_mask"][row, :length] = 1
        arrays["token_type_ids"][row, length // 2 : length] = 1
    if choices:
        return {name: array.reshape(-1, choices, shape[1]) for name, array in arrays.items()}
    return arrays


def _compare_values(report: ParityReport, label: str, got: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, array in expected.items():
        if got[name].shape != array.shape:
            report.add_equal("shapes", f"{name}, {label}", False, f"{got[name].shape} instead of {array.shape}")
        else:
            report.add_values("values", f"{name}, {label}", got[name], array)


def _compare_padding(report: ParityReport, session: AlbertSession, task: Task) -> None:
    """Each sequence alone must give what it gives beside longer ones."""
    encodings = [session.tokenizer(line, truncation=True, max_length=session.max_length) for line in sentences()[:3]]
    rows = [encoding.encodings[0] for encoding in encodings]
    longest = max(len(row.ids) for row in rows)
    choices = CHOICES in task.input_axes

    def arrays(chosen: list[Any], length: int) -> Arrays:
        batch: Arrays = {}
        for name, field in zip(INPUT_NAMES, ("ids", "attention_mask", "type_ids"), strict=True):
            fill = session.tokenizer.pad_token_id if name == "input_ids" else 0
            table = [[*getattr(row, field), *[fill] * (length - len(row.ids))] for row in chosen]
            batch[name] = np.array(table, np.int64).reshape((-1, 1, length) if choices else (-1, length))
        return batch

    together = _run(session, arrays(rows, longest))
    for index, row in enumerate(rows):
        alone = _run(session, arrays([row], len(row.ids)))
        for name, array in alone.items():
            padded = together[name][index : index + 1]
            if SEQUENCE in task.outputs[name]:
                padded = padded[:, : len(row.ids)]
            report.add_values("padding", f"{name}, {len(row.ids)} tokens padded to {longest}", padded, array)


def _compare_answers(report: ParityReport, session: AlbertSession, original: AlbertSession) -> None:
    """The decoded answers must be equal; where the original's best two are near each other, either will do."""
    requests = sample_requests(session.bundle.task)
    different, ties = [], 0
    for request in requests:
        expected, got = decide(original, request), decide(session, request)
        if agree(expected, got):
            continue
        if near_tie(expected, got, TIE_MARGINS[session.manifest.precision]):
            ties += 1
        else:
            different.append(f"{got.answer!r} instead of {expected.answer!r}, which led by {expected.margin:.2f}")
    detail = f"{len(requests) - len(different) - ties} of {len(requests)} equal"
    detail += f", {ties} near ties" if ties else ""
    detail += f"; {different[0]}" if different else ""
    report.add_equal("answers", "decoded answers", not different, detail)
