"""verify_bundle: compares a bundle with the checkpoint that it was made from, or with another bundle of it.

The order of the checks is such that a failure explains the later ones: token ids; names, shapes and values of the
tensors for several lengths and batches; padded against unpadded inputs; and the decoded answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from albert_export.checkpoints import Checkpoint, ReadOptions
from albert_export.checkpoints.tokenizer_rules import tokenizer_of
from albert_export.evaluation.decisions import decide
from albert_export.hub import load_checkpoint
from albert_export.reference.registry import build_reference, installed_framework, reference_engine
from albert_export.samples.requests import sample_requests
from albert_export.samples.sample_texts import SampleTexts, texts_for
from albert_export.samples.texts import sentences
from albert_export.samples.token_ids import id_requests
from albert_export.targets import SENTENCE_EMBEDDING
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_export.utils.resident_memory import return_freed_memory
from albert_export.utils.terminal import Progress
from albert_export.utils.truncation_warnings import suppressed_truncation_warnings
from albert_export.verification.affordable import Stopwatch
from albert_export.verification.agreement import agree, near_tie
from albert_export.verification.comparable_outputs import aligned_outputs, comparable_outputs, run_arrays
from albert_export.verification.inputs import ADDED_TOKENS, Arrays, padding_rows, token_source, value_cases
from albert_export.verification.parity_report import TIE_MARGINS, ParityReport
from albert_runtime import AlbertSession, AlbertTokenizer, load
from albert_runtime.engines import Engine
from albert_runtime.errors import UnsupportedError
from albert_runtime.packed.path import is_bundle
from albert_runtime.tasks import CHOICES, INPUT_NAMES, MASKED, SEQUENCE, Task
from albert_runtime.token_ids import padding_id

#: the seconds that the comparison of values may take; a large model leaves out lengths, but none up to `_ALWAYS` tokens
_SECONDS = 60.0
_ALWAYS = 64


@dataclass(frozen=True)
class Reference:
    """What a bundle is compared with: a session of the same task, and the tokenizer that the bundle should have."""

    name: str
    session: AlbertSession
    #: None if the bundle has no tokenizer
    tokenizer: AlbertTokenizer | None

    @classmethod
    def of_checkpoint(
        cls, checkpoint: Checkpoint, like: AlbertSession, engine: Engine, tokenizer: AlbertTokenizer | None = None
    ) -> Reference:
        """Return the checkpoint's reference model, computed by `engine`, in a session with the settings of `like`.

        If `like` has a tokenizer, `tokenizer` is the checkpoint's; None reads it.
        """
        if like.manifest.has_tokenizer and tokenizer is None:
            tokenizer = tokenizer_of(checkpoint)
        return cls(checkpoint.folder.name, type(like)(like.bundle, verify=False, engine=engine), tokenizer)

    @classmethod
    def of_bundle(cls, session: AlbertSession) -> Reference:
        """Return another bundle as the reference."""
        return cls(session.bundle.path.name, session, session.tokenizer if session.manifest.has_tokenizer else None)


def verify_bundle(
    bundle: str | Path,
    model: str | Path,
    *,
    threads: int | None = None,
    engine: str | None = None,
    precision: str | None = None,
    reading: ReadOptions | None = None,
    progress: Progress = lambda step: None,
) -> ParityReport:
    """Compare the bundle with `model`, and return a report of all checks.

    A difference raises no error; the report has `passed` and `raise_if_failed` for that.

    Args:
        bundle: the folder of a bundle.
        model: the folder of the checkpoint that the bundle was made from, or its id on the hub; or the folder of
            another bundle of that checkpoint, in any format.
        threads: number of threads of the engine; None means as many as there are cores that this process may use.
        engine: name of the engine that runs the bundle; None means the first one that is installed.
        precision: the graph to compare in a bundle with several; None means the first.
        reading: new names for weights of the checkpoint, which to leave out, and its revision on the hub.
        progress: called with a line about each step.

    Raises:
        BundleError, CheckpointError, UnsupportedError: one of the two can't be opened, or their tasks differ.
        DependencyError: an engine, or the framework that computes the reference model of the checkpoint, is missing.
    """
    progress("opening the bundle and its reference")
    with suppressed_native_stderr():
        session = load(bundle, threads=threads, engine=engine, precision=precision)
    if is_bundle(Path(model)):
        other = load(model, threads=threads)
        if other.task != session.task:
            raise UnsupportedError(
                f"{bundle} is for {session.task} and {model} for {other.task}: there is nothing to compare; "
                "give two bundles for the same task"
            )
        if other.bundle.task.head != session.bundle.task.head:
            raise UnsupportedError(
                f"{bundle} and {model} answer with different heads: there is nothing to compare; "
                "give two bundles of the same checkpoint"
            )
        return compare(session, Reference.of_bundle(other), progress=progress)
    checkpoint = load_checkpoint(model, reading, progress=progress)
    outputs = checkpoint.available(session.bundle.task).outputs
    if outputs != session.bundle.task.outputs:
        missing = ", ".join(session.bundle.task.outputs.keys() - outputs.keys())
        raise UnsupportedError(
            f"{model} has no weights for {missing}, which {bundle} gives; give the checkpoint that it was made from"
        )
    framework = installed_framework("tf" if session.bundle.model_file.suffix == ".tflite" else "torch")
    reference_model = build_reference(checkpoint, session.task, framework=framework)
    computed = reference_engine(reference_model, session.bundle.task, framework)
    return compare(session, Reference.of_checkpoint(checkpoint, session, computed), progress=progress)


def compare(
    session: AlbertSession,
    reference: Reference,
    *,
    answers: bool = True,
    samples: SampleTexts | None = None,
    progress: Progress = lambda step: None,
) -> ParityReport:
    """Compare an open session with a reference of the same task, and return a report of all checks.

    The decoded answers are compared only if `answers` is true. `samples` are the texts to compare with; None means
    those that fit the vocabulary of the reference.
    """
    task, samples = session.bundle.task, samples or texts_for(reference.tokenizer)
    report = ParityReport(session.bundle.path.name, reference.name, session.manifest.precision)

    same = True
    if session.manifest.has_tokenizer and reference.tokenizer is not None:
        progress("comparing token ids")
        same = _compare_tokens(report, session.tokenizer, reference.tokenizer, samples)
    same = _compare_names(report, session, task) and same
    if not same:
        return report  # the later checks would fail for the same reason
    longest = min(session.max_length, reference.session.max_length)
    _compare_cases(report, session, reference.session, _cases(session, longest, samples), progress)
    progress("comparing padded with unpadded")
    _compare_padding(report, session, task, samples)
    if not answers:
        return report
    progress("comparing answers")
    with suppressed_truncation_warnings():
        _compare_answers(report, session, reference.session, samples)
    return report


def _compare_tokens(
    report: ParityReport, tokenizer: AlbertTokenizer, reference: AlbertTokenizer, samples: SampleTexts
) -> bool:
    own = [] if samples.is_english else samples.sentences
    lines = (*sentences(), *own, *_lines_with_added_tokens(reference))
    wrong = [line for line in lines if tokenizer.encode(line) != reference.encode(line)]
    detail = f"{len(lines)} sentences" if not wrong else f"{len(wrong)} of {len(lines)} sentences; first: {wrong[0]!r}"
    return report.add_equal("tokens", "token ids", not wrong, detail)


def _lines_with_added_tokens(tokenizer: AlbertTokenizer) -> list[str]:
    """A few lines for each added token: in a sentence, within a word, twice, in another case, and beside others."""
    tokens = [
        token for token in tokenizer.vocabulary.added.tokens if token.content not in tokenizer.special_tokens.contents
    ]
    contents = [token.content for token in tokens][:ADDED_TOKENS]
    lines = [
        line
        for content, following in zip(contents, [*contents[1:], *contents[:1]], strict=True)
        for line in (
            f"Here is {content} in a sentence, and{content}{following}within.",
            f"{content} {content}  {content.upper()} {content.lower()} [MASK]{content}[SEP] {following}",
        )
    ]
    return [*lines, " ".join(contents), "".join(contents)] if contents else []


def _compare_names(report: ParityReport, session: AlbertSession, task: Task) -> bool:
    inputs, outputs = set(session.engine.input_names), set(session.engine.output_names)
    same = inputs == set(task.inputs()) and outputs - {SENTENCE_EMBEDDING} == set(task.outputs)
    detail = "" if same else f"the graph has {', '.join(sorted(inputs))} -> {', '.join(sorted(outputs))}"
    return report.add_equal("names", "inputs and outputs", same, detail)


def compared_tokens(session: AlbertSession, longest: int, samples: SampleTexts) -> int:
    """The number of tokens of the values that `compare` compares, which both sessions run."""
    inputs = [arrays["input_ids"] for _, arrays in _cases(session, longest, samples)]
    static = session.manifest.sequence_length
    return sum(ids.size if static is None else ids.size // ids.shape[-1] * static for ids in inputs)


def _cases(session: AlbertSession, longest: int, samples: SampleTexts) -> list[tuple[str, Arrays]]:
    return list(value_cases(token_source(session, samples), session.bundle.task, longest))


def _compare_cases(
    report: ParityReport,
    session: AlbertSession,
    reference: AlbertSession,
    cases: list[tuple[str, Arrays]],
    progress: Progress,
) -> None:
    """Compare the values of all cases. If that takes too long, middle lengths are left out, and never the longest."""
    sizes = [arrays["input_ids"].size for _, arrays in cases]
    left_out, pace = [], 0.0
    for index, (label, arrays) in enumerate(cases):
        middle = len(arrays["input_ids"]) == 1 and _ALWAYS < sizes[index] < max(sizes)
        if middle and pace * sum(sizes[index:]) > _SECONDS:
            left_out.append(label)
            continue
        progress(f"comparing values: {label}")
        # what a case needs, another length can't use
        return_freed_memory(session.bundle.model_file.stat().st_size)
        watch = Stopwatch()
        _compare_values(report, label, *comparable_outputs(session, reference, arrays))
        pace = watch.seconds / sizes[index]
    if left_out:
        report.left_out = f"values of {' and '.join(left_out)}, as {pace:.2g} s are needed for a token"
        progress(f"left out: {report.left_out}")


def _compare_values(report: ParityReport, label: str, got: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, array in expected.items():
        if got[name].shape != array.shape:
            report.add_equal("shapes", f"{name}, {label}", False, f"{got[name].shape} instead of {array.shape}")
        else:
            report.add_values("values", f"{name}, {label}", got[name], array)


def _compare_padding(report: ParityReport, session: AlbertSession, task: Task, samples: SampleTexts) -> None:
    """Compare the outputs for each sequence alone with those for the same sequence in a batch with longer ones."""
    rows = padding_rows(session, samples)
    longest = max(row["input_ids"].size for row in rows)
    fill = {"input_ids": padding_id(session.bundle.config)}

    def arrays(chosen: list[Arrays], length: int) -> Arrays:
        batch: Arrays = {}
        for name in INPUT_NAMES:
            padded = [
                np.pad(row[name], (0, length - row[name].size), constant_values=fill.get(name, 0)) for row in chosen
            ]
            batch[name] = np.stack(padded).reshape((-1, 1, length) if CHOICES in task.input_axes else (-1, length))
        return batch

    together = run_arrays(session, arrays(rows, longest))
    for index, row in enumerate(rows):
        length = row["input_ids"].size
        alone = run_arrays(session, arrays([row], length))
        padded = {name: array[index : index + 1] for name, array in together.items()}
        for name, axes in task.outputs.items():
            if SEQUENCE in axes or MASKED in axes:
                padded[name] = padded[name][:, :length]
        padded, alone = aligned_outputs(task, padded, alone)
        for name, array in alone.items():
            report.add_values("padding", f"{name}, {length} tokens padded to {longest}", padded[name], array)


def _compare_answers(
    report: ParityReport, session: AlbertSession, reference: AlbertSession, samples: SampleTexts
) -> None:
    """Compare the decoded answers; where the reference's two best answers are nearly tied, either one is accepted."""
    task, longest = session.bundle.task, min(session.max_length, reference.max_length)
    if session.manifest.has_tokenizer and reference.manifest.has_tokenizer:
        requests = sample_requests(task, samples=samples)
    else:
        requests = id_requests(session.bundle.config, task, longest=longest)
    different, ties = [], 0
    for request in requests:
        expected, got = decide(reference, request), decide(session, request)
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
