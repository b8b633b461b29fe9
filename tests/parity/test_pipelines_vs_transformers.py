"""The sessions against the pipelines of transformers with the slow tokenizer: same answers, scores within 1e-4."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_export.demos import demo_checkpoint
from albert_export.export import export_onnx
from albert_export.samples.texts import sentences
from albert_runtime import (
    AlbertSession,
    FeatureExtractionSession,
    FillMaskSession,
    MultipleChoiceSession,
    TextClassificationSession,
    ZeroShotClassifier,
)
from tests.conftest import BuiltOnce, CheckpointOf, DemoBundleOf, save_tiny
from tests.shared_data import shared_data

TOLERANCE = 1e-4
NLI = {0: "contradiction", 1: "neutral", 2: "entailment"}
TEXTS = [*(line for line in sentences() if len(line) < 100), "Ünïcödé cafe\u0301, in 1999, cost £5.", "[SEP] a  b"]

SessionOf = Callable[..., tuple[Path, AlbertSession]]


@pytest.fixture(scope="module")
def tiny(built_once: BuiltOnce) -> SessionOf:
    """A function of task, name and configuration: a tiny random checkpoint, and a session of its bundle."""

    def make(task: str, name: str, **options: Any) -> tuple[Path, AlbertSession]:
        checkpoint = built_once(f"pipelines/{name}", lambda folder: save_tiny(folder, task, **options))
        bundle = built_once(f"pipelines/{name}-onnx", lambda folder: export_onnx(checkpoint, folder))
        return checkpoint, albert_runtime.load(bundle)

    return make


def peer(task: str, folder: Path) -> Any:
    """The pipeline of transformers for the checkpoint, with the slow tokenizer."""
    import transformers

    transformers.logging.set_verbosity_error()
    models = {
        "text-classification": transformers.AlbertForSequenceClassification,
        "zero-shot-classification": transformers.AlbertForSequenceClassification,
        "fill-mask": transformers.AlbertForMaskedLM,
        "feature-extraction": transformers.AlbertModel,
    }
    tokenizer = transformers.AlbertTokenizer.from_pretrained(folder)
    model = models[task].from_pretrained(folder).eval()
    return transformers.pipeline(task, model=model, tokenizer=tokenizer, device="cpu")


def assert_same_labels(ours: Any, theirs: list[dict[str, Any]]) -> None:
    assert [one.label for one in ours] == [one["label"] for one in theirs]
    assert [one.score for one in ours] == pytest.approx([one["score"] for one in theirs], abs=TOLERANCE)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("one-label", {"num_labels": 1}),
        ("one-single-label", {"num_labels": 1, "problem_type": "single_label_classification"}),
        ("regression", {"num_labels": 1, "problem_type": "regression"}),
        ("several-values", {"num_labels": 3, "problem_type": "regression"}),
        ("three-labels", {"num_labels": 3}),
        ("multi-label", {"num_labels": 4, "problem_type": "multi_label_classification"}),
    ],
)
def test_text_classification(name: str, options: dict[str, Any], tiny: SessionOf) -> None:
    checkpoint, session = tiny("text-classification", name, **options)
    assert isinstance(session, TextClassificationSession)
    theirs = peer("text-classification", checkpoint)
    for text in TEXTS[:8]:
        assert_same_labels(session(text), theirs(text, top_k=None))
        assert_same_labels(session(text, top_k=1), theirs(text))
        for function in ("softmax", "sigmoid", "none"):
            expected = theirs(text, top_k=2, function_to_apply=function)
            assert_same_labels(session(text, top_k=2, function_to_apply=function), expected)
        pair = {"text": text, "text_pair": TEXTS[0]}
        assert_same_labels(session(**pair), theirs(pair, top_k=None))


def test_text_classification_of_the_demo(demo_bundle_of: DemoBundleOf) -> None:
    session = albert_runtime.load(demo_bundle_of("onnx", "text-classification", "fp32"))
    theirs = peer("text-classification", demo_checkpoint("text-classification"))
    for text in TEXTS:
        assert_same_labels(session(text), theirs(text, top_k=None))


def test_zero_shot(tiny: SessionOf) -> None:
    checkpoint, session = tiny("text-classification", "nli", id2label=NLI, label2id={v: k for k, v in NLI.items()})
    ours, theirs = ZeroShotClassifier(session), peer("zero-shot-classification", checkpoint)
    labels = ["sport", "the news of today", "a café"]
    long_text = " ".join(TEXTS[:12])  # only the text is cut off, never the hypothesis
    for text in [*TEXTS[:8], long_text]:
        for arguments in (
            {"candidate_labels": labels},
            {"candidate_labels": labels, "multi_label": True},
            {"candidate_labels": "sport, weather"},
            {"candidate_labels": ["sport"]},
            {"candidate_labels": labels, "hypothesis_template": "It is about {}!"},
        ):
            theirs.tokenizer.model_max_length = 48
            expected = theirs(text, **arguments)
            found = ours(text, **arguments)
            assert [one.label for one in found] == expected["labels"]
            assert [one.score for one in found] == pytest.approx(expected["scores"], abs=TOLERANCE)


def masks_of(expected: Any) -> list[list[dict[str, Any]]]:
    """The pipeline returns the pieces of a single mask without the list of masks."""
    return expected if isinstance(expected[0], list) else [expected]


@pytest.mark.parametrize("targets", [None, ["capital"], ["capital", "village", "▁town", "s", "cafés", "capital"]])
def test_fill_mask(targets: list[str] | None, tiny: SessionOf) -> None:
    checkpoint, session = tiny("fill-mask", "masked")
    check_masks(session, peer("fill-mask", checkpoint), targets)


@pytest.mark.parametrize("targets", [None, ["cat", "dog", "red", "sings"]])
def test_fill_mask_of_the_demo(targets: list[str] | None, demo_bundle_of: DemoBundleOf) -> None:
    session = albert_runtime.load(demo_bundle_of("onnx", "fill-mask", "fp32"))
    check_masks(session, peer("fill-mask", demo_checkpoint("fill-mask")), targets)


def check_masks(session: AlbertSession, theirs: Any, targets: list[str] | None) -> None:
    assert isinstance(session, FillMaskSession)
    for text in ("Paris is the [MASK] of France.", "[MASK] is a\n village,[MASK] and Café [MASK]", "The cat [MASK]"):
        for top_k in (3, 5):
            found = session(text, top_k=top_k, targets=targets)
            expected = masks_of(theirs(text, top_k=top_k, targets=targets))
            for ours, peers in zip(found, expected, strict=True):
                assert [one.token_id for one in ours] == [one["token"] for one in peers]
                assert [one.score for one in ours] == pytest.approx([one["score"] for one in peers], abs=TOLERANCE)
                # The pipeline shows the normalized text, this runtime the text that was given.
                for one, other in zip(ours, peers, strict=True):
                    squeezed = "".join(session.tokenizer.decode(session.tokenizer.encode(one.text)[1:-1]).split())
                    assert squeezed == "".join(other["sequence"].removeprefix("[CLS]").removesuffix("[SEP]").split())


def test_feature_extraction(tiny: SessionOf) -> None:
    checkpoint, session = tiny("feature-extraction", "embedding")
    assert isinstance(session, FeatureExtractionSession)
    theirs = peer("feature-extraction", checkpoint)
    for text in TEXTS:
        tokens = np.array(theirs(text)[0], np.float64)
        assert session(text).tokens == pytest.approx(tokens, abs=TOLERANCE)
        for pooling, vector in (("cls", tokens[0]), ("mean", tokens.mean(axis=0)), ("max", tokens.max(axis=0))):
            assert session(text, pooling=pooling).vector == pytest.approx(vector, abs=TOLERANCE)
            unit = vector / np.linalg.norm(vector)
            assert session(text, pooling=pooling, normalize=True).vector == pytest.approx(unit, abs=TOLERANCE)


@pytest.mark.parametrize("context", [None, "He lived in Rome. She did not."])
def test_multiple_choice(context: str | None, checkpoint_of: CheckpointOf, bundle_of: CheckpointOf) -> None:
    """As in Hugging Face's examples: the context, or the prompt, is the first text of each choice."""
    import torch
    import transformers

    session = albert_runtime.load(bundle_of("multiple-choice"))
    assert isinstance(session, MultipleChoiceSession)
    folder = checkpoint_of("multiple-choice")
    model = transformers.AlbertForMultipleChoice.from_pretrained(folder).eval()
    tokenizer = transformers.AlbertTokenizer.from_pretrained(folder)
    prompt, choices = "Where did he go?", ["To Rome.", "Nowhere, in 1999, at least.", "Home"]
    firsts = [context or prompt] * 3
    seconds = choices if context is None else [f"{prompt} {choice}" for choice in choices]
    inputs = tokenizer(firsts, seconds, padding=True, return_tensors="pt", truncation=True, max_length=48)
    with torch.no_grad():
        logits = model(**{name: value[None] for name, value in inputs.items()}).logits[0]
    choice = session(prompt, choices, context)
    assert choice.scores == pytest.approx(logits.softmax(-1).tolist(), abs=TOLERANCE)
    assert choice.index == int(logits.argmax())


def real_sentences() -> list[str]:
    """Every tenth sentence of the polarity data, which are in Latin-1."""
    files = sorted(shared_data("polarity").glob("sentence_polarity/rt-polarity.*"))
    lines = [line for file in files for line in file.read_text("latin-1").split("\n") if line.strip()]
    assert len(lines) > 10_000
    return lines[::10]


def score_difference(ours: Any, theirs: list[dict[str, Any]], name: str, pipelines_name: str) -> float:
    """The largest difference of the scores; what is scored must be the same, in the same order."""
    assert [getattr(one, name) for one in ours] == [one[pipelines_name] for one in theirs]
    return max(abs(one.score - other["score"]) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", TOLERANCE), ("float32", 3 * TOLERANCE)])
def test_real_sentences(dtype: str, tolerance: float, demo_bundle_of: DemoBundleOf) -> None:
    """Labels, masked words with and without targets, and token vectors.

    In float32, transformers itself is up to 7e-5 away from its results in float64, and the graph as far in the other
    direction. So the pipelines run in float64, and in float32 with a larger tolerance.
    """
    import torch

    tasks = ("text-classification", "fill-mask", "feature-extraction")
    classify, fill, embed = sessions = [albert_runtime.load(demo_bundle_of("onnx", task, "fp32")) for task in tasks]
    labels, masks, vectors = pipelines = [peer(task, demo_checkpoint(task)) for task in tasks]
    for pipeline in pipelines:
        pipeline.model.to(getattr(torch, dtype))
    differences: dict[str, list[float]] = {}
    for line in real_sentences():
        words = line.split()
        words[len(words) // 2] = "[MASK]"
        masked = " ".join(words)
        if any(len(session.tokenizer.encode(text)) > 128 for session in sessions for text in (line, masked)):
            continue
        targets = ["cat", "dog", "red", "film"]
        ours, theirs = embed(line).tokens, np.array(vectors(line)[0])
        for task, difference in {
            "text classification": score_difference(classify(line), labels(line, top_k=None), "label", "label"),
            "fill-mask": score_difference(fill(masked)[0], masks(masked), "token_id", "token"),
            "fill-mask with targets": score_difference(
                fill(masked, targets=targets)[0], masks(masked, targets=targets), "token_id", "token"
            ),
            "feature extraction": float(np.abs(ours - theirs).max()),
        }.items():
            differences.setdefault(task, []).append(difference)
    for task, found in differences.items():
        beyond = sum(difference > TOLERANCE for difference in found)
        print(f"{dtype}, {task}: {len(found)} sentences, {beyond} beyond {TOLERANCE}, at most {max(found):.1e}")
        assert len(found) > 800
        assert max(found) <= tolerance


@pytest.mark.slow
@pytest.mark.parametrize("multi_label", [False, True])
def test_zero_shot_with_real_sentences(multi_label: bool, tiny: SessionOf) -> None:
    checkpoint, session = tiny("text-classification", "nli", id2label=NLI, label2id={v: k for k, v in NLI.items()})
    theirs = peer("zero-shot-classification", checkpoint)
    theirs.tokenizer.model_max_length = 48
    texts, labels = real_sentences(), ["sport", "the news of today", "a café"]
    answers = ZeroShotClassifier(session)(texts, labels, multi_label=multi_label)
    expected = theirs(texts, labels, multi_label=multi_label)
    for ours, pipelines in zip(answers, expected, strict=True):
        assert [one.label for one in ours] == pipelines["labels"]
        assert [one.score for one in ours] == pytest.approx(pipelines["scores"], abs=TOLERANCE)
    print(f"zero-shot, multi_label={multi_label}: {len(answers)} sentences")
