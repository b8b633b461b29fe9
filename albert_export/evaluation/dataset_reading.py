"""read_dataset: reads a file of labelled examples, or lists all that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.datasets.formats import refuse_other_format
from albert_export.evaluation.metrics.registry import find_measure
from albert_export.tasks import TASK_SPECS
from albert_export.utils.text_file import read_text
from albert_runtime.errors import UnsupportedError, UsageError
from albert_runtime.lazy_import import load_object
from albert_runtime.tasks import Task, find_task

__all__ = ["Dataset", "Example", "read_dataset"]


def read_dataset(
    file: str | Path, task: Task | str, *, labels: Sequence[str] = (), problem_type: str | None = None
) -> Dataset:
    """Read the examples in `file` for models of `task`.

    The model need not be loaded yet, so that data which can't be used is refused before that.

    Args:
        file: a UTF-8 file. question-answering: SQuAD JSON; text-classification: TSV; token-classification: CoNLL;
            multiple-choice: JSONL; fill-mask and pretraining: plain text.
        task: a task, its name or an alias.
        labels: labels of the model in the order of its outputs; only for text-classification and token-classification.
        problem_type: "problem_type" of the model's configuration; only for text-classification.

    Raises:
        UsageError: the file can't be read, is in the format of another task, is damaged, or has labels that the model
            does not know; the message lists all that is wrong.
        UnsupportedError: the task has no labelled data.
        DependencyError: the package that computes the metrics is missing.
    """
    name = find_task(task).name if isinstance(task, str) else task.name
    data = TASK_SPECS[name].labelled_data
    if data is None:
        raise UnsupportedError(
            f"{name} computes vectors, for which there are no right answers; compare them with those of the "
            "checkpoint instead: albert-export verify BUNDLE --model CHECKPOINT"
        )
    file = Path(file)
    text = read_text(file, "evaluation data", f"for {name} give {data.file_format}")
    refuse_other_format(file, text, name)
    try:
        options = {"labels": tuple(labels), "problem_type": problem_type}
        dataset: Dataset = load_object(data.reader)(file, text, **{one: options[one] for one in data.reader_arguments})
    except UsageError as error:
        message = str(error)
        raise UsageError(message if message.startswith(str(file)) else f"{file}: {message}") from error
    find_measure(dataset).require()
    return dataset
