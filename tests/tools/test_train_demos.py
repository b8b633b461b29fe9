"""The training script: its text makers, its repeatability, what it writes."""

from __future__ import annotations

import json
from random import Random

import pytest
import torch

from tools.train_demos import words
from tools.train_demos.__main__ import main, make_demo
from tools.train_demos.evaluation import Score
from tools.train_demos.templates import fill, slots_of
from tools.train_demos.text_classification import TextClassificationDemo
from tools.train_demos.training import train
from tools.train_demos.words import Words


class Hasty(TextClassificationDemo):
    """So few steps that nothing is learned."""

    steps = 3
    batch_size = 4
    shown = ()


def test_a_template_tells_where_its_values_stand() -> None:
    text, spans = fill("{person} has a {thing}.", {"person": "Ada", "thing": "old hat"})
    assert text == "Ada has an old hat."
    assert {slot: text[start:end] for slot, (start, end) in spans.items()} == {"person": "Ada", "thing": "old hat"}


def test_a_sentence_begins_with_a_capital() -> None:
    assert fill("{a} and {b}.", {"a": "snow", "b": "ice"})[0] == "Snow and ice."


def test_slots_are_found() -> None:
    assert slots_of("{p} met {q} in {t}, and {q} met {p}.") == {"p", "q", "t"}


def test_the_two_sides_share_no_listed_name() -> None:
    seen = [
        {Words(held_out, made=0.0).name(rng, words.TOWNS) for _ in range(2000)}
        for held_out, rng in ((False, Random(1)), (True, Random(2)))
    ]
    assert seen[0] | seen[1] == set(words.TOWNS)
    assert not seen[0] & seen[1]


@pytest.mark.parametrize("new", [{"made": 1.0}, {"made": 0.0, "blended": 1.0}])
def test_new_names_are_words_of_letters(new: dict[str, float]) -> None:
    rng = Random(4)
    side = Words(held_out=False, **new)
    names = [side.name(rng, words.GIRLS) for _ in range(300)]
    assert len(set(names)) > 200
    assert all(name[0].isupper() and len(name) >= 3 for name in names)


@pytest.fixture
def small_vocabulary(monkeypatch) -> None:
    """Trained on few texts, to be quick."""
    monkeypatch.setattr("tools.train_demos.training._VOCABULARY_EXAMPLES", 300)


@pytest.mark.usefixtures("small_vocabulary")
def test_the_same_seed_gives_the_same_weights(tmp_path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        first, vocabulary = train(Hasty(), tmp_path / "first", seed=8)
        again, _ = train(Hasty(), tmp_path / "again", seed=8)
        other, _ = train(Hasty(), tmp_path / "other", seed=9)
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "first/spiece.model").read_bytes() == (tmp_path / "again/spiece.model").read_bytes()
    assert vocabulary.vocab_size <= Hasty.vocabulary_size
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name
    assert any(
        weight.shape != other.state_dict()[name].shape or not torch.equal(weight, other.state_dict()[name])
        for name, weight in first.state_dict().items()
    )


@pytest.mark.usefixtures("small_vocabulary")
def test_the_card_has_the_measured_figures(tmp_path, monkeypatch) -> None:
    scores = iter((Score(901, 1000), Score(998, 1000)))
    monkeypatch.setattr("tools.train_demos.__main__.measure", lambda *_: next(scores))
    make_demo(Hasty(), tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| held-out | 901 | 1,000 | 90.1% |" in card
    assert "not for real use" in card
    assert "3 steps of 4 new examples" in card
    for example in json.loads((tmp_path / "examples.json").read_text(encoding="utf-8")):
        assert example["expected"] in Hasty.labels


def test_an_unknown_task_is_refused(tmp_path, capsys) -> None:
    assert main(["--out", str(tmp_path), "--task", "translation"]) == 3
    assert "question-answering" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
