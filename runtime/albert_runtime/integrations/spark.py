"""A bundle in PySpark: `frame.mapInPandas(answer_frames("my-bundle"), with_answers(frame.schema))`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albert_runtime.bundle import MANIFEST_FILE
from albert_runtime.errors import DependencyError
from albert_runtime.integrations.tables import ANSWER_COLUMN, ERROR_COLUMN, answer_table
from albert_runtime.packed.path import is_packed
from albert_runtime.session import AlbertSession, load

if TYPE_CHECKING:
    from pandas import DataFrame
    from pyspark.sql.types import StructType


def answer_frames(
    bundle: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    threads: int | None = None,
    engine: str | None = None,
    strict: bool = False,
    **options: Any,
) -> Callable[[Iterator[DataFrame]], Iterator[DataFrame]]:
    """The function for `mapInPandas` that adds the answers of a bundle to the rows of a data frame.

        frame.mapInPandas(answer_frames("/models/my-bundle", columns={"text": "review"}), with_answers(frame.schema))

    Two columns of text are added. "answer" is the answer as JSON, as `albert-export run --json` prints it, or null.
    "error" is the reason why a row has no answer, such as an empty text, or null. Each Python process of Spark opens
    the bundle once. `albert_runtime` must be installed on every machine.

    Args:
        bundle: the folder of the bundle, at the same path on every machine.
        columns: argument of the session's call -> the column that holds it; None means columns of the same names.
        threads: the number of threads that compute one answer; None means the cores that Spark gives each task
            (`spark.task.cpus`, which is 1 by default).
        engine: the name of the engine; see `albert_runtime.load`.
        strict: let the job fail at the first row without an answer.
        options: further arguments of each call, such as `top_k=3`.
    """
    folder = str(Path(bundle).absolute())

    def answer(frames: Iterator[DataFrame]) -> Iterator[DataFrame]:
        session = _open(folder, _version(folder), threads or _cpus_of_task(), engine)
        for frame in frames:
            answers, errors = answer_table(
                session, frame, list(frame.columns), columns=columns, strict=strict, options=options
            )
            kept = frame[[name for name in frame.columns if name not in (ANSWER_COLUMN, ERROR_COLUMN)]]
            yield kept.assign(**{ANSWER_COLUMN: answers, ERROR_COLUMN: errors})

    return answer


def with_answers(schema: StructType) -> StructType:
    """`schema` with the two columns that `answer_frames` adds; `schema` itself does not change.

    Raises:
        DependencyError: PySpark is not installed.
    """
    try:
        from pyspark.sql.types import StringType, StructField, StructType
    except ImportError as error:
        raise DependencyError(f"this needs PySpark ({error}): pip install pyspark pandas pyarrow") from error
    added = (ANSWER_COLUMN, ERROR_COLUMN)
    kept = [field for field in schema.fields if field.name not in added]
    return StructType([*kept, *(StructField(name, StringType()) for name in added)])


@functools.lru_cache(maxsize=1)
def _open(folder: str, version: int | None, threads: int, engine: str | None) -> AlbertSession:
    """The session of this process, which stays open from one partition of a data frame to the next.

    Spark keeps its Python processes from one job to the next, so a bundle that was exported again in the meantime has
    another `version`, and is opened again.
    """
    return load(folder, threads=threads, engine=engine)


def _version(folder: str) -> int | None:
    """When the manifest of the bundle, or the packed one, was written; None if there is none, which `load` explains."""
    file = Path(folder)
    file = file if is_packed(file) else file / MANIFEST_FILE
    return file.stat().st_mtime_ns if file.exists() else None


def _cpus_of_task() -> int:
    from pyspark import TaskContext

    task = TaskContext.get()
    return task.cpus() if task else 1
