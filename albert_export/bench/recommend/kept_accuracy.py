"""KeptAccuracy: how many of the original's answers a graph keeps, as its manifest says."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from albert_export.quantization.accuracy_options import AccuracyBudget
from albert_runtime.manifest import Manifest


@dataclass(frozen=True)
class KeptAccuracy:
    """What the export measured of the graph that it wrote."""

    #: of 100 answers, how many are the original's; None if the manifest does not say
    agreement: float | None = None
    #: the data that the answers were measured on, in words
    texts: str = ""
    #: the metric of the task on labelled data, and by how many points it fell; None without such data
    metric: str | None = None
    drop: float | None = None

    @classmethod
    def of(cls, manifest: Manifest) -> KeptAccuracy:
        """Return what `manifest` says of the graph that it describes; nothing where it says it in an unknown form.

        Exports in fp32 and fp16 compare decoded answers with the original's, and fail where one differs. Those in other
        precisions count the answers that differ.
        """
        with contextlib.suppress(KeyError, IndexError, TypeError, ValueError, AttributeError):
            if manifest.recipe_search:
                return _of_trial(manifest.recipe_search["trials"][-1], str(manifest.recipe_search["texts"]))
            if manifest.parity["checks"]["answers"]["passed"] is True:
                return cls(100.0, str(manifest.parity["checks"]["answers"].get("detail", "")))
        return cls()

    @property
    def is_known(self) -> bool:
        """Whether the manifest says how many answers are kept."""
        return self.agreement is not None

    def excess(self, budget: AccuracyBudget) -> str:
        """Return in words what exceeds the budget; empty if nothing is known to."""
        problems = []
        if self.agreement is not None and 100 - self.agreement > budget.differing_answers + _ROUNDING:
            problems.append(f"{100 - self.agreement:.1f} of 100 answers differ")
        if self.drop is not None and self.drop > budget.metric_drop + _ROUNDING:
            problems.append(f"{self.metric} fell by {self.drop:.2f} points")
        return " and ".join(problems)

    def __str__(self) -> str:
        if self.agreement is None:
            return "not known"
        metric = "" if self.drop is None else f", {self.metric} {-self.drop:+.2f}"
        return f"{self.agreement:.1f}%{metric}"


#: percentages that stand in JSON are no exact binary numbers
_ROUNDING = 1e-9


def _of_trial(trial: Mapping[str, Any], texts: str) -> KeptAccuracy:
    """What the last trial of a recipe search says. If it has violations, no graph was accepted and nothing is known."""
    if trial["violations"]:
        return KeptAccuracy()
    drop = trial["drop"]
    return KeptAccuracy(float(trial["agreement"]), texts, trial["metric"], None if drop is None else float(drop))
