"""The training of demos: the texts it makes, its repeatability, and the files it writes."""

from __future__ import annotations

import json
from random import Random

import pytest
import torch

from tools.train_demos import words
from tools.train_demos.__main__ import main, make_demo
from tools.train_demos.batches import MAX_POSITIONS
from tools.train_demos.evaluation import Score, new_long_examples
from tools.train_demos.lengthening import add_positions, lengthen
from tools.train_demos.question_answering import QuestionAnsweringDemo
from tools.train_demos.templates import fill, slots_of
from tools.train_demos.text_classification import TextClassificationDemo
from tools.train_demos.training import new_model, train
from tools.train_demos.words import Words


class ShortDemo(TextClassificationDemo):
    """A demo with so few steps that it learns nothing."""

    steps = 3
    batch_size = 4
    shown = ()


class ShortLongTextDemo(QuestionAnsweringDemo):
    """A demo with a few steps in both phases."""

    steps = 2
    batch_size = 4
    long_steps = 3
    long_batch_size = 2
    long_share = 1.0
    shown = ()


def test_fill_returns_the_positions_of_values() -> None:
    text, spans = fill("{person} has a {thing}.", {"person": "Ada", "thing": "old hat"})
    assert text == "Ada has an old hat."
    assert {slot: text[start:end] for slot, (start, end) in spans.items()} == {"person": "Ada", "thing": "old hat"}


def test_a_sentence_begins_with_a_capital() -> None:
    assert fill("{a} and {b}.", {"a": "snow", "b": "ice"})[0] == "Snow and ice."


def test_slots_are_found() -> None:
    assert slots_of("{p} met {q} in {t}, and {q} met {p}.") == {"p", "q", "t"}


def test_both_sides_share_no_listed_name() -> None:
    seen = [
        {Words(held_out, made=0.0).name(rng, words.TOWNS) for _ in range(2000)}
        for held_out, rng in ((False, Random(1)), (True, Random(2)))
    ]
    assert seen[0] | seen[1] == set(words.TOWNS)
    assert not seen[0] & seen[1]


@pytest.mark.parametrize("new", [{"made": 1.0}, {"made": 0.0, "blended": 1.0}])
def test_new_names_look_like_names(new: dict[str, float]) -> None:
    rng = Random(4)
    side = Words(held_out=False, **new)
    names = [side.name(rng, words.GIRLS) for _ in range(300)]
    assert len(set(names)) > 200
    assert all(name[0].isupper() and len(name) >= 3 for name in names)


@pytest.fixture
def small_vocabulary(monkeypatch) -> None:
    """Trains vocabularies on few texts, which is fast."""
    monkeypatch.setattr("tools.train_demos.training._VOCABULARY_EXAMPLES", 300)


@pytest.mark.usefixtures("small_vocabulary")
def test_the_same_seed_gives_the_same_weights(tmp_path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        first, vocabulary = train(ShortDemo(), tmp_path / "first", seed=8)
        again, _ = train(ShortDemo(), tmp_path / "again", seed=8)
        other, _ = train(ShortDemo(), tmp_path / "other", seed=9)
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "first/spiece.model").read_bytes() == (tmp_path / "again/spiece.model").read_bytes()
    assert vocabulary.vocab_size <= ShortDemo.vocabulary_size
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name
    assert any(
        weight.shape != other.state_dict()[name].shape or not torch.equal(weight, other.state_dict()[name])
        for name, weight in first.state_dict().items()
    )


@pytest.mark.usefixtures("small_vocabulary")
def test_the_card_states_the_measured_scores(tmp_path, monkeypatch) -> None:
    scores = iter((Score(901, 1000), Score(998, 1000)))
    monkeypatch.setattr("tools.train_demos.__main__.measure", lambda *_: next(scores))
    make_demo(ShortDemo(), tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| held-out | 901 | 1,000 | 90.1% |" in card
    assert "not for real use" in card
    assert "3 steps of 4 new examples" in card
    for example in json.loads((tmp_path / "examples.json").read_text(encoding="utf-8")):
        assert example["expected"] in ShortDemo.labels


def test_new_positions_begin_as_copies_of_the_trained_ones() -> None:
    model = new_model(ShortLongTextDemo(), vocabulary_size=50)
    before = model.state_dict()
    add_positions(model, 300)
    assert model.config.max_position_embeddings == 300
    for name, weight in model.state_dict().items():
        if name == "albert.embeddings.position_embeddings.weight":
            assert torch.equal(weight, before[name][[position % MAX_POSITIONS for position in range(300)]])
        else:
            assert torch.equal(weight, before[name]), name


@pytest.mark.usefixtures("small_vocabulary")
def test_the_second_phase_trains_new_positions_repeatably(tmp_path) -> None:
    weights = []
    for run in ("first", "again"):
        model, tokenizer = train(ShortLongTextDemo(), tmp_path / run, seed=8)
        assert tokenizer.model_max_length == MAX_POSITIONS
        lengthen(ShortLongTextDemo(), model, tokenizer, seed=8)
        assert tokenizer.model_max_length == ShortLongTextDemo.positions
        assert not model.training
        weights.append(model.get_parameter("albert.embeddings.position_embeddings.weight").detach())
    assert torch.equal(*weights)
    first, second, _ = weights[0].split(MAX_POSITIONS)
    assert not torch.equal(first, second)


@pytest.mark.usefixtures("small_vocabulary")
def test_the_files_of_a_lengthened_demo_state_its_length(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tools.train_demos.__main__._MEASURED", 3)
    make_demo(ShortLongTextDemo(), tmp_path)
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["max_position_embeddings"] == 384
    assert json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))["model_max_length"] == 384
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| held-out; answer after token 128 |" in card
    assert "384 tokens at most" in card
    assert "3 steps follow; 100% of them see 2 longer" in card


@pytest.mark.usefixtures("small_vocabulary")
def test_long_examples_fit_and_have_a_late_answer(tmp_path) -> None:
    demo = ShortLongTextDemo()
    _, tokenizer = train(demo, tmp_path, seed=8)
    examples = list(new_long_examples(demo, tokenizer, held_out=True, count=10, seed=1))
    assert len(examples) == 10
    for example in examples:
        context, (start, end) = example.inputs["context"], example.target.answer
        assert context[start:end] == example.expected
        encoding = tokenizer(example.inputs["question"], context, truncation=False).encodings[0]
        assert len(encoding) <= demo.positions
        tokens = [token for token in range(len(encoding)) if encoding.sequence_ids[token] == 1]
        assert min(token for token in tokens if encoding.offsets[token][1] > start) >= MAX_POSITIONS


def test_an_unknown_task_is_refused(tmp_path, capsys) -> None:
    assert main(["--out", str(tmp_path), "--task", "translation"]) == 2
    assert "question-answering" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
