"""The ladder: recipes are tried one after the other, until one keeps the answers within the budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, TypeVar

from albert_export.quantization.accuracy import Measured
from albert_export.quantization.budget import Budget
from albert_export.quantization.recipes import MATRICES, Recipe
from albert_export.utils.terminal import Progress

Made = TypeVar("Made")


@dataclass(frozen=True)
class Rung:
    """A recipe and what came of it; nothing was measured where it does not apply."""

    recipe: Recipe
    measured: Measured | None
    #: why it is not good enough; empty for the one that is taken
    objections: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        figures = {} if self.measured is None else self.measured.to_dict()
        return {"recipe": self.recipe.name, **figures, "objections": list(self.objections)}


@dataclass
class Climb:
    """The rungs that were tried, in their order; the last one is taken, if it has no objections."""

    budget: Budget
    #: what was asked, in words
    texts: str
    rungs: list[Rung] = field(default_factory=list)

    @property
    def taken(self) -> Rung | None:
        return self.rungs[-1] if self.rungs and not self.rungs[-1].objections else None

    def to_dict(self) -> dict[str, Any]:
        """What a manifest keeps of it."""
        return {
            "budget": {"differing_answers": self.budget.differing, "metric_drop": self.budget.metric},
            "texts": self.texts,
            "ladder": [rung.to_dict() for rung in self.rungs],
        }


class Workshop(Protocol[Made]):
    """What a ladder needs of an export: graphs made by a recipe, and what they are worth."""

    def applies(self, recipe: Recipe) -> str:
        """Empty, or why the recipe gives nothing new."""
        ...

    def make(self, recipe: Recipe) -> Made:
        """A graph by `recipe`, ready to be asked."""
        ...

    def measure(self, made: Made) -> Measured:
        """What the graph keeps."""
        ...

    def error(self, made: Made) -> float:
        """How far the graph's outputs are off: quicker than `measure`."""
        ...

    def objections(self, made: Made, measured: Measured) -> list[str]:
        """Why the graph is not good enough."""
        ...

    def doubt(self, made: Made, measured: Measured) -> str:
        """Empty, or why a later recipe is to be preferred to this graph, which is good enough."""
        ...


def climb(
    recipes: tuple[Recipe, ...], most_kept: int, workshop: Workshop[Made], record: Climb, progress: Progress
) -> Made | None:
    """Makes graphs by `recipes`, then with up to `most_kept` sensitive matrices kept, until one has no objections.

    A graph that is good enough, and in doubt all the same, is taken where no later recipe has a better one.

    Returns:
        That graph, or None where none is good enough. `record` has each rung.
    """
    in_doubt: list[Recipe] = []

    def try_out(recipe: Recipe) -> Made | None:
        reason = workshop.applies(recipe)
        if reason:
            record.rungs.append(Rung(recipe, None, (reason,)))
            return None
        progress(f"trying {recipe.name}")
        made = workshop.make(recipe)
        measured = workshop.measure(made)
        objections = workshop.objections(made, measured)
        doubt = "" if objections or in_doubt else workshop.doubt(made, measured)
        if doubt:
            in_doubt.append(recipe)
            objections = [doubt]
        record.rungs.append(Rung(recipe, measured, tuple(objections)))
        return None if objections else made

    for recipe in chain(recipes, in_doubt):  # by the time they are reached, those in doubt are known
        made = try_out(recipe)
        if made is not None:
            return made
    if not most_kept:
        return None
    last = next(rung.recipe for rung in reversed(record.rungs) if rung.measured)
    ranking = _most_sensitive_first(last, workshop, progress)
    for count in range(1, most_kept + 1):
        made = try_out(last.keeping(*ranking[:count]))
        if made is not None:
            return made
    return None


def _most_sensitive_first(recipe: Recipe, workshop: Workshop[Made], progress: Progress) -> list[str]:
    """`MATRICES`, the one first that helps most by being kept in higher precision."""
    errors = {}
    for matrix in MATRICES:
        progress(f"how sensitive is {matrix}?")
        errors[matrix] = workshop.error(workshop.make(recipe.keeping(matrix)))
    return sorted(errors, key=lambda matrix: errors[matrix])
