"""Token classification equals the pipeline of transformers in every aggregation strategy that the two share.

The pipeline knows words and characters only with a fast tokenizer, so it runs twice: with the slow tokenizer, whose ids
are the truth, for "none" and "simple"; and with the fast tokenizer for all five strategies, on the texts for which both
tokenizers give the same ids. Every kind of disagreement has a name, and any other fails the test.
"""

from __future__ import annotations

import re
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
    "Ada Lovelace met Charles Babbage in London and sold her engine to Acme Bank of New York",
)

#: what the vocabulary takes for a space
WHITE_SPACE = " \t\n\xa0\u200b\ufeff"
#: what the pipeline does otherwise
EXPLAINED = {
    # Without offsets it says "<unk>", with a space before it. With a fast tokenizer it gives the text, as we do.
    "unknown piece (slow)",
    # Its spans begin with the space before the word, or end with the one after it. Ours hold the words alone.
    "white space in the span (fast)",
    # A piece that is only the mark of a space stands for that space, or for the first letter of the text. For us it
    # stands for no character.
    "a mark of a space that has characters (fast)",
    # Its words keep the mark of a space at the end; those of the slow tokenizer do not, as ours.
    "space at the end of the word (fast)",
    # With "first", "average" and "max" it loses the spaces between the words: "redondobeachblvd".
    "spaces inside the word (fast)",
}
#: texts that were compared, those that could not be, and answers
COUNTS = {
    *("slow", "fast", "longer than the model", "other ids of the fast tokenizer"),
    *(f"answers of {strategy}" for strategy in STRATEGIES),
}


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
    """What the pipeline's answers and ours differ in; a name that is not in EXPLAINED fails the test."""
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
        kinds += word_difference(theirs["word"], ours.word)
        if theirs["start"] is not None:
            kinds += span_difference(text, theirs["start"], theirs["end"], ours)
    return kinds


def word_difference(theirs: str, ours: str) -> list[str]:
    if theirs == ours:
        return []
    known = map(re.escape, theirs.replace(" ", "").split("<unk>"))
    if "<unk>" in theirs and re.fullmatch(".+".join(known), ours.replace(" ", ""), re.DOTALL):
        return ["unknown piece"]
    if theirs.strip() == ours:
        return ["space at the end of the word"]
    return ["spaces inside the word"] if theirs.replace(" ", "") == ours.replace(" ", "") else ["word"]


def span_difference(text: str, start: int, end: int, ours: Entity) -> list[str]:
    if (start, end) == (ours.start, ours.end):
        return []
    if ours.start == ours.end and not ours.word.replace("▁", ""):
        return ["a mark of a space that has characters"]
    begin = start + len(text[start:end]) - len(text[start:end].lstrip(WHITE_SPACE))
    stripped = (begin, begin + len(text[start:end].strip(WHITE_SPACE)))
    return ["white space in the span"] if stripped == (ours.start, ours.end) else ["span"]


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
                    kinds[f"{kind} ({'fast' if fast else 'slow'})"] += 1
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
    assert kinds.keys() <= EXPLAINED | COUNTS
    assert kinds["slow"] == len(TEXTS)


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
    assert kinds.keys() <= EXPLAINED | COUNTS
    assert kinds["fast"] > 900
    assert min(kinds[f"answers of {strategy}"] for strategy in STRATEGIES) > 4000
