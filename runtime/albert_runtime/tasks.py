"""The contract between converters and runtime: what each task's graph takes and gives.

Names follow Hugging Face's ONNX exports, so that other tools open the graphs too. Ids are int64 in ONNX and
int32 in TFLite; outputs are float32. Every named axis is dynamic unless a static target is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from albert_runtime.errors import UnsupportedError

BATCH = "batch_size"
CHOICES = "num_choices"
SEQUENCE = "sequence_length"

INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True)
class Task:
    """One task: its names, and the tensors of its graph."""

    name: str
    aliases: tuple[str, ...]
    #: class of the reference model and of Hugging Face's `architectures`
    architecture: str
    #: the axes of each of INPUT_NAMES
    input_axes: tuple[str, ...]
    #: output name -> its axes; an axis that is not BATCH, CHOICES or SEQUENCE is fixed by the configuration
    outputs: dict[str, tuple[str, ...]]

    def inputs(self) -> dict[str, tuple[str, ...]]:
        """Input name -> its axes."""
        return dict.fromkeys(INPUT_NAMES, self.input_axes)


_SEQUENCES = (BATCH, SEQUENCE)

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "feature-extraction",
            ("base", "default"),
            "AlbertModel",
            _SEQUENCES,
            {"last_hidden_state": (BATCH, SEQUENCE, "hidden_size"), "pooler_output": (BATCH, "hidden_size")},
        ),
        Task(
            "pretraining",
            ("mlm+sop",),
            "AlbertForPreTraining",
            _SEQUENCES,
            {"prediction_logits": (BATCH, SEQUENCE, "vocab_size"), "sop_logits": (BATCH, "2")},
        ),
        Task(
            "fill-mask",
            ("mlm", "masked-lm"),
            "AlbertForMaskedLM",
            _SEQUENCES,
            {"logits": (BATCH, SEQUENCE, "vocab_size")},
        ),
        Task(
            "text-classification",
            ("sequence-classification", "cls"),
            "AlbertForSequenceClassification",
            _SEQUENCES,
            {"logits": (BATCH, "num_labels")},
        ),
        Task(
            "token-classification",
            ("ner",),
            "AlbertForTokenClassification",
            _SEQUENCES,
            {"logits": (BATCH, SEQUENCE, "num_labels")},
        ),
        Task(
            "multiple-choice",
            ("mc", "swag"),
            "AlbertForMultipleChoice",
            (BATCH, CHOICES, SEQUENCE),
            {"logits": (BATCH, CHOICES)},
        ),
        Task(
            "question-answering",
            ("qa",),
            "AlbertForQuestionAnswering",
            _SEQUENCES,
            {"start_logits": (BATCH, SEQUENCE), "end_logits": (BATCH, SEQUENCE)},
        ),
    )
}

TASK_OF_ALIAS = {alias: task.name for task in TASKS.values() for alias in (task.name, *task.aliases)}


def find_task(name: str) -> Task:
    """The task called `name`, by its full name or an alias.

    Raises:
        UnsupportedError: there is no such task; the message lists all of them.
    """
    key = name.strip().lower().replace("_", "-")
    if key not in TASK_OF_ALIAS:
        known = ", ".join(f"{task.name} ({', '.join(task.aliases)})" for task in TASKS.values())
        raise UnsupportedError(f"unknown task {name!r}; the tasks are: {known}")
    return TASKS[TASK_OF_ALIAS[key]]
