"""Checks that ONNX and TFLite files share: weights that are stored more than once, missing inputs, frozen shapes.

The module of a format gathers the facts from its graph, and these functions judge them and word the results.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from albert_converters.doctor.diagnosis import ROLE_NAMES, CheckResult, InputSpec, megabytes, role_of_name

#: a file with such a name says that it is quantized
QUANTIZED_NAME = re.compile(r"u?int8|int4|\bq8|\bq4|quant|dynamic_range", re.IGNORECASE)

#: role of an input -> what it is in words
_ROLE_WORDS = {
    "ids": "token ids",
    "mask": "attention mask",
    "segments": "token type ids",
    "positions": "position ids",
}
_NAMES = '["input_ids", "attention_mask", "token_type_ids"]'

#: number of tokens; a shorter fixed length is the length of an exporter's example input, not one that somebody chose
_SHORTEST_CHOSEN_LENGTH = 32


class DuplicatedWeight(NamedTuple):
    """A weight that a file stores several times."""

    #: the name of the first copy
    name: str
    copies: int
    bytes_each: int
    #: whether a repair can make all users of the weight read one copy
    repairable: bool = True

    @property
    def wasted_bytes(self) -> int:
        """The bytes of all copies but the first."""
        return self.bytes_each * (self.copies - 1)


def duplicated_weights(found: Sequence[DuplicatedWeight], file_bytes: int) -> Iterator[CheckResult]:
    """Report the weights that a file of `file_bytes` stores more than once."""
    if not found:
        return
    wasted = sum(weight.wasted_bytes for weight in found)
    yield CheckResult(
        "duplicated-weights",
        is_error=True,
        what=f"{sum(weight.copies - 1 for weight in found)} weights are copies of {len(found)} others",
        costs=f"{megabytes(wasted)} of {megabytes(file_bytes)}, on disk and in memory",
        remedy="--fix keeps each of them once"
        if all(weight.repairable for weight in found)
        else "copies in different subgraphs can't be shared by --fix: export the checkpoint again with albert-export",
        where=tuple(
            f"{weight.name}: {weight.copies} copies of {megabytes(weight.bytes_each)}"
            for weight in sorted(found, key=lambda weight: -weight.wasted_bytes)
        ),
        wasted_bytes=wasted,
        repairable=any(weight.repairable for weight in found),
    )


def transposed_copies(
    copies: Sequence[tuple[str, int]], file_bytes: int, *, remedy: str, repairable: bool
) -> Iterator[CheckResult]:
    """Report the matrices (name and bytes) that a file of `file_bytes` stores a second time, transposed."""
    if not copies:
        return
    wasted = sum(size for _, size in copies)
    yield CheckResult(
        "transposed-copies",
        is_error=True,
        what=f"{len(copies)} matrices are stored a second time, transposed",
        costs=f"{megabytes(wasted)} of {megabytes(file_bytes)}, on disk and in memory",
        remedy=remedy,
        where=tuple(f"{name}: {megabytes(size)}" for name, size in copies),
        wasted_bytes=wasted,
        repairable=repairable,
    )


def is_segment_embedding(name: str) -> bool:
    """Return whether a weight is called an embedding of token types (segments)."""
    return any(part in name.lower() for part in ("token_type", "segment"))


def missing_inputs(inputs: Sequence[InputSpec], *, segment_weights: Iterable[str]) -> Iterator[CheckResult]:
    """Report the attention mask and the token type ids where a graph that reads token ids does not ask for them.

    Args:
        inputs: all inputs of the graph.
        segment_weights: the names of the weights that seem to be segment embeddings. Without any, missing token type
            ids are advice only.
    """
    roles = {one.role for one in inputs}
    names = tuple(_described(one) for one in inputs)
    if "ids" not in roles or "unknown" in roles:  # `unclear_inputs` reports the unknown ones
        return
    if "mask" not in roles:
        yield CheckResult(
            "missing-attention-mask",
            is_error=True,
            what="there is no attention mask among the inputs",
            costs="padding is read as text: a text in a padded batch gets other answers than the same text alone",
            remedy="export the checkpoint again: albert-export onnx or tflite; until then run one text at a time",
            where=names,
        )
    if "segments" not in roles:
        weights = tuple(segment_weights)
        yield CheckResult(
            "missing-token-type-ids",
            is_error=bool(weights),
            what="there are no token_type_ids among the inputs"
            + (", though the model has segment embeddings" if weights else ""),
            costs="the second text of a pair is read as part of the first: other answers to questions and pairs",
            remedy="export the checkpoint again: albert-export onnx or tflite"
            + ("" if weights else "; a model for single texts does not need them"),
            where=weights or names,
        )


def unclear_inputs(inputs: Sequence[InputSpec]) -> Iterator[CheckResult]:
    """Report inputs whose names do not say what they are for, say something else, or of which nothing tells it."""
    remedy = f"export the checkpoint again: albert-export onnx; or torch.onnx.export(..., input_names={_NAMES})"
    unknown = tuple(one.name for one in inputs if one.role == "unknown")
    if unknown:
        yield CheckResult(
            "unclear-inputs",
            is_error=True,
            what=f"it can't be told what {', '.join(unknown)} is for: neither its name nor the graph says it",
            costs="a caller can't know what to give there; --fix can't check a repair, and refuses it",
            remedy=remedy,
            where=tuple(_described(one) for one in inputs),
        )
    wrong = [one for one in inputs if one.is_certain and _says_something_else(one)]
    if wrong:
        yield CheckResult(
            "misnamed-inputs",
            is_error=True,
            what=", ".join(f"{one.name} is read as the {_ROLE_WORDS[one.role]}" for one in wrong),
            costs="whoever goes by the names gets wrong answers without an error",
            remedy=f"{remedy}, in the order of forward()",
            where=tuple(one.name for one in wrong),
        )
    unnamed = [one for one in inputs if one.role in _ROLE_WORDS and role_of_name(one.name) is None]
    if unnamed and len(inputs) > 1:
        yield CheckResult(
            "unnamed-inputs",
            is_error=False,
            what="the graph tells what names do not: "
            + ", ".join(f"{one.name} takes the {_ROLE_WORDS[one.role]}" for one in unnamed),
            costs="engines and apps bind inputs by name, and find none that they know",
            remedy=remedy,
            where=tuple(one.name for one in unnamed),
        )


def _says_something_else(one: InputSpec) -> bool:
    """Whether the name of an input tells another role than it has, and nothing in it tells the one that it has."""
    own = ROLE_NAMES.get(one.role, ())
    return role_of_name(one.name) not in (None, one.role) and not any(part in one.name.lower() for part in own)


def _described(one: InputSpec) -> str:
    """The name of an input, and its role where the name does not tell it."""
    is_told = role_of_name(one.name) is not None or one.role not in _ROLE_WORDS
    return one.name if is_told else f"{one.name} ({_ROLE_WORDS[one.role]})"


def frozen_shapes(inputs: Sequence[InputSpec]) -> Iterator[CheckResult]:
    """Report inputs of shape `[batch, ..., sequence]` whose batch or sequence has a fixed size.

    A sequence that is fixed below 32 tokens is an error: it is the length of the example that the exporter was given.
    """
    texts = [one for one in inputs if one.role != "other" and len(one.axes) >= 2]
    frozen = [one for one in texts if one.axes[0] is not None or one.axes[-1] is not None]
    if not frozen:
        return
    batch, sequence = frozen[0].axes[0], frozen[0].axes[-1]
    takes = "texts of any length" if sequence is None else f"texts of exactly {sequence} tokens"
    count = "any number at a time" if batch is None else f"{batch} at a time"
    yield CheckResult(
        "frozen-shapes",
        is_error=sequence is not None and sequence < _SHORTEST_CHOSEN_LENGTH,
        what=f"it takes {takes}, {count}",
        costs="longer texts are refused or cut, and shorter ones, padded, cost the time of the longest"
        if sequence is not None
        else "batches of another size are refused",
        remedy="export the checkpoint again with dynamic shapes (albert-export onnx, or tflite), or with the "
        "length that you want (--sequence-length N)",
        where=tuple(f"{one.name} {[size or 'any' for size in one.axes]}" for one in frozen),
    )
