"""The table of tasks that converters and runtime share: the tensors of each task's graph, and its session class.

A new task is one more row of `TASKS` and the session class that the row names. What only the exporting side needs to
know about a task is in the table of `albert_export/tasks.py`.

Tensor names follow Hugging Face's ONNX exports, so that other tools open the graphs too. Ids are int64 in ONNX and
int32 in TFLite; outputs are float32, and positions (`..._index`) have the type of ids. Every named axis is dynamic
unless a static target is asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from albert_runtime.errors import UsageError
from albert_runtime.heads import Head
from albert_runtime.suggestions import did_you_mean

BATCH = "batch_size"
CHOICES = "num_choices"
SEQUENCE = "sequence_length"
MASKED = "num_masked"

#: the inputs that every graph has
INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")
#: the input of the head "masked" of fill-mask: the places of the masked tokens in each sequence, from 0. A sequence
#: with fewer of them than others of its batch is filled up with 0, and the outputs for these places are not read.
MASKED_POSITIONS = "masked_positions"


@dataclass(frozen=True)
class Argument:
    """One text that a session is called with, and the option that the command line has for it."""

    #: the keyword argument of the session's call
    name: str
    #: the help text of the option
    help: str
    required: bool = True
    #: the argument is a list of texts: the option gives one of them, and may be repeated
    repeated: bool = False
    #: a second option, such as --context-file, reads the text from a file
    from_file: bool = False

    @property
    def option(self) -> str:
        """The option of the command line: `text_pair` is given as --text-pair, each of `choices` as --choice."""
        return _option(self.name, repeated=self.repeated)


@dataclass(frozen=True)
class Setting:
    """One keyword argument of a session's call that is not a text, and the option that the command line has for it."""

    #: the keyword argument of the session's call
    name: str
    #: int, float or str; bool for a pair of options, such as --align-to-words and --no-align-to-words
    kind: type
    #: the help text of the option
    help: str
    #: the values that it may have; empty for any
    choices: tuple[str, ...] = ()
    #: the setting is a list: the option gives one of its values, and may be repeated
    repeated: bool = False

    @property
    def option(self) -> str:
        """The option of the command line."""
        return _option(self.name, repeated=self.repeated)


@dataclass(frozen=True)
class Task:
    """One task: its names, the tensors of its graph, and the session that turns tensors into answers.

    `session` and `formatter` are references "module:name" for `lazy_import.load_object`, because this table is read by
    code that must not import numpy.
    """

    name: str
    aliases: tuple[str, ...]
    #: class of the reference model and of Hugging Face's `architectures`
    architecture: str
    #: the axes of each of INPUT_NAMES
    input_axes: tuple[str, ...]
    #: output name -> its axes; an axis that is not BATCH, CHOICES or SEQUENCE is fixed by the configuration
    outputs: dict[str, tuple[str, ...]]
    #: the subclass of `AlbertSession` that answers requests
    session: str
    #: the function (answer, request) -> str that makes an answer readable
    formatter: str
    #: the texts of a request, in the order in which the command line takes them without option names
    arguments: tuple[Argument, ...]
    #: a request as it is typed behind the bundle's folder
    example: str
    #: whether the session's call takes `top_k`, the number of answers
    takes_top_k: bool = False
    #: what else the session's call takes
    settings: tuple[Setting, ...] = ()
    #: whether the manifest names the outputs in `labels`
    labelled: bool = False
    #: outputs that a graph may lack, because there are checkpoints without the weights that compute them
    optional_outputs: tuple[str, ...] = ()
    #: the name of another head -> that head
    heads: dict[str, Head] = field(default_factory=dict)
    #: the head that the graph has, one of `heads`; "" for the usual one
    head: str = ""
    #: see `Head`
    aligned: str = ""
    #: see `Head`
    more_inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def inputs(self) -> dict[str, tuple[str, ...]]:
        """Input name -> its axes."""
        return {**dict.fromkeys(INPUT_NAMES, self.input_axes), **self.more_inputs}

    def without(self, outputs: Collection[str]) -> Task:
        """The task of a graph that lacks these outputs."""
        if not outputs:
            return self
        return replace(self, outputs={name: axes for name, axes in self.outputs.items() if name not in outputs})

    @property
    def offered_heads(self) -> dict[str, Head]:
        """Those of `heads` that an export may choose for any checkpoint of the task, by `--head`."""
        return {name: head for name, head in self.heads.items() if head.same_weights}

    def with_head(self, name: str) -> Task:
        """The task of a graph that has the head called `name`, one of `heads` or "" for the usual one."""
        if not name:
            return self
        head = self.heads[name]
        return replace(
            self,
            head=name,
            architecture=head.architecture,
            outputs=head.outputs,
            aligned=head.aligned,
            more_inputs=head.more_inputs,
        )


def _option(name: str, *, repeated: bool) -> str:
    return "--" + (name.removesuffix("s") if repeated else name).replace("_", "-")


_SEQUENCES = (BATCH, SEQUENCE)
_SESSIONS = "albert_runtime.sessions"
_FORMATTERS = "albert_runtime.printing"
_TEXT = Argument("text", "the text")
_CONTEXT = Argument("context", "the text that holds the answer", from_file=True)

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="feature-extraction",
            aliases=("base", "default"),
            architecture="AlbertModel",
            input_axes=_SEQUENCES,
            outputs={"last_hidden_state": (BATCH, SEQUENCE, "hidden_size"), "pooler_output": (BATCH, "hidden_size")},
            optional_outputs=("pooler_output",),
            session=f"{_SESSIONS}.feature_extraction:FeatureExtractionSession",
            formatter=f"{_FORMATTERS}:format_embedding",
            arguments=(_TEXT,),
            example='"Any sentence."',
            settings=(
                Setting(
                    "pooling",
                    str,
                    "how the vectors of the tokens become one (default: as the bundle says)",
                    choices=("pooler", "cls", "mean", "max"),
                ),
                Setting("normalize", bool, "divide the vector by its length (default: as the bundle says)"),
                Setting("max_length", int, "the most tokens of a text (default: as many as the bundle allows)"),
            ),
        ),
        Task(
            name="pretraining",
            aliases=("mlm+sop",),
            architecture="AlbertForPreTraining",
            input_axes=_SEQUENCES,
            outputs={"prediction_logits": (BATCH, SEQUENCE, "vocab_size"), "sop_logits": (BATCH, "2")},
            heads={
                "sentence-order": Head(
                    architecture="AlbertForPreTraining",
                    outputs={"sop_logits": (BATCH, "2")},
                    same_weights=True,
                    help="tells the order of two texts alone, and fills no masks",
                )
            },
            session=f"{_SESSIONS}.masked_words:PretrainingSession",
            formatter=f"{_FORMATTERS}:format_order",
            arguments=(
                Argument("first", "the text that may come first"),
                Argument("second", "the text that may follow it"),
            ),
            example='--first "She fell asleep." --second "She went to [MASK]."',
            takes_top_k=True,
        ),
        Task(
            name="fill-mask",
            aliases=("mlm", "masked-lm"),
            architecture="AlbertForMaskedLM",
            input_axes=_SEQUENCES,
            outputs={"logits": (BATCH, SEQUENCE, "vocab_size")},
            heads={
                "masked": Head(
                    architecture="AlbertForMaskedLM",
                    outputs={"logits": (BATCH, MASKED, "vocab_size")},
                    more_inputs={MASKED_POSITIONS: (BATCH, MASKED)},
                    same_weights=True,
                    help="scores the vocabulary at the masks only",
                )
            },
            session=f"{_SESSIONS}.masked_words:FillMaskSession",
            formatter=f"{_FORMATTERS}:format_masks",
            arguments=(
                _TEXT,
                Argument("targets", "a word to score at each [MASK]; may be repeated", required=False, repeated=True),
            ),
            example='"Paris is the [MASK] of France."',
            takes_top_k=True,
        ),
        Task(
            name="text-classification",
            aliases=("sequence-classification", "cls"),
            architecture="AlbertForSequenceClassification",
            input_axes=_SEQUENCES,
            outputs={"logits": (BATCH, "num_labels")},
            session=f"{_SESSIONS}.text_classification:TextClassificationSession",
            formatter=f"{_FORMATTERS}:format_labels",
            arguments=(
                _TEXT,
                Argument("text_pair", "the second text, for models that judge pairs of texts", required=False),
            ),
            example='"What a lovely film."',
            takes_top_k=True,
            settings=(
                Setting(
                    "function_to_apply",
                    str,
                    "what turns logits into scores (default: as the model was trained)",
                    choices=("softmax", "sigmoid", "none"),
                ),
                Setting("threshold", float, "leave out labels with a lower score"),
            ),
            labelled=True,
        ),
        Task(
            name="token-classification",
            aliases=("ner",),
            architecture="AlbertForTokenClassification",
            input_axes=_SEQUENCES,
            outputs={"logits": (BATCH, SEQUENCE, "num_labels")},
            session=f"{_SESSIONS}.token_classification:TokenClassificationSession",
            formatter=f"{_FORMATTERS}:format_entities",
            arguments=(_TEXT,),
            example='"Ada Lovelace lived in London."',
            settings=(
                Setting(
                    "aggregation_strategy",
                    str,
                    "how the labels of tokens become entities (default: words)",
                    choices=("words", "none", "simple", "first", "average", "max"),
                ),
                Setting("ignore_labels", str, "a label to leave out; may be repeated (default: O)", repeated=True),
                Setting("stride", int, "tokens that two windows of a long text share (default: 128)"),
            ),
            labelled=True,
        ),
        Task(
            name="multiple-choice",
            aliases=("mc", "swag"),
            architecture="AlbertForMultipleChoice",
            input_axes=(BATCH, CHOICES, SEQUENCE),
            outputs={"logits": (BATCH, CHOICES)},
            session=f"{_SESSIONS}.multiple_choice:MultipleChoiceSession",
            formatter=f"{_FORMATTERS}:format_choices",
            arguments=(
                Argument("prompt", "the text that one of the choices goes with"),
                Argument("choices", "one choice; give two or more", repeated=True),
                replace(_CONTEXT, required=False),
            ),
            example='--prompt "He opened the door" --choice "and went in." --choice "blue."',
        ),
        Task(
            name="question-answering",
            aliases=("qa",),
            architecture="AlbertForQuestionAnswering",
            input_axes=_SEQUENCES,
            outputs={"start_logits": (BATCH, SEQUENCE), "end_logits": (BATCH, SEQUENCE)},
            heads={
                "beam-search": Head(  # Google's for SQuAD v2.0; the names are those of the same head in transformers
                    architecture="AlbertForQuestionAnsweringBeamSearch",
                    outputs={
                        "start_top_log_probs": (BATCH, "start_n_top"),
                        "start_top_index": (BATCH, "start_n_top"),
                        "end_top_log_probs": (BATCH, "start_n_top * end_n_top"),
                        "end_top_index": (BATCH, "start_n_top * end_n_top"),
                        "cls_logits": (BATCH,),
                    },
                    aligned="albert_runtime.postprocessing.beams:aligned",
                )
            },
            session=f"{_SESSIONS}.question_answering:QuestionAnsweringSession",
            formatter=f"{_FORMATTERS}:format_answers",
            arguments=(
                Argument("question", "a question"),
                _CONTEXT,
            ),
            example='--question "Where is the tower?" --context "The tower stands in Paris."',
            takes_top_k=True,
            settings=(
                Setting("max_seq_len", int, "tokens in a window of a long context, with the question (default: 384)"),
                Setting("doc_stride", int, "tokens between the beginnings of two windows (default: 128)"),
                Setting("max_question_len", int, "the most tokens of a question (default: 64)"),
                Setting("max_answer_len", int, "the most tokens in an answer (default: 15)"),
                Setting("align_to_words", bool, "extend answers to whole words (default: yes)"),
                Setting(
                    "handle_impossible_answer",
                    bool,
                    "the answer may be that there is none (default: if the bundle was made for that)",
                ),
            ),
        ),
    )
}


def find_task(name: str) -> Task:
    """The task called `name`, by its full name or an alias.

    Raises:
        UsageError: there is no such task; the message lists all of them.
    """
    key = name.strip().lower().replace("_", "-")
    for task in TASKS.values():
        if key in (task.name, *task.aliases):
            return task
    known = ", ".join(f"{task.name} ({', '.join(task.aliases)})" for task in TASKS.values())
    names = [one for task in TASKS.values() for one in (task.name, *task.aliases)]
    raise UsageError(f"unknown task {name!r}; the tasks are: {known}{did_you_mean(key, names)}")
