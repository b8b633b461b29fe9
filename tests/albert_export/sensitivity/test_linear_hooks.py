"""Products: every multiplication by weights is seen in its pass, runs begin anywhere, and the model stays itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from albert_export.sensitivity.linear_hooks import Product, Products
from albert_runtime.tasks import TASKS, find_task
from tests.albert_export.sensitivity.scanned import model_of, unchanged
from tests.conftest import CheckpointOf, save_tiny

LAYER = "albert.encoder.albert_layer_groups.{}.albert_layers.{}."
MATRICES = ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output")
HEADS = {
    "feature-extraction": ["albert.pooler"],
    "pretraining": ["albert.pooler", "predictions.dense", "predictions.decoder", "sop_classifier.classifier"],
    "fill-mask": ["predictions.dense", "predictions.decoder"],
    "text-classification": ["albert.pooler", "classifier"],
    "token-classification": ["classifier"],
    "multiple-choice": ["albert.pooler", "classifier"],
    "question-answering": ["qa_outputs"],
}


def seen(model: Any, task: str, sample: Any) -> list[Product]:
    found: list[Product] = []

    def visit(product: Product, x: Any, weight: Any) -> Any:
        found.append(product)
        assert x.shape[-1] == weight.shape[1]
        return x, weight

    Products(model, find_task(task)).run(sample, visit)
    return found


@pytest.mark.parametrize("task", TASKS)
def test_every_product_is_seen_in_order(checkpoint_of: CheckpointOf, task: str) -> None:
    model, [sample] = model_of(checkpoint_of(task), task, 1)
    products = seen(model, task, sample)
    layer = LAYER.format(0, 0)
    assert products[0] == Product("albert.encoder.embedding_hidden_mapping_in", None)
    assert products[1:19] == [Product(layer + matrix, number) for number in (1, 2, 3) for matrix in MATRICES]
    assert sorted(products[19:]) == sorted(Product(head, None) for head in HEADS[task])


def test_groups_and_inner_layers_have_the_passes_they_run_in(tmp_path: Path) -> None:
    options = {"num_hidden_groups": 2, "inner_group_num": 2, "num_hidden_layers": 4}
    model, [sample] = model_of(save_tiny(tmp_path / "model", "question-answering", **options), "question-answering", 1)
    ffn = [product for product in seen(model, "question-answering", sample) if product.module.endswith(".ffn")]
    assert ffn == [
        Product(LAYER.format(group, inner) + "ffn", number)
        for number, group in ((1, 0), (2, 0), (3, 1), (4, 1))
        for inner in (0, 1)
    ]


@pytest.mark.parametrize("groups", [1, 2])
def test_a_run_that_begins_later_gives_the_same_bits(tmp_path: Path, groups: int) -> None:
    task = "token-classification"
    options = {"num_hidden_groups": groups, "inner_group_num": groups, "num_hidden_layers": 4}
    model, [sample] = model_of(save_tiny(tmp_path / "model", task, **options), task, 1)
    products = Products(model, find_task(task))
    whole = products.run(sample, unchanged)
    assert len(whole.states) == 5
    for first in range(1, 6):
        passes: set[int | None] = set()

        def visit(product: Product, x: Any, weight: Any, passes: set[int | None] = passes) -> Any:
            passes.add(product.pass_number)
            return x, weight

        later = products.run(sample, visit, first_pass=first, states=whole.states)
        assert torch.equal(later.outputs["logits"], whole.outputs["logits"])
        assert passes - {None} == set(range(first, 5))


def test_what_a_visit_returns_is_multiplied(checkpoint_of: CheckpointOf) -> None:
    task = "token-classification"
    model, [sample] = model_of(checkpoint_of(task), task, 1)

    def zeroed(product: Product, x: Any, weight: Any) -> Any:
        return (x, weight * 0) if product.module == "classifier" else (x, weight)

    logits = Products(model, find_task(task)).run(sample, zeroed).outputs["logits"]
    assert torch.equal(logits, model.classifier.bias.expand_as(logits))


def test_the_model_is_itself_after_a_run_that_fails(checkpoint_of: CheckpointOf) -> None:
    task = "question-answering"
    model, [sample] = model_of(checkpoint_of(task), task, 1)
    products = Products(model, find_task(task))
    before = products.run(sample, unchanged).outputs

    def fails(product: Product, x: Any, weight: Any) -> Any:
        if product.pass_number == 2:
            raise RuntimeError("in the middle")
        return x * 2, weight

    with pytest.raises(RuntimeError, match="in the middle"):
        products.run(sample, fails)
    assert "forward" not in vars(model.albert.encoder.albert_layer_groups[0])
    after = products.run(sample, unchanged).outputs
    assert all(torch.equal(before[name], after[name]) for name in before)
