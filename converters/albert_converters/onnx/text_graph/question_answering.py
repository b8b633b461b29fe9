"""The text graph of question answering: a question and a context of any length -> the answer, in words of the context.

The windows, the scores and the choice are those of `QuestionAnsweringSession` with its defaults: an answer is extended
to whole words. The operator that splits texts gives no positions, so the context is cut into words first, and each word
is split by itself; no piece of the vocabulary reaches over a space.
"""

from __future__ import annotations

from dataclasses import replace

from onnx import TensorProto

from albert_converters.onnx.text_graph.nodes import NodeBuilder
from albert_converters.onnx.text_graph.parts import FLOAT, STRING, TextGraphParts
from albert_converters.onnx.text_graph.sequences import Sequences
from albert_converters.onnx.text_graph.tokens import TokenizedTexts

#: the defaults of a call of QuestionAnsweringSession
_MAX_SEQ_LEN, _DOC_STRIDE, _MAX_QUESTION_LEN, _MAX_ANSWER_LEN = 384, 128, 64, 15
#: [CLS] question [SEP] context [SEP]
_SPECIAL_TOKENS = 3
#: What separates words; as in `albert_runtime.contexts`. The syntax is RE2's.
_SPACES = "[ \\t\\r\\n\\x{202f}]+"
#: the logarithm of a probability of nothing; infinity would become NaN in sums
_IMPOSSIBLE = -1e30


def window_inputs(parts: TextGraphParts) -> Sequences:
    """The windows of the context, each behind the question."""
    build, kept = parts.build, parts.kept
    question = parts.texts.split(parts.take("question", 1))
    words, context = _words(parts, parts.take("context", 1))
    length = min(_MAX_SEQ_LEN, parts.manifest.max_length)
    half = (length - _SPECIAL_TOKENS) // 2
    asked = build.op("Min", build.scalar(question.counts), build.ints(min(_MAX_QUESTION_LEN, half)))
    room = build.op("Sub", build.ints(length - _SPECIAL_TOKENS), asked)
    step = build.op("Min", build.ints(max(min(_DOC_STRIDE, length // 2), 1)), room)
    total = build.op("ReduceSum", context.counts, keepdims=0)
    behind = build.op("Max", build.op("Sub", total, room), build.ints(0))
    further = build.op("Div", build.op("Add", behind, build.op("Sub", step, build.ints(1))), step)
    starts = build.op("Mul", build.arange(build.op("Add", further, build.ints(1))), step)
    counts = build.op("Min", build.op("Sub", total, starts), room)
    per_window = build.op("Shape", starts)
    asked_of_each = build.op("Expand", asked, per_window)
    first = TokenizedTexts(question.ids, build.op("Mul", starts, build.ints(0)), asked_of_each)
    second = replace(context, starts=starts, counts=counts)
    kept |= {
        "words": words,
        "ids": context.ids,
        "word_of": _word_of_token(build, context),
        "before": build.op("Add", asked, build.ints(2)),
        "starts": starts,
        "counts": counts,
    }
    return parts.sequences.lay_out(first, second)


def answer_question(parts: TextGraphParts, sequences: Sequences) -> None:
    """The most probable passage of the context, or "" if the bundle allows that and it is more probable."""
    build, kept, threshold = parts.build, parts.kept, parts.manifest.null_threshold
    places = build.op("Unsqueeze", build.arange(build.size(sequences.input_ids, 1)), build.ints([0]))
    token = build.op("Add", build.op("Sub", places, kept["before"]), build.column(kept["starts"]))
    in_context = build.both(
        build.op("GreaterOrEqual", places, kept["before"]),
        build.op("Less", build.op("Sub", places, kept["before"]), build.column(kept["counts"])),
        build.op("Not", _is_special(parts, sequences.input_ids)),
    )
    is_start = build.op("Equal", places, build.ints(0))
    compared = build.op("Or", in_context, is_start)
    starts, ends = (_log_probabilities(build, name, compared) for name in ("start_logits", "end_logits"))
    nothing = build.op("Add", *(build.op("Gather", one, build.ints(0), axis=1) for one in (starts, ends)))
    log_null = build.op("ReduceMin", nothing, keepdims=0)
    impossible = build.doubles(_IMPOSSIBLE)
    starts = build.op("Where", in_context, starts, impossible)
    padding = build.ints([0, 0, 0, _MAX_ANSWER_LEN])
    padded = build.op("Pad", build.op("Where", in_context, ends, impossible), padding, impossible)
    width = build.size(ends, 1)
    shifted = []
    for further in range(_MAX_ANSWER_LEN):
        stop = build.vector(build.op("Add", width, build.ints(further)))
        part = build.op("Slice", padded, build.ints([further]), stop, build.ints([1]))
        shifted.append(build.op("Unsqueeze", part, build.ints([2])))
    # [window, first token, further tokens]
    sums = build.op("Add", build.op("Unsqueeze", starts, build.ints([2])), build.op("Concat", *shifted, axis=2))
    flat = build.op("Reshape", sums, build.ints([-1]))
    best = build.op("ArgMax", flat, axis=0, keepdims=0)
    log_score = build.op("Gather", flat, best)
    place = build.op("Div", best, build.ints(_MAX_ANSWER_LEN))
    extra = build.op("Mod", best, build.ints(_MAX_ANSWER_LEN))
    first = build.op("Gather", build.op("Reshape", token, build.ints([-1])), place)
    answer = _spoken(parts, first, build.op("Add", first, extra))
    has_answer = build.op("Greater", log_score, build.doubles(_IMPOSSIBLE / 2))
    if threshold is not None:
        null_rank = build.op("Sub", log_null, build.doubles(threshold))
        has_answer = build.both(has_answer, build.op("GreaterOrEqual", log_score, null_rank))
    score = build.op("Where", has_answer, log_score, log_null)
    parts.give("answer", build.op("Where", has_answer, answer, build.strings([""])), STRING, 1)
    parts.give("score", _probability(build, score), FLOAT, 1)
    parts.give("null_score", _probability(build, log_null), FLOAT, 1)


def _words(parts: TextGraphParts, text: str) -> tuple[str, TokenizedTexts]:
    """The words of a text, and one empty word behind them, with their tokens."""
    build = parts.build
    [spaced] = build.extension(
        "StringRegexReplace", text, build.strings([_SPACES]), build.strings([" "]), global_replace=1
    )
    _, words, _ = build.extension("StringSplit", spaced, build.strings([" "]), build.bools([True]), outputs=3)
    words = build.op("Concat", words, build.strings([""]), axis=0)
    return words, parts.texts.split(words)


def _word_of_token(build: NodeBuilder, words: TokenizedTexts) -> str:
    """The index of the word that each token belongs to, `[tokens + 1]`."""
    ones = build.op("Expand", build.ints(1), build.op("Shape", words.starts))
    zeros = build.op("Mul", words.ids, build.ints(0))
    begun = build.op("ScatterElements", zeros, words.starts, ones, axis=0, reduction="add")
    return build.op("Sub", build.op("CumSum", begun, build.ints(0)), build.ints(1))


def _is_special(parts: TextGraphParts, ids: str) -> str:
    """Whether each id is a special token's, at which no answer starts or ends."""
    build = parts.build
    special = build.ints(sorted(parts.tokenizer.vocabulary.special_ids))
    equal = build.op("Equal", build.op("Unsqueeze", ids, build.ints([2])), special)
    found = build.op("ReduceMax", build.op("Cast", equal, to=TensorProto.INT64), build.ints([2]), keepdims=0)
    return build.op("Greater", found, build.ints(0))


def _log_probabilities(build: NodeBuilder, logits: str, compared: str) -> str:
    """The logarithms of the probabilities among the compared places, float64 `[window, sequence]`."""
    values = build.op("Cast", logits, to=TensorProto.DOUBLE)
    return build.op("LogSoftmax", build.op("Where", compared, values, build.doubles(_IMPOSSIBLE)), axis=-1)


def _spoken(parts: TextGraphParts, first: str, last: str) -> str:
    """The words from that of the token `first` to that of the token `last`, with a space between two."""
    build, word_of = parts.build, parts.kept["word_of"]
    highest = build.op("Sub", build.size(word_of, 0), build.ints(1))
    begin, end = (
        build.op("Gather", word_of, build.op("Min", build.op("Max", one, build.ints(0)), highest))
        for one in (first, last)
    )
    places = build.op("Range", begin, build.op("Add", end, build.ints(1)), build.ints(1))
    words = build.op("Gather", parts.kept["words"], places)
    [joined] = build.extension("StringJoin", words, build.strings([" "]), build.ints([0]))
    return joined


def _probability(build: NodeBuilder, logarithm: str) -> str:
    """The probability with this logarithm, float32 `[1]`."""
    return build.vector(build.op("Cast", build.op("Exp", logarithm), to=TensorProto.FLOAT))
