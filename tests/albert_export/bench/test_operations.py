"""The operations of matrix products, compared with those that PyTorch counts while the reference models run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import albert_export
from albert_export.bench.operations import count_operations
from albert_export.config import AlbertConfig
from albert_runtime.tasks import TASKS, Task

CONFIG = AlbertConfig(
    vocab_size=50,
    embedding_size=8,
    hidden_size=12,
    num_attention_heads=2,
    intermediate_size=20,
    max_position_embeddings=16,
    num_hidden_layers=3,
    num_labels=5,
)
BEAM_SEARCH = TASKS["question-answering"].with_head("beam-search")
ALL_TOKENS = [*(TASKS[name] for name in ("feature-extraction", "pretraining", "fill-mask")), BEAM_SEARCH,
              *(TASKS[name] for name in ("token-classification", "question-answering"))]  # fmt: skip
FIRST_TOKEN = [TASKS[name] for name in ("text-classification", "multiple-choice")]


def computed(config: AlbertConfig, task: Task, sequences: int, length: int) -> int:
    """What the reference model computes for a batch, by PyTorch's own count."""
    model = getattr(albert_export, task.architecture)(config).eval()
    shape = (1, sequences, length) if task.name == "multiple-choice" else (sequences, length)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.ones(shape, dtype=torch.long))
    return int(counter.get_total_flops())


@pytest.mark.parametrize("task", ALL_TOKENS, ids=lambda task: task.architecture)
@pytest.mark.parametrize(("sequences", "length"), [(1, 1), (1, 7), (3, 16)])
def test_all_tokens_are_read(task: Task, sequences: int, length: int) -> None:
    assert count_operations(CONFIG, task, sequences, length).total == computed(CONFIG, task, sequences, length)


def test_the_head_for_the_order_of_texts_is_a_classifier_of_two_labels() -> None:
    order = count_operations(CONFIG, TASKS["pretraining"].with_head("sentence-order"), 3, 7)
    five_labels = count_operations(CONFIG, TASKS["text-classification"], 3, 7)
    assert order == replace(five_labels, head=five_labels.head - 2 * 3 * CONFIG.hidden_size * (5 - 2))


@pytest.mark.parametrize("task", FIRST_TOKEN, ids=lambda task: task.architecture)
def test_the_first_token_is_read(task: Task) -> None:
    sequences, length = 3, 7
    assert count_operations(CONFIG, task, sequences, 1).total == computed(CONFIG, task, sequences, 1)
    hidden, inner = CONFIG.hidden_size, CONFIG.intermediate_size
    with FlopCounterMode(display=False) as counter:  # what the last pass computes of tokens that nobody reads
        others = torch.ones(sequences * (length - 1), hidden)
        for width in (hidden, hidden):  # queries, and the layer behind the context
            others @ torch.ones(hidden, width)
        (others @ torch.ones(hidden, inner)) @ torch.ones(inner, hidden)
        states = torch.ones(sequences, length - 1, hidden)
        scores = states @ torch.ones(sequences, hidden, length)
        scores @ torch.ones(sequences, length, hidden)
    needed = count_operations(CONFIG, task, sequences, length).total
    assert needed + counter.get_total_flops() == computed(CONFIG, task, sequences, length)


def test_layers_in_groups() -> None:
    config = AlbertConfig(**{**vars(CONFIG), "num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2})
    task = TASKS["token-classification"]
    assert count_operations(config, task, 2, 5).total == computed(config, task, 2, 5)


def test_an_output_that_the_graph_lacks_is_not_counted() -> None:
    whole = count_operations(CONFIG, TASKS["feature-extraction"], 2, 5)
    without = count_operations(CONFIG, TASKS["feature-extraction"].without(["pooler_output"]), 2, 5)
    assert whole.head == 2 * 2 * CONFIG.hidden_size**2
    assert without.head == 0
    assert whole.total - without.total == whole.head


def test_base_at_128_tokens() -> None:
    config = AlbertConfig.from_name("albert-base-v2")
    assert count_operations(config, TASKS["question-answering"], 1, 128).total == 22_372_810_752
