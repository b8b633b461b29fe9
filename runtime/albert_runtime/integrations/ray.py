"""A bundle in Ray Data: `dataset.map_batches(AnswerBatches, ...)`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime.errors import DependencyError
from albert_runtime.integrations.tables import ANSWER_COLUMN, ERROR_COLUMN, answer_table
from albert_runtime.session import load


class AnswerBatches:
    """Adds to the rows of a Ray dataset the answers of a bundle; each actor of Ray opens the bundle once.

        dataset.map_batches(
            AnswerBatches,
            fn_constructor_args=("/models/my-bundle",),
            fn_constructor_kwargs={"columns": {"text": "review"}},
            concurrency=4,
        )

    Two columns of text are added. "answer" is the answer as JSON, as `albert-export run --json` prints it, or None.
    "error" is the reason why a row has no answer, such as an empty text, or None.

    Args:
        bundle: the folder of the bundle, at the same path on every machine.
        columns: argument of the session's call -> the column that holds it; None means columns of the same names.
        threads: the number of threads that compute one answer; None means the CPUs that Ray gives the actor (1, or
            `num_cpus` of `map_batches`).
        engine: the name of the engine; see `albert_runtime.load`.
        strict: let the job fail at the first row without an answer.
        options: further arguments of each call, such as `top_k=3`.

    Raises:
        DependencyError: Ray is not installed. For other reasons see `albert_runtime.load`.
    """

    def __init__(
        self,
        bundle: str | Path,
        *,
        columns: Mapping[str, str] | None = None,
        threads: int | None = None,
        engine: str | None = None,
        strict: bool = False,
        **options: Any,
    ) -> None:
        self._session = load(bundle, threads=threads or _cpus_of_actor(), engine=engine)
        self._columns = columns
        self._strict = strict
        self._options = options

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """`batch` (column name -> values) with the two columns.

        Raises:
            UsageError: a column is missing; or a row can't be answered, and `strict` is set.
        """
        answers, errors = answer_table(
            self._session, batch, list(batch), columns=self._columns, strict=self._strict, options=self._options
        )
        added = {ANSWER_COLUMN: answers, ERROR_COLUMN: errors}
        return {**batch, **{name: np.array(values, dtype=object) for name, values in added.items()}}


def _cpus_of_actor() -> int:
    try:
        import ray
    except ImportError as error:
        raise DependencyError(f"this needs Ray ({error}): pip install 'ray[data]'") from error
    if not ray.is_initialized():
        return 1
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
