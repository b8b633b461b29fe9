"""The tag of a word is the best label of its first token; entities are counted as in seqeval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score

from albert_export.demos import demo_checkpoint
from albert_export.evaluation import Dataset, Example, evaluate, find_model, read_dataset
from albert_export.evaluation.metrics.tagging import tag_scores
from albert_export.export import export_onnx
from albert_runtime import AlbertSession, load
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import UsageError
from tests.conftest import save_tiny
from tests.runtime.tiny_bundle import LABELS, make_bundle
from tests.shared_data import shared_data

KINDS = ("corporation", "creative-work", "group", "location", "person", "product")
WNUT_LABELS = ("O", *(f"{position}-{kind}" for kind in KINDS for position in "BI"))
WNUT = "wnut17/emerging.test.annotated"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a model with random weights and the labels of WNUT 17, and return its folder."""
    folder = tmp_path_factory.mktemp("wnut") / "checkpoint"
    return save_tiny(folder, "token-classification", id2label=dict(enumerate(WNUT_LABELS)), max_position_embeddings=128)


def tags_of_words_alone(session: AlbertSession, words: list[str]) -> list[str] | None:
    """Return the tags that follow from tokenizing each word alone; None if the sentence is tokenized differently."""
    pieces = [session.tokenizer.encode(word, add_special_tokens=False) for word in words]
    inputs = session.arrays(text=" ".join(words))
    if inputs["input_ids"][0, 1:-1].tolist() != [piece for word in pieces for piece in word] or not all(pieces):
        return None
    best = session.run(inputs)["logits"][0].argmax(axis=-1)
    firsts = 1 + np.cumsum([0, *map(len, pieces[:-1])])
    return [session.manifest.labels[best[first]] for first in firsts]


def assert_equals_seqeval(session: AlbertSession, dataset: Dataset) -> None:
    known = [tags_of_words_alone(session, [word for word, _ in one.expected]) for one in dataset.examples]
    examples = tuple(one for one, tags in zip(dataset.examples, known, strict=True) if tags is not None)
    predicted = [tags for tags in known if tags is not None]
    assert len(examples) > 0.9 * len(dataset.examples)
    evaluation = evaluate(session, Dataset(dataset.file, dataset.task, dataset.kind, examples))
    # A period or a possessive between two words of an entity gets the label of the entity; see `label_words`.
    inner = {".", "'s", "\u2019s"}
    words = [[word for word, _ in one.expected] for one in examples]
    for sentence, answer, alone in zip(words, evaluation.answers, predicted, strict=True):
        changed = [place for place, tag in enumerate(answer) if tag != alone[place]]
        assert {sentence[place] for place in changed} <= inner, sentence
        for place in changed:
            assert answer[place].startswith("I-")
            alone[place] = answer[place]
    expected = [[tag for _, tag in one.expected] for one in examples]
    for name, score in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
        assert evaluation.metrics[name] == pytest.approx(100 * score(expected, predicted, zero_division=0))
    assert evaluation.score == evaluation.metrics["f1"] > 0


def some_of_wnut(count: int | None) -> Dataset:
    dataset = read_dataset(shared_data(WNUT), "ner", labels=WNUT_LABELS)
    assert len(dataset.examples) == 1287
    return Dataset(dataset.file, dataset.task, dataset.kind, dataset.examples[:count])


def test_some_of_wnut(checkpoint: Path) -> None:
    assert_equals_seqeval(find_model(checkpoint).open(), some_of_wnut(300))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bundle", "reference"])
def test_all_of_wnut(checkpoint: Path, tmp_path: Path, kind: str) -> None:
    if kind == "bundle":
        export_onnx(checkpoint, tmp_path / "bundle")
    session = load(tmp_path / "bundle") if kind == "bundle" else find_model(checkpoint).open()
    assert_equals_seqeval(session, some_of_wnut(None))


def test_the_demo_does_not_know_the_labels_of_wnut() -> None:
    demo = find_model(demo_checkpoint("ner"))
    with pytest.raises(UsageError) as caught:
        read_dataset(shared_data(WNUT), demo.task, labels=demo.labels)
    lines = str(caught.value).splitlines()
    assert "  - unknown label 'B-person': 429 times" in lines
    assert len(lines) == 1 + 12 + 1
    assert "The model's labels are: O, B-PER, I-PER" in lines[-1]
    assert "id2label" in lines[-1]


def lookup(folder: Path, max_length: int = 64) -> tuple[AlbertSession, CannedEngine]:
    """Return a session whose best label for each token is the token's id modulo 5."""

    def answer(inputs: Any) -> dict[str, np.ndarray]:
        return {"logits": np.eye(5, dtype=np.float32)[inputs["input_ids"] % 5]}

    bundle = make_bundle(folder, "token-classification", max_length=max_length)
    engine = CannedEngine("ner", answer)
    return load(bundle, verify=False, engine=engine), engine


def predicted_tags(session: AlbertSession, words: list[str]) -> list[str]:
    example = Example({"text": " ".join(words)}, tuple((word, "O") for word in words))
    (answer,) = evaluate(session, Dataset(Path("file"), "token-classification", "tags", (example,))).answers
    return list(answer)


def first_tokens(session: AlbertSession, words: list[str]) -> list[str]:
    ids = [session.tokenizer.encode(word, add_special_tokens=False)[0] for word in words]
    return [LABELS["token-classification"][one % 5] for one in ids]


def test_a_long_sentence_is_split_into_windows(tmp_path: Path) -> None:
    session, engine = lookup(tmp_path / "bundle", max_length=12)
    sentence = "ada lovelace lived in london where she wrote about zebras ( and engines ) that compute numbers"
    words = sentence.split() * 3
    assert predicted_tags(session, words) == first_tokens(session, words)
    assert len(engine.runs) > 3


def test_a_word_without_a_token_is_outside(tmp_path: Path) -> None:
    session, _ = lookup(tmp_path / "bundle")
    words = ["ada", "\ufe0f", "lived", "in", "\u0301", "paris"]
    tags = predicted_tags(session, words)
    kept = [0, 2, 3, 5]
    assert [tags[index] for index in kept] == first_tokens(session, [words[index] for index in kept])
    assert tags[1] == tags[4] == "O"


def test_a_word_may_hold_a_space(tmp_path: Path) -> None:
    session, _ = lookup(tmp_path / "bundle")
    words = ["new york", "is", "far"]
    assert predicted_tags(session, words) == first_tokens(session, ["new", "is", "far"])


def tagged(*sentences: str) -> list[Example]:
    return [Example({}, tuple(("word", tag) for tag in sentence.split())) for sentence in sentences]


def test_by_hand() -> None:
    scores = tag_scores(tagged("B-PER I-PER O B-LOC", "O O"), [["B-PER", "I-PER", "O", "O"], ["B-LOC", "O"]])
    assert scores == {"f1": 50, "precision": 50, "recall": 50, "accuracy": pytest.approx(400 / 6)}


@pytest.mark.parametrize(
    ("expected", "answer", "f1"),
    [
        ("PER PER O LOC", "PER PER O LOC", 100),  # plain names: neighbours are one entity
        ("PER PER O LOC", "PER O O LOC", 50),
        ("B-PER L-PER U-LOC U-LOC", "B-PER L-PER U-LOC U-LOC", 100),
        ("U-LOC U-LOC", "B-LOC L-LOC", 0),  # two entities of one word are not one entity of two words
        ("B-PER E-PER S-LOC", "B-PER E-PER O", 2 / 3 * 100),
        ("I-PER I-PER O I-LOC", "B-PER I-PER O B-LOC", 100),  # an entity may begin with I-, as in BIO-1
        ("O O", "O O", 0),
    ],
)
def test_schemes(expected: str, answer: str, f1: float) -> None:
    assert tag_scores(tagged(expected), [answer.split()])["f1"] == pytest.approx(f1)
