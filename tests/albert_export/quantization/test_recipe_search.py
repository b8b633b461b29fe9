"""The ladder: which recipes are tried, in which order, and what is said of each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from albert_export.quantization.accuracy import Gate, Measured
from albert_export.quantization.budget import Budget
from albert_export.quantization.recipe_search import Climb, climb
from albert_export.quantization.recipes import MATRICES, PLAIN, Recipe, most_kept, recipes_for
from albert_export.quantization.search_report import HEADINGS, markdown_table, text_table
from albert_runtime.errors import UsageError

RECIPES = (Recipe("one"), Recipe("two", split=True), Recipe("three", block=64))


def measured(agreement: float, **figures: Any) -> Measured:
    known = {"texts": 100, "answers": 100, "near_ties": 0, "logit_error": 0.1, "bytes": 2_000_000, "milliseconds": 3.0}
    return Measured(agreement=agreement, **{**known, **figures})


@dataclass
class CannedWorkshop:
    """Graphs are recipes, and what each keeps is known."""

    keeps: dict[str, float]
    useless: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    made: list[str] = field(default_factory=list)

    def applies(self, recipe: Recipe) -> str:
        return "nothing new" if recipe.name in self.useless else ""

    def make(self, recipe: Recipe) -> Recipe:
        self.made.append(recipe.name)
        return recipe

    def measure(self, made: Recipe) -> Measured:
        return measured(self.keeps.get(made.name, 0.0))

    def error(self, made: Recipe) -> float:
        return MATRICES.index(made.kept[0]) / 10  # the first matrix helps most

    def objections(self, made: Recipe, measured: Measured) -> list[str]:
        return [] if measured.agreement >= 99 else ["too far off"]

    def doubt(self, made: Recipe, measured: Measured) -> str:
        return "by near ties" if made.name in self.doubtful else ""


def climbed(
    workshop: CannedWorkshop, recipes: tuple[Recipe, ...] = RECIPES, most_kept: int = 2
) -> tuple[Recipe | None, Climb]:
    record = Climb(Budget(), "a corpus")
    return climb(recipes, most_kept, workshop, record, lambda step: None), record


def test_the_first_that_is_good_enough_is_taken() -> None:
    workshop = CannedWorkshop({"one": 99.0, "two": 100.0})
    best, record = climbed(workshop)
    assert best == RECIPES[0]
    assert workshop.made == ["one"]
    assert record.taken is not None
    assert record.taken.recipe == RECIPES[0]


def test_what_is_in_doubt_gives_way_to_a_better_one() -> None:
    best, record = climbed(CannedWorkshop({"one": 99.0, "two": 100.0}, doubtful=("one",)))
    assert best == RECIPES[1]
    assert [rung.objections for rung in record.rungs] == [("by near ties",), ()]


def test_what_is_in_doubt_is_taken_where_nothing_is_better() -> None:
    workshop = CannedWorkshop({"one": 99.0}, doubtful=("one",))
    best, record = climbed(workshop)
    assert best == RECIPES[0]
    assert workshop.made == ["one", "two", "three", "one"]
    assert record.taken is not None
    assert record.taken.recipe == RECIPES[0]


def test_recipes_that_give_nothing_new_are_told_and_not_made() -> None:
    workshop = CannedWorkshop({"three": 99.5}, useless=("two",))
    best, record = climbed(workshop)
    assert best == RECIPES[2]
    assert workshop.made == ["one", "three"]
    assert [rung.objections for rung in record.rungs] == [("too far off",), ("nothing new",), ()]
    assert record.to_dict()["ladder"][1] == {"recipe": "two", "objections": ["nothing new"]}


def test_at_last_the_most_sensitive_matrices_are_kept() -> None:
    name = "three; attention.query, attention.key in higher precision"
    workshop = CannedWorkshop({name: 100.0})
    best, record = climbed(workshop)
    assert best is not None
    assert best.kept == ("attention.query", "attention.key")
    assert best.block == 64
    assert [rung.recipe.name for rung in record.rungs][-2:] == ["three; attention.query in higher precision", name]


def test_where_nothing_is_good_enough_nothing_is_taken() -> None:
    best, record = climbed(CannedWorkshop({}))
    assert best is None
    assert record.taken is None
    assert len(record.rungs) == 5


def test_one_recipe_has_no_matrices_to_keep() -> None:
    workshop = CannedWorkshop({})
    assert climbed(workshop, PLAIN, most_kept("fp16"))[0] is None
    assert workshop.made == ["plain"]
    assert 0 < most_kept("int8") < most_kept("int4") < len(MATRICES)


def test_every_quantized_format_has_a_ladder() -> None:
    for model_format in ("onnx", "tflite"):
        for precision in ("int8", "int4", "int8-static"):
            recipes = recipes_for(model_format, precision)
            assert len({recipe.name for recipe in recipes}) == len(recipes) >= 2
            assert not recipes[0].split
            assert recipes[-1].split
        assert recipes_for(model_format, "fp16") == PLAIN


def test_matrices_that_a_recipe_keeps() -> None:
    recipe = Recipe("r").keeping("ffn")
    layer = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    assert recipe.keeps(f"{layer}.ffn.weight")
    assert recipe.keeps(f"{layer}.ffn.main.weight")
    assert not recipe.keeps(f"{layer}.ffn_output.weight")
    assert recipe.name == "r; ffn in higher precision"


# --- the budget -----------------------------------------------------------------------------------------------------


def test_budgets() -> None:
    assert Budget.of(None) == Budget(1.0, 0.5)
    assert Budget.of(2) == Budget(2, 2)
    assert str(Budget.of(0)) == "0 of 100 answers may differ, and a metric may fall by 0 points"
    for wrong in (-1, 101, math.nan, math.inf):
        with pytest.raises(UsageError, match="is not a number of points from 0 to 100"):
            Budget.of(wrong)


@pytest.mark.parametrize(
    ("figures", "objections"),
    [
        (measured(99.0), []),
        (measured(98.9), ["1.1% of the answers differ"]),
        (measured(math.nan), ["nan% of the answers differ"]),
        (measured(100.0, logit_error=math.nan), ["outputs that are not finite"]),
        (measured(100.0, metric="f1", score=80.0, drop=0.5), []),
        (measured(100.0, metric="f1", score=80.0, drop=0.6), ["f1 falls by 0.6"]),
        (measured(100.0, metric="f1", score=81.0, drop=-2.0), []),
        (
            measured(90.0, metric="f1", score=math.nan, drop=math.nan),
            ["10.0% of the answers differ", "f1 falls by nan"],
        ),
    ],
)
def test_what_is_outside_the_budget(figures: Measured, objections: list[str]) -> None:
    assert Gate.objections(SimpleNamespace(budget=Budget()), figures) == objections  # type: ignore[arg-type]


def test_a_budget_of_nothing_excuses_no_near_tie() -> None:
    strict, figures = SimpleNamespace(budget=Budget.of(0)), measured(100.0, near_ties=2)
    assert Gate.objections(strict, figures) == ["2.0% of the answers differ"]  # type: ignore[arg-type]
    assert Gate.objections(strict, measured(100.0)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("agreement", "near_ties", "leans"), [(100.0, 1, False), (99.0, 1, True), (100.0, 2, True)])
def test_a_graph_that_leans_on_near_ties(agreement: float, near_ties: int, leans: bool) -> None:
    figures = measured(agreement, near_ties=near_ties)
    assert Gate.leans_on_ties(SimpleNamespace(budget=Budget()), figures) is leans  # type: ignore[arg-type]


# --- the table ------------------------------------------------------------------------------------------------------


def test_tables() -> None:
    _, record = climbed(CannedWorkshop({"three": 99.5}, useless=("two",)))
    ladder = record.to_dict()
    assert text_table(ladder).splitlines() == [
        "recipe  answers kept  output error  MB    ms",
        "one     0.0%          0.100         2.00  3.0  too far off",
        "two                                            nothing new",
        "three   99.5%         0.100         2.00  3.0  taken",
    ]
    lines = markdown_table(ladder)
    assert all(line.count("|") == len(HEADINGS) + 1 for line in lines)
    assert lines[-1] == "| three | 99.5% |  |  | 0.100 | 2.00 | 3.0 | taken |"


def test_the_metric_is_shown_with_its_change() -> None:
    ladder = {
        "ladder": [{"recipe": "r", **measured(99, metric="f1", score=80.0, drop=0.25).to_dict(), "objections": []}]
    }
    assert "f1 80.00 (-0.25)" in text_table(ladder)
