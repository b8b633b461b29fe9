"""Token classification equals the pipeline of transformers in every aggregation strategy that the two share.

The pipeline knows words and characters only with a fast tokenizer, so it runs twice: with the slow tokenizer, whose ids
are the truth, for "none" and "simple"; and with the fast tokenizer for all five strategies, on the texts for which both
tokenizers give the same ids. Every kind of disagreement has a name, and any other fails the test.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from albert_export.demos import demo_checkpoint
from albert_export.evaluation import find_model, read_dataset
from albert_export.export import export_onnx
from albert_runtime import Entity, TokenClassificationSession, load
from tests.conftest import save_tiny
from tests.shared_data import shared_data

STRATEGIES = ("none", "simple", "first", "average", "max")
KINDS = ("corporation", "creative-work", "group", "location", "person", "product")
WNUT_LABELS = ("O", *(f"{position}-{kind}" for kind in KINDS for position in "BI"))
PLAIN_LABELS = ("O", "PER", "LOC", "ORG")
TEXTS = (
    "Ada  Lovelace, 36, left St. Louis for the U.S. Senate.",
    "Zürich's café — „Crème brûlée“ for 1,000.50 £ or 20% less, on 12/31/1999!",
    " José\u0301 and John Smith Jr. met\tin O'Brien's bar (New York). ",
    "RT @user: check http://t.co/x1 #London 😀 naïve ﬁancée ½ ﷺ",
)

Found = tuple[str, str, int, int, float]


class Pipeline:
    """The pipeline of transformers with one of its two tokenizers, which runs the model once for all strategies."""

    def __init__(self, checkpoint: Path, *, fast: bool) -> None:
        from transformers import AlbertForTokenClassification, AlbertTokenizer, AlbertTokenizerFast
        from transformers.pipelines import TokenClassificationPipeline

        tokenizer = (AlbertTokenizerFast if fast else AlbertTokenizer).from_pretrained(checkpoint)
        model = AlbertForTokenClassification.from_pretrained(checkpoint).eval()
        tokenizer.model_max_length = model.config.max_position_embeddings
        self._pipeline = TokenClassificationPipeline(model=model, tokenizer=tokenizer, device=-1)
        self.strategies = STRATEGIES if fast else ("none", "simple")

    def ids(self, text: str) -> list[int]:
        ids: list[int] = self._pipeline.tokenizer(text)["input_ids"]
        return ids

    def answers(self, text: str, **options: Any) -> dict[str, list[dict[str, Any]]]:
        """The answers of each strategy."""
        from transformers.pipelines.token_classification import AggregationStrategy

        inputs = list(self._pipeline.preprocess(text, is_split_into_words=False))
        outputs = [self._pipeline.forward(one) for one in inputs]
        return {
            name: self._pipeline.postprocess(
                [dict(one) for one in outputs], aggregation_strategy=AggregationStrategy(name), **options
            )
            for name in self.strategies
        }


def differences(text: str, expected: list[dict[str, Any]], found: tuple[Entity, ...]) -> list[str]:
    """What the pipeline's answers and ours differ in."""
    if len(expected) != len(found):
        return [f"{len(expected)} answers against {len(found)}"]
    kinds = []
    for theirs, ours in zip(expected, found, strict=True):
        if theirs.get("entity_group", theirs.get("entity")) != ours.label:
            kinds.append("label")
        if theirs.get("index") != ours.index:
            kinds.append("index")
        if abs(theirs["score"] - ours.score) > 1e-4:
            kinds.append("score")
        if theirs["word"] != ours.word:
            kinds.append("unknown piece" if "<unk>" in theirs["word"] else "word")
        if theirs["start"] is not None and (theirs["start"], theirs["end"]) != (ours.start, ours.end):
            kinds.append(span_difference(text, theirs["start"], theirs["end"], ours))
    return kinds


def span_difference(text: str, start: int, end: int, ours: Entity) -> str:
    """The kind of the difference between two spans."""
    surface = text[start:end]
    left, right = len(surface) - len(surface.lstrip()), len(surface) - len(surface.rstrip())
    if text[ours.start : ours.end] == surface.strip() and (not surface.strip() or ours.start == start + left):
        return "white space" if (left or right) else "span"
    return "span"


def compare(checkpoint: Path, session: TokenClassificationSession, texts: list[str], **options: Any) -> Counter[str]:
    """How often each kind of difference occurs; also how often the pipeline can't be compared."""
    kinds: Counter[str] = Counter()
    for fast in (False, True):
        pipeline = Pipeline(checkpoint, fast=fast)
        for text in texts:
            tokens = session.tokens(text)
            ids = pipeline.ids(text)
            if len(ids) > session.max_length:
                kinds["longer than the model"] += 1
                continue
            if ids != session.tokenizer.encode(text):
                assert fast
                kinds["other ids of the fast tokenizer"] += 1
                continue
            kinds["fast" if fast else "slow"] += 1
            for strategy, expected in pipeline.answers(text, **options).items():
                found = session.entities(tokens, strategy, options.get("ignore_labels", ("O",)))
                for kind in differences(text, expected, found):
                    kinds[f"{kind} ({strategy}, {'fast' if fast else 'slow'})"] += 1
                kinds[f"answers of {strategy}"] += len(found)
    return kinds


def wnut_texts() -> list[str]:
    """The sentences of the development set of WNUT 17."""
    dataset = read_dataset(shared_data("wnut17/emerging.dev.conll"), "ner", labels=WNUT_LABELS)
    assert len(dataset.examples) == 1009
    return [example.request["text"] for example in dataset.examples]


def random_checkpoint(folder: Path, labels: tuple[str, ...]) -> Path:
    save_tiny(folder, "token-classification", id2label=dict(enumerate(labels)), max_position_embeddings=128)
    return folder


@pytest.mark.parametrize("labels", [WNUT_LABELS, PLAIN_LABELS], ids=["BIO", "plain"])
def test_some_texts(tmp_path: Path, labels: tuple[str, ...]) -> None:
    checkpoint = random_checkpoint(tmp_path / "checkpoint", labels)
    session = find_model(checkpoint).open()
    assert isinstance(session, TokenClassificationSession)
    kinds = compare(checkpoint, session, list(TEXTS))
    print(kinds)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["demo", "random"])
def test_all_of_wnut(tmp_path: Path, kind: str) -> None:
    checkpoint = tmp_path / "checkpoint"
    if kind == "demo":
        shutil.copytree(demo_checkpoint("ner"), checkpoint)
    else:
        random_checkpoint(checkpoint, WNUT_LABELS)
    export_onnx(checkpoint, tmp_path / "bundle")
    session = load(tmp_path / "bundle")
    assert isinstance(session, TokenClassificationSession)
    kinds = compare(checkpoint, session, wnut_texts())
    print(kinds)
