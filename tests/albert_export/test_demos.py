"""Every bundled demo exists, is small and answers its examples, and its card states the measured accuracy."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from random import Random

import pytest
import torch

import albert_export
from albert_export import demos
from albert_export.demos import DemoExample, demo_checkpoint, demo_examples
from albert_export.reference.torch_albert import AlbertPreTrainedModel
from albert_runtime.errors import CheckpointError, UsageError
from albert_runtime.tasks import TASKS, find_task
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import MAX_POSITIONS
from tools.train_demos.demo import Example
from tools.train_demos.evaluation import Score, measure, new_examples, new_long_examples
from tools.train_demos.lengthening import LongTextDemo
from tools.train_demos.registry import DEMOS
from tools.train_demos.words import Words

MOST_BYTES = 8_000_000
#: Held-out names are spelled out in pieces, which a small model must compare one by one to answer a question.
LEAST_SHARE = {"question-answering": 0.85}
#: Long texts have ten to thirty similar sentences, which are hard for three passes with 128 units.
LEAST_LONG_SHARE = {"held-out": 0.4, "new, of familiar words": 0.5}
LONG_TEXT_TASKS = [task for task, demo in DEMOS.items() if isinstance(demo, LongTextDemo)]
#: the number of examples for measuring again; the cards used 1,000
SAMPLE = 300


@lru_cache
def demo_model(task: str) -> tuple[AlbertPreTrainedModel, AlbertTokenizer]:
    model_class = getattr(albert_export, find_task(task).architecture)
    folder = demo_checkpoint(task)
    return model_class.from_pretrained(folder), AlbertTokenizer.from_folder(folder)


def test_every_task_and_alias_has_a_demo() -> None:
    assert set(DEMOS) == set(TASKS)
    for task in TASKS.values():
        for alias in task.aliases:
            assert demo_checkpoint(alias) == demo_checkpoint(task.name)


def test_all_demos_together_are_small() -> None:
    sizes = {path: path.stat().st_size for task in TASKS for path in demo_checkpoint(task).iterdir()}
    assert sum(sizes.values()) <= MOST_BYTES


@pytest.mark.parametrize("task", TASKS)
def test_a_demo_is_a_complete_checkpoint(task: str) -> None:
    folder = demo_checkpoint(task)
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "config.json",
        "examples.json",
        "model.safetensors",
        "spiece.model",
        "tokenizer_config.json",
    }
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == [TASKS[task].architecture]
    model, tokenizer = demo_model(task)
    assert model.config.vocab_size == tokenizer.vocab_size
    assert tokenizer.model_max_length == model.config.max_position_embeddings
    special = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    assert tokenizer.convert_tokens_to_ids(special) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("task", TASKS)
def test_unknown_words_are_spelled_out(task: str) -> None:
    _, tokenizer = demo_model(task)
    text = 'Zyxwq Jklvbmh, 0123456789: don\'t (stop)! "Why" - fine?'
    assert tokenizer.unk_token_id not in tokenizer.encode(text)


@pytest.mark.parametrize("task", TASKS)
def test_every_example_is_answered_right(task: str) -> None:
    model, tokenizer = demo_model(task)
    examples = demo_examples(task)
    assert len(examples) >= 5
    with torch.inference_mode():
        wrong = [
            example for example in examples
            if not DEMOS[task].is_right(model, tokenizer, Example(example.inputs, example.expected))
        ]  # fmt: skip
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_card_states_the_measured_accuracy(task: str) -> None:
    share = stated_share(task, "held-out")
    score = measure(DEMOS[task], *demo_model(task), new_examples(DEMOS[task], held_out=True, count=SAMPLE, seed=77))
    assert score.share == pytest.approx(share, abs=margin(share))
    assert share >= LEAST_SHARE.get(task, 0.9)


@pytest.mark.slow
@pytest.mark.parametrize("task", LONG_TEXT_TASKS)
@pytest.mark.parametrize(("kind", "held_out"), [("held-out", True), ("new, of familiar words", False)])
def test_the_card_states_the_measured_accuracy_of_long_texts(task: str, kind: str, held_out: bool) -> None:
    share = stated_share(task, f"{kind}; answer after token {MAX_POSITIONS}")
    model, tokenizer = demo_model(task)
    examples = new_long_examples(DEMOS[task], tokenizer, held_out=held_out, count=SAMPLE, seed=77)
    assert measure(DEMOS[task], model, tokenizer, examples).share == pytest.approx(share, abs=margin(share))
    assert share >= LEAST_LONG_SHARE[kind]


def stated_share(task: str, kind: str) -> float:
    """The share of right answers that the card states for this kind of example."""
    card = (demo_checkpoint(task) / "README.md").read_text(encoding="utf-8")
    stated = re.search(rf"\| {kind} \| ([\d,]+) \| ([\d,]+) \|", card)
    assert stated, card
    return Score(*(int(number.replace(",", "")) for number in stated.groups())).share


def margin(share: float) -> float:
    """The allowed difference from the card: four standard deviations of a share of SAMPLE examples, plus 0.5%."""
    return 4 * (max(share * (1 - share), 0.01) / SAMPLE) ** 0.5 + 0.005


@pytest.mark.parametrize("task", LONG_TEXT_TASKS)
def test_no_position_is_untrained(task: str) -> None:
    model, _ = demo_model(task)
    assert model.config.max_position_embeddings == DEMOS[task].positions
    rows = model.get_parameter("albert.embeddings.position_embeddings.weight").detach()
    # The second phase begins with copies of the first rows, so an untrained row would still be close to its copy.
    copied = rows[torch.arange(MAX_POSITIONS, len(rows)) % MAX_POSITIONS]
    moved = (rows[MAX_POSITIONS:] - copied).norm(dim=1) / copied.norm(dim=1)
    assert moved.min() > 0.05


@pytest.mark.parametrize("task", LONG_TEXT_TASKS)
def test_one_example_is_long(task: str) -> None:
    _, tokenizer = demo_model(task)
    lengths = [
        len(tokenizer(example.inputs["question"], example.inputs["context"], truncation=False).encodings[0])
        for example in demo_examples(task)
    ]
    assert MAX_POSITIONS < max(lengths) <= DEMOS[task].positions


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_makes_the_same_texts(task: str) -> None:
    def texts(seed: int, held_out: bool) -> list[Example]:
        rng = Random(seed)
        return [DEMOS[task].make(rng, Words(held_out), step / 20) for step in range(20)]

    assert texts(5, held_out=False) == texts(5, held_out=False)
    assert texts(5, held_out=False) != texts(6, held_out=False)
    assert texts(5, held_out=False) != texts(5, held_out=True)


def test_contexts_contain_their_answer() -> None:
    rng = Random(3)
    for _ in range(200):
        example = DEMOS["question-answering"].make(rng, Words(held_out=False), 1.0)
        start, end = example.target.answer
        assert example.inputs["context"][start:end] == example.expected


@pytest.mark.parametrize("characters", [240, 1150])
def test_long_contexts_contain_their_answer(characters: int) -> None:
    rng = Random(5)
    for _ in range(50):
        example = DEMOS["question-answering"].make_long(rng, Words(held_out=True), characters)
        start, end = example.target.answer
        assert example.inputs["context"][start:end] == example.expected
        assert characters <= len(example.inputs["context"]) + 1 <= characters + 150


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(UsageError, match="question-answering"):
        demo_checkpoint("translation")


def test_the_message_about_a_missing_demo_says_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(demos, "_FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match="--model"):
        demo_checkpoint("qa")


def test_damaged_examples_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(demos, "_FOLDER", tmp_path)
    folder = tmp_path / "question-answering"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "examples.json").write_text("[{}]", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"examples\.json"):
        demo_examples("qa")


def test_examples_are_frozen() -> None:
    with pytest.raises(AttributeError):
        DemoExample({}, None).expected = "else"  # type: ignore[misc]
