"""The table of tasks of the exporting side: everything about a task that the runtime does not need to know.

A new task is one row here and one row of `albert_runtime.tasks.TASKS`. A row refers to functions and classes as
"module:name", for `albert_runtime.lazy_import.load_object`: they are imported when they are first used, so that this
table can be read by every module without import cycles, and without importing torch or TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from albert_runtime.tasks import TASKS, Task

_REQUESTS = "albert_export.samples.requests"
_DECISIONS = "albert_export.evaluation.decisions"
_DATASETS = "albert_export.evaluation.datasets"
_MEASURES = "albert_export.evaluation.metrics.registry"

#: the file formats of labelled examples, in the words of messages; `datasets/formats.py` recognizes each of them
SQUAD_JSON = "a SQuAD JSON file, v1.1 or v2.0"
LABELLED_TSV = "a TSV table with a text, or two, and a label on each line, like GLUE's"
CONLL = "a CoNLL file: a word and its tag on each line, blank lines between sentences"
CHOICES_JSONL = 'a JSONL file with "prompt", "choices" and "label" on each line'
PLAIN_TEXT = "a plain text file, a sentence or passage on each line"


@dataclass(frozen=True)
class LabelledData:
    """How the labelled examples of a task are read, and how answers to them are scored."""

    #: the format of the files, in words
    file_format: str
    #: the function (file, text, ...) -> Dataset
    reader: str
    #: the kinds of dataset that the reader returns -> the `Measure` of each
    measures: Mapping[str, str]
    #: further keyword arguments of the reader: "labels" and "problem_type" of the model
    reader_arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskSpec:
    """What exporting and evaluating need to know about one task."""

    #: framework, "torch" or "tf" -> the class of the reference model
    references: Mapping[str, str]
    #: what the names of the head's weights begin with, one prefix for each part; none for the encoder alone
    head: tuple[str, ...]
    #: the function (line, index, short, language) -> request: the sample request number `index`, made of the sentences
    #: that `line(0)`, `line(1)` ... return, which are in `language`; a short one serves as a self-test
    sample_request: str
    #: the function (texts, index, language) -> request: a request made of `texts[index]` and, if it needs more, of the
    #: next texts, which are in `language`
    text_request: str
    #: the function (session, request) -> Decision
    decide: str
    #: linear layers of the head that stay in float when the others are quantized -> the outputs that each computes.
    #: Such a layer has only a few rows, and every error of it is an error of the answer.
    float_head: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: whether all outputs are computed from the pooler's, which reads the first token alone: graphs then compute no
    #: other token in the last layer
    first_token_only: bool = False
    #: an optional output -> what the names of the weights that compute it begin with
    output_weights: Mapping[str, str] = field(default_factory=dict)
    #: None for tasks whose answers can't be right or wrong
    labelled_data: LabelledData | None = None
    #: another head of `albert_runtime.tasks.Task.heads` -> the row of the task with that head
    heads: Mapping[str, TaskSpec] = field(default_factory=dict)


def _references(part: str, architecture: str) -> dict[str, str]:
    """The reference classes of both frameworks, which are in modules and have names of the same pattern."""
    return {
        "torch": f"albert_export.reference.torch_{part}:{architecture}",
        "tf": f"albert_export.reference.tf_{part}:TF{architecture}",
    }


_FILL_MASK = TaskSpec(
    references=_references("heads", "AlbertForMaskedLM"),
    head=("predictions.",),
    sample_request=f"{_REQUESTS}:sample_masked_text",
    text_request=f"{_REQUESTS}:masked_text",
    decide=f"{_DECISIONS}:decide_masks",
    labelled_data=LabelledData(
        file_format=PLAIN_TEXT,
        reader=f"{_DATASETS}.plain_text:read_masks",
        measures={"masks": f"{_MEASURES}:MASKS"},
    ),
)
_QUESTION_ANSWERING = TaskSpec(
    references=_references("heads", "AlbertForQuestionAnswering"),
    head=("qa_outputs.",),
    sample_request=f"{_REQUESTS}:sample_question",
    text_request=f"{_REQUESTS}:question_and_context",
    decide=f"{_DECISIONS}:decide_answer",
    float_head={"qa_outputs": ("start_logits", "end_logits")},
    labelled_data=LabelledData(
        file_format=SQUAD_JSON,
        reader=f"{_DATASETS}.squad:read_squad",
        measures={"SQuAD v1.1": f"{_MEASURES}:SQUAD_1", "SQuAD v2.0": f"{_MEASURES}:SQUAD_2"},
    ),
)
_BEAM_SEARCH = replace(
    _QUESTION_ANSWERING,
    references=_references("beam_search", "AlbertForQuestionAnsweringBeamSearch"),
    head=("start_logits.", "end_logits.", "answer_class."),
    decide=f"{_DECISIONS}:decide_answer_or_none",
    float_head={"start_logits.dense": (), "end_logits.dense_1": (), "answer_class.dense_1": ("cls_logits",)},
)
_PRETRAINING = TaskSpec(
    references=_references("heads", "AlbertForPreTraining"),
    head=("predictions.", "sop_classifier."),
    sample_request=f"{_REQUESTS}:sample_text_order",
    text_request=f"{_REQUESTS}:text_order",
    decide=f"{_DECISIONS}:decide_order",
    float_head={"sop_classifier.classifier": ("sop_logits",)},
    labelled_data=LabelledData(
        file_format=PLAIN_TEXT,
        reader=f"{_DATASETS}.plain_text:read_orders",
        measures={"masks and order": f"{_MEASURES}:MASKS_AND_ORDER"},
    ),
)
_SENTENCE_ORDER = replace(_PRETRAINING, head=("sop_classifier.",), first_token_only=True)

#: full name of the task, as in `albert_runtime.tasks.TASKS` -> its row
TASK_SPECS: dict[str, TaskSpec] = {
    "feature-extraction": TaskSpec(
        references=_references("albert", "AlbertModel"),
        head=(),
        sample_request=f"{_REQUESTS}:sample_text",
        text_request=f"{_REQUESTS}:joined_text",
        decide=f"{_DECISIONS}:decide_embedding",
        output_weights={"pooler_output": "albert.pooler."},
    ),
    "pretraining": replace(_PRETRAINING, heads={"sentence-order": _SENTENCE_ORDER}),
    "fill-mask": replace(_FILL_MASK, heads={"masked": _FILL_MASK}),
    "text-classification": TaskSpec(
        references=_references("heads", "AlbertForSequenceClassification"),
        head=("classifier.",),
        sample_request=f"{_REQUESTS}:sample_text",
        text_request=f"{_REQUESTS}:text_or_pair",
        decide=f"{_DECISIONS}:decide_label",
        float_head={"classifier": ("logits",)},
        first_token_only=True,
        labelled_data=LabelledData(
            file_format=LABELLED_TSV,
            reader=f"{_DATASETS}.glue_tsv:read_table",
            reader_arguments=("labels", "problem_type"),
            measures={
                "labels": f"{_MEASURES}:LABELS",
                "several labels": f"{_MEASURES}:SEVERAL_LABELS",
                "values": f"{_MEASURES}:VALUES",
            },
        ),
    ),
    "token-classification": TaskSpec(
        references=_references("heads", "AlbertForTokenClassification"),
        head=("classifier.",),
        sample_request=f"{_REQUESTS}:sample_text",
        text_request=f"{_REQUESTS}:joined_text",
        decide=f"{_DECISIONS}:decide_entities",
        float_head={"classifier": ("logits",)},
        labelled_data=LabelledData(
            file_format=CONLL,
            reader=f"{_DATASETS}.conll:read_conll",
            reader_arguments=("labels",),
            measures={"tags": f"{_MEASURES}:TAGS"},
        ),
    ),
    "multiple-choice": TaskSpec(
        references=_references("heads", "AlbertForMultipleChoice"),
        head=("classifier.",),
        sample_request=f"{_REQUESTS}:sample_choices",
        text_request=f"{_REQUESTS}:prompt_and_choices",
        decide=f"{_DECISIONS}:decide_choice",
        float_head={"classifier": ("logits",)},
        first_token_only=True,
        labelled_data=LabelledData(
            file_format=CHOICES_JSONL,
            reader=f"{_DATASETS}.multiple_choice:read_choices",
            measures={"choices": f"{_MEASURES}:CHOICES"},
        ),
    ),
    "question-answering": replace(_QUESTION_ANSWERING, heads={"beam-search": _BEAM_SEARCH}),
}


def task_spec(task: Task) -> TaskSpec:
    """The row of a task with the head that the task has."""
    spec = TASK_SPECS[task.name]
    return spec.heads[task.head] if task.head else spec


def task_of_architecture(name: str) -> Task | None:
    """The task of the class called `name`: one of Hugging Face's, or a class of the user's own that is named after one.

    `AlbertForMultiLabelSequenceClassification` and `MyAlbertForTokenClassification` have the heads that the ends of
    their names say, and so have the classes of other frameworks, such as `TFAlbertForQuestionAnswering`. None if no
    known head is in the name, or more than one.
    """
    lower = name.lower()
    found = [
        task
        for task in TASKS.values()
        if lower == task.architecture.lower() or ("For" in task.architecture and _head(task) in lower)
    ]
    return found[0] if len(found) == 1 else None


def classifies_several_labels(name: str) -> bool:
    """Whether the class called `name` says that several labels may apply to a text at once."""
    task = task_of_architecture(name)
    return task is not None and task.name == "text-classification" and "multilabel" in name.lower().replace("_", "")


def _head(task: Task) -> str:
    """What the names of classes with the head of `task` hold, in lower case, such as "tokenclassification"."""
    return task.architecture.partition("For")[2].lower()


def in_float_head(weight: str) -> bool:
    """Whether the weight called `weight` belongs to a linear layer that stays in float in every precision."""
    specs = [one for spec in TASK_SPECS.values() for one in (spec, *spec.heads.values())]
    return any(f"{layer}." in weight for spec in specs for layer in spec.float_head)
