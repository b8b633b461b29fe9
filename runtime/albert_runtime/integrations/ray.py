"""A bundle in Ray Data: `dataset.map_batches(AnswerBatches, ...)`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albert_runtime.errors import DependencyError, UsageError
from albert_runtime.integrations.tables import ANSWER_COLUMN, ERROR_COLUMN, answer_table
from albert_runtime.session import load

if TYPE_CHECKING:
    from pyarrow import Table


class AnswerBatches:
    """Adds to the rows of a Ray dataset the answers of a bundle; each actor of Ray opens the bundle once.

        dataset.map_batches(
            AnswerBatches,
            fn_constructor_args=("/models/my-bundle",),
            fn_constructor_kwargs={"columns": {"text": "review"}},
            compute=ray.data.ActorPoolStrategy(size=4),
            batch_format="pyarrow",
        )

    Two columns of text are added. "answer" is the answer as JSON, as `albert-export run --json` prints it, or None.
    "error" is the reason why a row has no answer, such as an empty text, or None. Other columns stay as they are.

    The batches are Arrow tables, because those know that a column is of text even where all of its values are None.
    From other batches, Ray would guess another type for such a column, and the files that it writes would not fit
    together.

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

    def __call__(self, batch: Table) -> Table:
        """`batch` with the two columns.

        Raises:
            UsageError: the batches are not Arrow tables, or a column is missing; or a row can't be answered, and
                `strict` is set.
        """
        if not hasattr(batch, "column_names"):
            raise UsageError(
                f'a batch is a {type(batch).__name__}; give map_batches the argument batch_format="pyarrow"'
            )
        import pyarrow

        answers, errors = answer_table(
            self._session, batch, batch.column_names, columns=self._columns, strict=self._strict, options=self._options
        )
        added = {ANSWER_COLUMN: answers, ERROR_COLUMN: errors}
        table = batch.select([name for name in batch.column_names if name not in added])
        for name, values in added.items():
            table = table.append_column(name, pyarrow.array(values, pyarrow.string()))
        return table


def _cpus_of_actor() -> int:
    try:
        import ray
    except ImportError as error:
        raise DependencyError(f"this needs Ray ({error}): pip install 'ray[data]'") from error
    if not ray.is_initialized():
        return 1
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
