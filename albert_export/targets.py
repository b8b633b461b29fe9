"""The TFLite engines that an export can aim at, and the plan of one export for such a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from albert_export.config import AlbertConfig
from albert_runtime.errors import UnsupportedError, UsageError, listed
from albert_runtime.precisions import precision_name, unknown_precision
from albert_runtime.suggestions import did_you_mean
from albert_runtime.tasks import INPUT_NAMES, TASKS, Task

GRAPHS = ("loop", "unrolled")
#: the precisions of a TFLite bundle
PRECISIONS = ("fp32", "fp16", "int8", "int4", "int8-static")
#: the output of a graph that makes one vector of a text by itself, beside the outputs of its task
SENTENCE_EMBEDDING = "sentence_embedding"
#: the shortest static length: [CLS], [SEP] and one token of text
_SHORTEST = 3


@dataclass(frozen=True, kw_only=True)
class Target:
    """One engine, or family of engines, that runs .tflite files."""

    name: str
    #: precision that is asked for -> precision of the graph. Engines that refuse dynamic int8, or run it slowly, get
    #: the calibrated int8-static instead
    precisions: Mapping[str, str]
    default_precision: str
    #: the values of --graph that it runs
    graphs: tuple[str, ...] = GRAPHS
    #: whether shapes must be static; the length is then `default_length`, unless another one is asked for
    static: bool = False
    default_length: int = 384
    tasks: tuple[str, ...] = tuple(TASKS)
    #: whether its GATHER takes float16
    gathers_float16: bool = True
    #: whether it serves the other heads of a task too, see `Task.heads`
    heads: bool = True
    #: the only length that the engine accepts, by task
    fixed_lengths: Mapping[str, int] = field(default_factory=dict)
    input_names: Mapping[str, str] = field(default_factory=lambda: {name: name for name in INPUT_NAMES})
    output_names: Mapping[str, str] = field(default_factory=dict)
    #: tasks whose graph must end in a softmax, so that it returns probabilities
    probabilities: tuple[str, ...] = ()
    #: the library that reads texts by itself, with the tokenizer that is packed into the file; "" if it takes ids
    text_library: str = ""
    #: whether an export counts the bundled texts to which that tokenizer gives other ids
    counts_other_ids: bool = False


#: the names of the inputs in the metadata of TFLite models of texts
_METADATA_INPUTS = {"input_ids": "ids", "attention_mask": "mask", "token_type_ids": "segment_ids"}

TARGETS = {
    target.name: target
    for target in (
        Target(
            name="litert",
            precisions={name: name for name in PRECISIONS},
            default_precision="int8",
        ),
        # tflite-runtime 2.14 does not use XNNPACK for dynamic shapes (5 times slower) or for dynamic int8.
        Target(
            name="tflite-runtime",
            precisions={"fp32": "fp32", "fp16": "fp16", "int8": "int8-static", "int8-static": "int8-static"},
            default_precision="fp16",
            static=True,
            gathers_float16=False,
        ),
        # TFLite Task Library 0.4.4 has BertQuestionAnswerer and BertNLClassifier.
        Target(
            name="task-library",
            precisions={"fp32": "fp32", "fp16": "fp16", "int8": "int8-static", "int8-static": "int8-static"},
            default_precision="fp16",
            static=True,
            gathers_float16=False,
            tasks=("question-answering", "text-classification"),
            heads=False,
            fixed_lengths={"question-answering": 384},
            input_names=_METADATA_INPUTS,
            output_names={"logits": "probability"},
            probabilities=("text-classification",),
            text_library="the Task Library",
        ),
        # MediaPipe Tasks has TextClassifier and TextEmbedder, which open files of a single subgraph only.
        Target(
            name="mediapipe",
            precisions={name: name for name in PRECISIONS},
            default_precision="fp16",
            graphs=("unrolled",),
            static=True,
            gathers_float16=False,  # that of 0.10 does not
            default_length=128,
            tasks=("text-classification", "feature-extraction"),
            heads=False,
            input_names=_METADATA_INPUTS,
            output_names={"logits": "probability"},
            probabilities=("text-classification",),
            text_library="MediaPipe",
            counts_other_ids=True,
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one TFLite graph is exported."""

    target: str
    precision: str
    graph: str
    #: in tokens; None for dynamic shapes
    sequence_length: int | None
    #: the longest input, max_position_embeddings
    longest: int
    #: name in `albert_runtime.tasks` -> name in the graph
    input_names: Mapping[str, str]
    output_names: Mapping[str, str]
    #: whether the graph ends in a softmax
    probabilities: bool

    def named(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """The input arrays by the names that the graph has for them."""
        return {self.input_names[name]: array for name, array in arrays.items()}


def find_target(name: str) -> Target:
    """The target called `name`.

    Raises:
        UsageError: there is no such target; the message lists all targets.
    """
    if name not in TARGETS:
        meant = did_you_mean(name, TARGETS)
        raise UsageError(f"there is no target {name!r}; the targets are: {', '.join(TARGETS)}{meant}")
    return TARGETS[name]


def make_plan(
    target: Target,
    task: Task,
    config: AlbertConfig,
    *,
    precision: str | None,
    graph: str | None,
    sequence_length: int | None,
) -> Plan:
    """The plan for an export; an option that is None gets the default of the target.

    Raises:
        UnsupportedError: the target does not serve the task.
        UsageError: other options are wrong or contradict each other; the message lists all problems.
    """
    if task.name not in target.tasks:
        raise UnsupportedError(
            f"the target {target.name} serves {' and '.join(target.tasks)}, not {task.name}; --target litert serves all"
        )
    if task.head and not target.heads:
        raise UnsupportedError(
            f"the target {target.name} needs the score of each token as an answer's start and end, and this model's "
            f"head, {task.head}, gives only the best starts and ends; --target litert serves it"
        )
    if task.more_inputs and (target.static or sequence_length is not None):
        raise UsageError(refused_length(task))
    if task.name in target.probabilities and not _is_single_label(config):
        raise UnsupportedError(
            f"the target {target.name} shows a probability for each label, of which one is right; this model has "
            f"{config.num_labels} labels and problem_type {config.problem_type}; --target litert serves it"
        )
    problems = []
    precision = precision_name(precision or target.default_precision)
    if precision not in target.precisions:
        problems.append(f"{unknown_precision(precision, target.precisions)} (target {target.name})")
    chosen = target.precisions.get(precision, precision)
    if graph not in (None, *target.graphs):
        reason = "" if target.graphs == GRAPHS else f" (target {target.name})"
        meant = did_you_mean(str(graph), target.graphs)
        problems.append(f"graph {graph!r} is not one of {', '.join(target.graphs)}{meant}{reason}")
    elif graph == "loop" and chosen == "int8-static":
        problems.append("int8-static needs --graph unrolled: calibration can't see into the body of a loop")
    length = _length(target, task, config, sequence_length, problems)
    if problems:
        raise UsageError(listed("this can't be exported:", problems))
    return Plan(
        target=target.name,
        precision=chosen,
        graph=graph or ("unrolled" if chosen == "int8-static" else target.graphs[0]),
        sequence_length=length,
        longest=config.max_position_embeddings,
        input_names={name: target.input_names.get(name, name) for name in task.inputs()},
        output_names={name: target.output_names.get(name, name) for name in task.outputs},
        probabilities=task.name in target.probabilities,
    )


def _is_single_label(config: AlbertConfig) -> bool:
    return config.num_labels > 1 and config.problem_type in (None, "single_label_classification")


def _length(target: Target, task: Task, config: AlbertConfig, wanted: int | None, problems: list[str]) -> int | None:
    """The static length, or None for dynamic shapes; problems with it are added to `problems`."""
    longest = config.max_position_embeddings
    fixed = target.fixed_lengths.get(task.name)
    if wanted is None and not target.static:
        return None
    length = wanted or fixed or min(target.default_length, longest)
    if wanted is not None:
        problems += length_problems(wanted, longest)
    elif length > longest:
        problems.append(
            f"the target {target.name}, with {length} tokens, is above the model's max_position_embeddings, {longest}"
        )
    if fixed is not None and length != fixed:
        problems.append(f"the target {target.name} takes {task.name} with --sequence-length {fixed} only, not {length}")
    return length


def refused_length(task: Task) -> str:
    """Why a graph of `task` can't have a static length: the number of its masks differs from text to text."""
    return (
        f"--head {task.head} has another number of {', '.join(task.more_inputs)} for each text, so that it needs "
        "dynamic shapes: leave out --sequence-length (and, for TFLite, choose --target litert), or leave out --head"
    )


def length_problems(wanted: int, longest: int) -> list[str]:
    """What is wrong with `wanted` tokens as the static length of a graph, for a model that takes `longest` tokens."""
    if wanted < _SHORTEST:
        return [f"--sequence-length {wanted} is too short; [CLS], a token and [SEP] need {_SHORTEST}"]
    if wanted > longest:
        return [f"--sequence-length {wanted} is above the model's max_position_embeddings, {longest}"]
    return []
