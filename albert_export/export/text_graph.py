"""Adds the graph that takes texts to a bundle, and measures how often it does what the runtime does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from albert_converters.extras import require_packages
from albert_export.samples.requests import Request, requests_from, sample_requests
from albert_export.samples.sample_texts import SampleTexts
from albert_export.samples.texts import as_texts
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_export.utils.terminal import Progress
from albert_export.utils.truncation_warnings import suppressed_truncation_warnings
from albert_runtime import AlbertSession, AlbertTokenizer
from albert_runtime.errors import ParityError, UsageError
from albert_runtime.self_test import request_arrays
from albert_runtime.sessions.multiple_choice import choice_pairs
from albert_runtime.tasks import Task

#: the package whose operators read texts
_PACKAGE = "onnxruntime-extensions"
#: the least shares of equal token ids and of equal answers
_LEAST_EQUAL_IDS, _LEAST_EQUAL_ANSWERS = 0.98, 0.9
#: the requests whose answers are compared
_ANSWERS = 20
#: the least cosine of two embeddings that are equal
_EQUAL_EMBEDDINGS = 0.9999
#: the texts that differ which a message shows
_EXAMPLES = 3


def check_text_graph_options(
    *, no_tokenizer: bool, opset: int | None, layout: str = "bundle", sequence_length: int | None = None
) -> None:
    """Refuse options that don't go with --with-tokenizer, before anything is read.

    Raises:
        UsageError: the tokenizer is to be left out, or the layout has several graphs, or shapes are static.
        UnsupportedError: the opset is too old.
        DependencyError: onnxruntime-extensions is missing.
    """
    others = {
        "--no-tokenizer": no_tokenizer,
        "--layout hub": layout == "hub",
        "--sequence-length": sequence_length is not None,
    }
    if given := [name for name, is_given in others.items() if is_given]:
        raise UsageError(f"--with-tokenizer does not go with {' and '.join(given)}; leave one of them out")
    require_packages(("onnxruntime_extensions",), "--with-tokenizer", "text-graph")
    if opset is not None:
        from albert_converters.onnx.text_graph.graph import check_opset

        check_opset(opset)


def refuse_text_graph(tokenizer: AlbertTokenizer, task: Task, head: str) -> None:
    """Refuse a tokenizer or a head that no text graph can have, before the export begins.

    Raises:
        UnsupportedError: the message says why.
    """
    from albert_converters.onnx.text_graph.tasks import refuse_head
    from albert_converters.onnx.text_graph.vocabulary import refuse

    refuse(tokenizer)
    refuse_head(task.name, head)


def add_text_graph(session: AlbertSession, folder: Path, samples: SampleTexts, progress: Progress) -> dict[str, Any]:
    """Write the text graph into the bundle's folder and return its facts for the manifest.

    Args:
        session: runs the bundle's graph.
        folder: the bundle's folder, which holds the graph and the tokenizer.
        samples: the bundled texts that fit the vocabulary.
        progress: called with a line about each step.

    Raises:
        UnsupportedError, ConversionError: see `build_text_graph`.
        ParityError: too many texts get other token ids or other answers than in the runtime.
    """
    from albert_converters.onnx.text_graph.graph import TEXT_GRAPH_FILE, build_text_graph
    from albert_converters.onnx.text_graph.session import TextGraphSession

    progress("adding the tokenizer to the graph")
    manifest = session.manifest
    with suppressed_native_stderr():  # SentencePiece reports how it compiles rules
        graph = build_text_graph(folder / manifest.model_file, manifest, session.bundle.config, session.tokenizer)
    content = graph.model.SerializeToString()
    (folder / TEXT_GRAPH_FILE).write_bytes(content)
    with suppressed_truncation_warnings():
        with TextGraphSession(graph.tokenizer.SerializeToString()) as reader:
            compared, different = _compare_ids(session, reader, samples)
        with TextGraphSession(folder / TEXT_GRAPH_FILE) as model:
            answers = _equal_answers(session, model, samples)
    facts = graph.facts() | {
        "needs": {_PACKAGE: metadata.version(_PACKAGE)},
        "texts": compared,
        "equal_ids": compared - len(different),
        "answers": len(answers),
        "equal_answers": sum(answers),
    }
    progress(
        f"{TEXT_GRAPH_FILE}: ids equal on {facts['equal_ids']:,} of {compared:,} texts, answers on {sum(answers)} of "
        f"{len(answers)}"
    )
    if facts["equal_ids"] < _LEAST_EQUAL_IDS * compared or sum(answers) < _LEAST_EQUAL_ANSWERS * len(answers):
        shown = "".join(f"\n- {request}" for request in different[:_EXAMPLES])
        raise ParityError(
            f"the graph with the tokenizer gives the tokenizer's ids on {facts['equal_ids']:,} of {compared:,} texts, "
            f"and the bundle's answers on {sum(answers)} of {len(answers)}, too few; leave --with-tokenizer out"
            + (f". Texts that differ:{shown}" if shown else "")
        )
    return facts


def text_inputs(request: Request) -> dict[str, Any]:
    """The inputs of a text graph for a request of a session."""
    if request.get("context") is not None and "choices" in request:
        pairs = choice_pairs(request["prompt"], request["choices"], request["context"])
        request = {"prompt": pairs[0][0], "choices": [second for _, second in pairs]}
    return {
        name: np.array([value] if isinstance(value, str) else value, dtype=object)
        for name, value in request.items()
        if value is not None
    }


def _compare_ids(session: AlbertSession, reader: Any, samples: SampleTexts) -> tuple[int, list[Request]]:
    """How many requests were compared, and those whose token ids differ."""
    task = session.bundle.task
    requests = [*sample_requests(task, len(samples.sentences), samples=samples)]
    for corpus in samples.corpora:
        requests += requests_from([*corpus.calibration, *corpus.evaluation, *as_texts(corpus.sentences)], task)
    compared, different = 0, []
    for request in requests:
        try:
            expected = request_arrays(session, request)["input_ids"]
        except UsageError:  # the text holds nothing, or a mask would be cut off
            continue
        if session.task == "token-classification":
            expected = expected[:1]  # the graph cuts off what the session reads in further windows
        [ids] = reader.run(["input_ids"], text_inputs(request))
        compared += 1
        if not np.array_equal(ids, expected):
            different.append(request)
    return compared, different


def _equal_answers(session: AlbertSession, model: Any, samples: SampleTexts) -> list[bool]:
    """For each of some requests, whether the text graph gives the answer of the session."""
    equal = []
    for request in sample_requests(session.bundle.task, _ANSWERS, samples=samples):
        try:
            expected = session(**request, **_OPTIONS.get(session.task, {}))  # type: ignore[operator]
        except UsageError:
            continue
        found = dict(zip(model.output_names, model.run(model.output_names, text_inputs(request)), strict=True))
        equal.append(_SAME[session.task](found, expected))
    return equal


def _same_labels(found: Mapping[str, Any], expected: Any) -> bool:
    labels = found["labels"][0, 1:-1].tolist()
    expected_labels = [entity.label for entity in expected]
    return labels == expected_labels[: len(labels)]  # a long text is cut off in the graph


def _same_embedding(found: Mapping[str, Any], expected: Any) -> bool:
    left, right = found["embedding"][0].astype(np.float64), expected.vector.astype(np.float64)
    return bool(left @ right >= _EQUAL_EMBEDDINGS * np.linalg.norm(left) * np.linalg.norm(right))


#: what a session is asked for, besides the texts
_OPTIONS: Mapping[str, dict[str, Any]] = {
    "token-classification": {"aggregation_strategy": "none", "ignore_labels": ()},
}
#: whether the outputs of a text graph and the answer of a session are the same
_SAME: Mapping[str, Callable[[Mapping[str, Any], Any], bool]] = {
    "text-classification": lambda found, expected: found["label"][0] == expected[0].label,
    "feature-extraction": _same_embedding,
    "token-classification": _same_labels,
    "multiple-choice": lambda found, expected: int(found["choice"][0]) == expected.index,
    "fill-mask": lambda found, expected: found["token_ids"][:, 0].tolist() == [mask[0].token_id for mask in expected],
    "pretraining": lambda found, expected: found["order"][0] == expected.label,
    "question-answering": lambda found, expected: found["answer"][0] == " ".join(expected.text.split()),
}
