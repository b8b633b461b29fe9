"""What the text graph of each task takes and gives: texts -> sequences, and the model's outputs -> answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from albert_converters.onnx.text_graph.parts import FLOAT, INT64, STRING, TextGraphParts
from albert_converters.onnx.text_graph.question_answering import answer_question, window_inputs
from albert_converters.onnx.text_graph.sequences import Sequences
from albert_runtime.errors import UnsupportedError
from albert_runtime.manifest import Manifest
from albert_runtime.postprocessing.classification import default_function
from albert_runtime.postprocessing.pooling import EmbeddingOptions
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

#: the pieces that are given for a mask, if the caller does not say how many
_TOP_K = 5
_LEAST_LENGTH = 1e-12


@dataclass(frozen=True)
class TextTask:
    """The two halves of a task's text graph, around the model's graph."""

    #: texts -> the inputs of the model
    before: Callable[[TextGraphParts], Sequences]
    #: names of the model's outputs -> answers
    after: Callable[[TextGraphParts, Sequences], None]
    #: the model runs the rows one after the other, as the runtime runs windows, and not as a batch
    row_by_row: bool = False
    #: the heads besides the usual one whose answers `after` makes
    heads: tuple[str, ...] = ()


def text_task(manifest: Manifest) -> TextTask:
    """How texts become answers in a graph with the task and the head of `manifest`.

    Raises:
        UnsupportedError: see `refuse_head`.
    """
    refuse_head(manifest.task, manifest.head)
    return _TASKS[manifest.task]


def refuse_head(task: str, head: str) -> None:
    """Refuse a head of a task that no graph gives the answers of; "" is the usual one.

    Raises:
        UnsupportedError: the message says why.
    """
    others = _TASKS[task].heads
    if head and head not in others:
        known = ", ".join(["the usual one", *others])
        raise UnsupportedError(
            f"--with-tokenizer does not know the head {head!r} of {task}, only {known}; leave --with-tokenizer "
            "out: the runtime makes the answers of every head"
        )


def _one_text(parts: TextGraphParts) -> Sequences:
    return parts.sequences.single(parts.texts.split(parts.take("text", "batch_size")))


def _text_or_pair(parts: TextGraphParts) -> Sequences:
    build = parts.build
    text = parts.take("text", "batch_size")
    pair = parts.take("text_pair", "pairs", default=[b""])
    pair = build.op("Expand", pair, build.op("Shape", text))
    [length] = build.extension("StringLength", pair)
    has_pair = build.op("Greater", length, build.ints(0))
    return parts.sequences.pairs(parts.texts.split(text), parts.texts.split(pair), has_pair)


def _two_texts(parts: TextGraphParts) -> Sequences:
    first, second = parts.take("first", "batch_size"), parts.take("second", "batch_size")
    return parts.sequences.pairs(parts.texts.split(first), parts.texts.split(second))


def _prompt_and_choices(parts: TextGraphParts) -> Sequences:
    build = parts.build
    prompt, choices = parts.take("prompt", 1), parts.take("choices", "num_choices")
    parts.kept["choices"] = choices
    prompts = build.op("Expand", prompt, build.op("Shape", choices))
    pairs = parts.sequences.pairs(parts.texts.split(prompts), parts.texts.split(choices))
    return Sequences(**{name: build.op("Unsqueeze", one, build.ints([0])) for name, one in pairs.by_name().items()})


def _labels(parts: TextGraphParts, sequences: Sequences) -> None:
    build, labels = parts.build, parts.manifest.labels
    parts.keep("logits", FLOAT, "batch_size", len(labels))
    function = default_function(parts.config.get("problem_type"), len(labels))
    if function == "softmax":
        scores = build.op("Softmax", "logits", axis=-1)
    else:
        scores = build.op("Sigmoid", "logits") if function == "sigmoid" else "logits"
    parts.give("scores", scores, FLOAT, "batch_size", len(labels))
    best = build.op("ArgMax", scores, axis=1, keepdims=0)
    parts.give("label", build.op("Gather", build.strings(labels), best), STRING, "batch_size")


def _embedding(parts: TextGraphParts, sequences: Sequences) -> None:
    build, options = parts.build, EmbeddingOptions.from_manifest(parts.manifest.embedding)
    tokens = "last_hidden_state"
    if options.pooling == "pooler":
        vector = "pooler_output"
    elif options.pooling == "cls":
        vector = build.op("Gather", tokens, build.ints(0), axis=1)
    else:
        mask = build.op("Unsqueeze", sequences.attention_mask, build.ints([2]))
        if options.pooling == "mean":
            weights = build.op("Cast", mask, to=FLOAT)
            total = build.op("ReduceSum", build.op("Mul", tokens, weights), build.ints([1]), keepdims=0)
            vector = build.op("Div", total, build.op("ReduceSum", weights, build.ints([1]), keepdims=0))
        else:
            hidden = build.op("Where", build.op("Greater", mask, build.ints(0)), tokens, build.floats(-np.inf))
            vector = build.op("ReduceMax", hidden, build.ints([1]), keepdims=0)
    if options.normalize:
        length = build.op("ReduceL2", vector, build.ints([1]), keepdims=1)
        vector = build.op("Div", vector, build.op("Max", length, build.floats(_LEAST_LENGTH)))
    parts.give("embedding", vector, FLOAT, "batch_size", int(parts.config["hidden_size"]))


def _labelled_tokens(parts: TextGraphParts, sequences: Sequences) -> None:
    build, labels = parts.build, parts.manifest.labels
    shape = ("batch_size", "sequence_length")
    parts.keep("logits", FLOAT, *shape, len(labels))
    is_token = build.op("Greater", sequences.attention_mask, build.ints(0))
    nothing = build.strings([""])
    tokens = build.op("Gather", build.strings(_all_tokens(parts.tokenizer)), sequences.input_ids)
    parts.give("tokens", build.op("Where", is_token, tokens, nothing), STRING, *shape)
    scores = build.op("Softmax", "logits", axis=-1)
    best = build.op("Gather", build.strings(labels), build.op("ArgMax", scores, axis=-1, keepdims=0))
    parts.give("labels", build.op("Where", is_token, best, nothing), STRING, *shape)
    parts.give("scores", build.op("ReduceMax", scores, build.ints([-1]), keepdims=0), FLOAT, *shape)


def _best_choice(parts: TextGraphParts, sequences: Sequences) -> None:
    build = parts.build
    scores = build.op("Squeeze", build.op("Softmax", "logits", axis=-1), build.ints([0]))
    best = build.op("ArgMax", scores, axis=0, keepdims=1)
    parts.keep("logits", FLOAT, 1, "num_choices")
    parts.give("scores", scores, FLOAT, "num_choices")
    parts.give("choice", best, INT64, 1)
    parts.give("answer", build.op("Gather", parts.kept["choices"], best), STRING, 1)


def _filled_masks(parts: TextGraphParts, sequences: Sequences, logits: str = "logits") -> None:
    build, tokenizer = parts.build, parts.tokenizer
    top_k = parts.take("top_k", 1, kind=INT64, default=[_TOP_K])
    is_mask = build.op("Equal", sequences.input_ids, build.ints(tokenizer.mask_token_id))
    places = build.op("Transpose", build.op("NonZero", is_mask), perm=[1, 0])
    scores = build.op("Softmax", build.op("GatherND", logits, places), axis=-1)
    known = tokenizer.vocabulary.all_ids
    width = int(parts.config["vocab_size"])
    known = known[known < width]
    if len(known) < width:  # some models pad their output to a round number
        scores = build.op("Gather", scores, build.ints(known), axis=1)
    top_k = build.op("Min", top_k, build.ints([len(known)]))
    best, ids = build.ops("TopK", scores, top_k, outputs=2, axis=1)
    words = [tokenizer.spelling(token) or token for token in tokenizer.convert_ids_to_tokens(known)]
    parts.give("tokens", build.op("Gather", build.strings(words), ids), STRING, "masks", "k")
    if len(known) < width:
        ids = build.op("Gather", build.ints(known), ids)
    parts.give("token_ids", ids, INT64, "masks", "k")
    parts.give("scores", best, FLOAT, "masks", "k")
    parts.give("text_index", build.op("Gather", places, build.ints(0), axis=1), INT64, "masks")


def _order(parts: TextGraphParts, sequences: Sequences) -> None:
    build = parts.build
    scores = build.op("Softmax", "sop_logits", axis=-1)
    parts.give("order_scores", scores, FLOAT, "batch_size", 2)
    best = build.op("ArgMax", scores, axis=1, keepdims=0)
    parts.give("order", build.op("Gather", build.strings(["in order", "swapped"]), best), STRING, "batch_size")
    if "prediction_logits" in parts.manifest.graph_task.outputs:
        _filled_masks(parts, sequences, "prediction_logits")


def _all_tokens(tokenizer: AlbertTokenizer) -> list[str]:
    """The token of each id; "" for an id that is no token's."""
    known = set(tokenizer.vocabulary.all_ids.tolist())
    return [tokenizer.convert_ids_to_tokens([index])[0] if index in known else "" for index in range(len(tokenizer))]


_TASKS: Mapping[str, TextTask] = {
    "text-classification": TextTask(_text_or_pair, _labels),
    "feature-extraction": TextTask(_one_text, _embedding),
    "token-classification": TextTask(_one_text, _labelled_tokens),
    "multiple-choice": TextTask(_prompt_and_choices, _best_choice),
    "fill-mask": TextTask(_one_text, _filled_masks),
    "pretraining": TextTask(_two_texts, _order, heads=("sentence-order",)),
    "question-answering": TextTask(window_inputs, answer_question, row_by_row=True),
}
