"""read_dataset: reads a file of labelled examples, or lists all that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from albert_export.evaluation.datasets.conll import read_conll
from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.datasets.formats import FORMAT_OF_TASK, refuse_other_format
from albert_export.evaluation.datasets.glue_tsv import read_table
from albert_export.evaluation.datasets.multiple_choice import read_choices
from albert_export.evaluation.datasets.plain_text import read_masks, read_orders
from albert_export.evaluation.datasets.squad import read_squad
from albert_export.evaluation.metrics.registry import MEASURES
from albert_export.utils.text_file import read_text
from albert_runtime.errors import UnsupportedError, UsageError
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
    if name not in FORMAT_OF_TASK:
        raise UnsupportedError(
            f"{name} computes vectors, for which there are no right answers; compare them with those of the "
            "checkpoint instead: albert-export verify BUNDLE --model CHECKPOINT"
        )
    file = Path(file)
    text = read_text(file, "evaluation data", f"for {name} give {FORMAT_OF_TASK[name]}")
    refuse_other_format(file, text, name)
    try:
        dataset = _read(file, text, name, tuple(labels), problem_type)
    except UsageError as error:
        message = str(error)
        raise UsageError(message if message.startswith(str(file)) else f"{file}: {message}") from error
    MEASURES[dataset.kind].require()
    return dataset


def _read(file: Path, text: str, task: str, labels: tuple[str, ...], problem_type: str | None) -> Dataset:
    if task == "question-answering":
        return read_squad(file, text)
    if task == "text-classification":
        return read_table(file, text, labels, problem_type)
    if task == "token-classification":
        return read_conll(file, text, labels)
    if task == "multiple-choice":
        return read_choices(file, text)
    return read_masks(file, text) if task == "fill-mask" else read_orders(file, text)
