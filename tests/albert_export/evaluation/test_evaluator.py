"""evaluate on the demos and on tiny models: answers, examples that are left out, and metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from albert_export.demos import demo_checkpoint
from albert_export.evaluation import Dataset, Example, evaluate, find_model, read_dataset
from albert_runtime import load
from albert_runtime.errors import UsageError
from tests.conftest import CheckpointOf, DemoBundleOf, save_tiny
from tools.train_demos.labelled_files import DEMO_FILES, write_demo_file

#: lowest accepted primary metric in percent, on examples like those of the training; chance would give 50, 50, 0, 40, 0
#: and 50
LEAST = {
    "question-answering": 85,
    "text-classification": 90,
    "token-classification": 80,
    "multiple-choice": 90,
    "fill-mask": 30,  # half of the words that are masked in the test were never masked in the training
    "pretraining": 80,
}
PRIMARY = {
    "question-answering": "f1",
    "text-classification": "accuracy",
    "token-classification": "f1",
    "multiple-choice": "accuracy",
    "fill-mask": "accuracy",
    "pretraining": "order_accuracy",
}


@pytest.mark.parametrize("task", DEMO_FILES)
def test_a_demo_scores_far_above_chance(tmp_path: Path, task: str) -> None:
    model = find_model(demo_checkpoint(task))
    dataset = read_dataset(
        write_demo_file(tmp_path, task), model.task, labels=model.labels, problem_type=model.problem_type
    )
    evaluation = evaluate(model.open(), dataset)
    assert evaluation.primary == PRIMARY[task]
    assert LEAST[task] < evaluation.score <= 100
    assert len(evaluation.answers) == len(dataset.examples)
    assert all(0 <= value <= 100 for name, value in evaluation.metrics.items() if name != "matthews")


@pytest.mark.slow
@pytest.mark.parametrize("task", DEMO_FILES)
def test_a_tflite_bundle_scores_like_its_checkpoint(tmp_path: Path, task: str, demo_bundle_of: DemoBundleOf) -> None:
    model = find_model(demo_checkpoint(task))
    bundle = load(demo_bundle_of("tflite", task, "fp32"))
    dataset = read_dataset(write_demo_file(tmp_path, task), model.task, labels=model.labels)
    of_bundle, of_checkpoint = evaluate(bundle, dataset), evaluate(model.open(), dataset)
    assert of_bundle.answers == of_checkpoint.answers
    assert of_bundle.metrics == of_checkpoint.metrics


def test_regression_and_several_labels(tmp_path: Path) -> None:
    file = tmp_path / "data.tsv"
    file.write_text("He left.\tHe went away.\t4.5\nIt rains.\tIt is dry now.\t0.5\nA cat.\tA dog barked.\t2\n")
    model = find_model(save_tiny(tmp_path / "value", "text-classification", num_labels=1))
    evaluation = evaluate(model.open(), read_dataset(file, model.task, labels=model.labels))
    assert evaluation.metrics.keys() == {"pearson", "spearman"}
    assert evaluation.primary == "pearson"
    assert [type(answer) for answer in evaluation.answers] == [float] * 3

    file.write_text("He left it.\tLABEL_0,LABEL_2\nIt rains.\t\n")
    model = find_model(
        save_tiny(tmp_path / "several", "text-classification", num_labels=3, problem_type="multi_label_classification")
    )
    dataset = read_dataset(file, model.task, labels=model.labels, problem_type=model.problem_type)
    evaluation = evaluate(model.open(), dataset)
    assert evaluation.metrics.keys() == {"accuracy", "macro_f1", "micro_f1"}
    assert all(set(answer) <= set(model.labels) for answer in evaluation.answers)


def masks(*pairs: tuple[str, str]) -> Dataset:
    return Dataset(Path("file"), "fill-mask", "masks", tuple(Example({"text": text}, word) for text, word in pairs))


def test_words_that_are_not_one_piece_are_left_out(bundle_of: CheckpointOf) -> None:
    session = load(bundle_of("fill-mask"))
    dataset = masks(
        ("The [MASK] sat on the mat.", "cat"),
        ("The [MASK] sat on the mat.", "qzxjv"),  # several pieces
        ("word " * 60 + "and the [MASK] sat.", "cat"),  # cut off
    )
    evaluation = evaluate(session, dataset)
    assert [answer is None for answer in evaluation.answers] == [False, True, True]
    assert evaluation.to_dict()["left_out"] == 2
    assert evaluation.answers[0].keys() == {"filled", "right", "in_top_5"}


def test_the_masked_word_is_right_if_the_model_predicts_it(bundle_of: CheckpointOf) -> None:
    session = load(bundle_of("fill-mask"))
    text = "The [MASK] sat on the mat."
    pieces = [one.token_id for one in session(text, top_k=40)[0]]
    # words of one piece -> their rank among the predictions
    words = {
        token.removeprefix("▁"): rank
        for rank, token in enumerate(session.tokenizer.convert_ids_to_tokens(pieces))
        if token.startswith("▁") and token[1:].isalpha() and token[1:].isascii()
    }
    assert min(words.values()) < 5 < max(words.values())
    best = session.tokenizer.convert_ids_to_tokens(pieces[:1])[0].removeprefix("▁")
    evaluation = evaluate(session, masks(*((text, word) for word in words)))
    for answer, rank in zip(evaluation.answers, words.values(), strict=True):
        assert answer == {"filled": best, "right": rank == 0, "in_top_5": rank < 5}


def test_nothing_to_score(bundle_of: CheckpointOf) -> None:
    with pytest.raises(UsageError, match="none is one piece"):
        evaluate(load(bundle_of("fill-mask")), masks(("The [MASK] sat.", "qzxjv")))


def test_pretraining(bundle_of: CheckpointOf) -> None:
    session = load(bundle_of("pretraining"))
    examples = (
        Example({"first": "The [MASK] sat.", "second": "It slept."}, (True, "cat")),
        Example({"first": "The cat sat.", "second": "It [MASK]."}, (True, "qzxjv")),
        Example({"first": "1 2", "second": "3 4"}, (False, None)),
        Example({"first": "word " * 60 + "[MASK]", "second": "word " * 60}, (False, "cat")),
    )
    evaluation = evaluate(session, Dataset(Path("file"), "pretraining", "masks and order", examples))
    assert evaluation.answers[0].keys() == {"in_order", "filled", "right", "in_top_5"}
    assert evaluation.answers[1].keys() == evaluation.answers[2].keys() == {"in_order"}
    assert evaluation.answers[3] is None
    orders = [session(**one.request).in_order == one.expected[0] for one in examples[:3]]
    assert evaluation.metrics["order_accuracy"] == pytest.approx(100 * sum(orders) / 3)
    assert evaluation.metrics["accuracy"] == 100 * evaluation.answers[0]["right"]
    no_mask = evaluate(session, Dataset(Path("file"), "pretraining", "masks and order", examples[2:3]))
    assert no_mask.metrics.keys() == {"order_accuracy"}


def test_a_limit_and_a_tracker(bundle_of: CheckpointOf) -> None:
    tracked: list[Example] = []

    def track(chosen: Sequence[Example]) -> Iterator[Example]:
        assert len(chosen) == 3
        for one in chosen:
            yield one
            tracked.append(one)

    examples = tuple(Example({"prompt": "It rained.", "choices": ["a", "b"]}, index % 2) for index in range(5))
    dataset = Dataset(Path("file"), "multiple-choice", "choices", examples)
    session = load(bundle_of("multiple-choice"))
    evaluation = evaluate(session, dataset, limit=3, track=track)
    assert tracked == list(examples[:3])
    assert len(evaluation.answers) == 3
    assert evaluate(session, dataset, limit=50).answers == [evaluation.answers[0]] * 5
    assert evaluate(session, dataset, limit=1).score in (0, 100)
    with pytest.raises(UsageError, match="limit"):
        evaluate(session, dataset, limit=0)


def test_a_dataset_of_another_task(bundle_of: CheckpointOf) -> None:
    with pytest.raises(UsageError, match="was read for fill-mask, and the model is for multiple-choice"):
        evaluate(load(bundle_of("multiple-choice")), masks(("The [MASK] sat.", "cat")))
