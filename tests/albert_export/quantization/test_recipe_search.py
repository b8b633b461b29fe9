"""The recipe search: which recipes are tried, in which order, and what the report records of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from albert_export.quantization.accuracy import AccuracyReport
from albert_export.quantization.accuracy_options import AccuracyBudget
from albert_export.quantization.recipe_search import search_recipes
from albert_export.quantization.recipes import MATRICES, PLAIN, Recipe, max_kept, recipes_for
from albert_export.quantization.search_report import SearchReport
from tests.accuracy_reports import report_of

RECIPES = (Recipe("one"), Recipe("two", split=True), Recipe("three", block=64))


@dataclass
class CannedCandidates:
    """Its candidates are the recipes themselves, and the agreement of each is known."""

    keeps: dict[str, float]
    skipped: tuple[str, ...] = ()
    near_ties: tuple[str, ...] = ()
    built: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)
    complete: list[str] = field(default_factory=list)

    def reason_to_skip(self, recipe: Recipe) -> str:
        return "nothing new" if recipe.name in self.skipped else ""

    def build(self, recipe: Recipe) -> Recipe:
        self.built.append(recipe.name)
        return recipe

    def measure(self, candidate: Recipe, *, complete: bool) -> AccuracyReport:
        self.complete += [candidate.name] * complete
        self.measured.append(candidate.name)
        return report_of(self.keeps.get(candidate.name, 0.0))

    def logit_error(self, candidate: Recipe) -> float:
        return MATRICES.index(candidate.kept[0]) / 10  # the first matrix helps most

    def violations(self, candidate: Recipe, report: AccuracyReport) -> list[str]:
        return [] if report.agreement >= 99 else ["too far off"]

    def near_tie_warning(self, candidate: Recipe, report: AccuracyReport) -> str:
        return "by near ties" if candidate.name in self.near_ties else ""


def searched(
    source: CannedCandidates, recipes: tuple[Recipe, ...] = RECIPES, max_kept: int = 2
) -> tuple[Recipe | None, SearchReport]:
    report = SearchReport(AccuracyBudget(), "a corpus")
    return search_recipes(recipes, max_kept, source, report, lambda step: None), report


def test_the_first_that_is_good_enough_is_taken() -> None:
    source = CannedCandidates({"one": 99.0, "two": 100.0})
    best, report = searched(source)
    assert best == RECIPES[0]
    assert source.built == ["one"]
    assert report.taken is not None
    assert report.taken.recipe == RECIPES[0]


def test_a_candidate_with_a_near_tie_warning_gives_way_to_a_better_one() -> None:
    best, report = searched(CannedCandidates({"one": 99.0, "two": 100.0}, near_ties=("one",)))
    assert best == RECIPES[1]
    assert [trial.violations for trial in report.trials] == [("by near ties",), ()]


def test_a_candidate_with_a_near_tie_warning_is_taken_if_no_other_is_better() -> None:
    source = CannedCandidates({"one": 99.0}, near_ties=("one",))
    best, report = searched(source)
    assert best == RECIPES[0]
    assert source.built == ["one", "two", "three", "one"]
    assert source.measured == ["one", "two", "three"]
    assert report.taken is not None
    assert report.taken.recipe == RECIPES[0]


def test_skipped_recipes_are_recorded_and_not_built() -> None:
    source = CannedCandidates({"three": 99.5}, skipped=("two",))
    best, report = searched(source)
    assert best == RECIPES[2]
    assert source.built == ["one", "three"]
    assert [trial.violations for trial in report.trials] == [("too far off",), ("nothing new",), ()]
    assert report.to_dict()["trials"][1] == {"recipe": "two", "violations": ["nothing new"]}


def test_the_most_sensitive_matrices_are_kept_last() -> None:
    name = "three; attention.query, attention.key in higher precision"
    source = CannedCandidates({name: 100.0})
    best, report = searched(source)
    assert best is not None
    assert best.kept == ("attention.query", "attention.key")
    assert best.block == 64
    assert [trial.recipe.name for trial in report.trials][-2:] == ["three; attention.query in higher precision", name]


def test_if_every_recipe_fails_none_is_taken() -> None:
    source = CannedCandidates({})
    best, report = searched(source)
    assert best is None
    assert source.complete == ["three; attention.query, attention.key in higher precision"]
    assert report.taken is None
    assert len(report.trials) == 5


def test_one_recipe_has_no_matrices_to_keep() -> None:
    source = CannedCandidates({})
    assert searched(source, PLAIN, max_kept("fp16"))[0] is None
    assert source.built == source.complete == ["plain"]
    assert 0 < max_kept("int8") < max_kept("int4") < len(MATRICES)


def test_every_quantized_format_has_several_recipes() -> None:
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
