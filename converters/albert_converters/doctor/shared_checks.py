"""Faults in what a graph asks of its callers, of whichever format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from albert_converters.doctor.diagnosis import Finding
from albert_converters.patient import InputSpec

#: tokens; nobody wants a model of shorter texts
_SHORTEST = 32


def missing_inputs(inputs: Sequence[InputSpec], *, segment_weights: Iterable[str]) -> list[Finding]:
    """Findings about what a graph that reads token ids does not ask for.

    Args:
        inputs: all that it does ask for.
        segment_weights: names of the weights that are taken for segment embeddings.
    """
    roles = {one.role for one in inputs}
    names = tuple(one.name for one in inputs)
    if "ids" not in roles:
        return []
    findings = []
    if "mask" not in roles:
        findings.append(
            Finding(
                "missing-attention-mask",
                fault=True,
                what="there is no attention mask among the inputs",
                costs="padding is read as text: a text in a padded batch is answered otherwise than alone",
                remedy="export the checkpoint again: albert-export onnx or tflite; until then run one text at a time",
                where=names,
            )
        )
    if "segments" not in roles:
        weights = tuple(segment_weights)
        findings.append(
            Finding(
                "missing-token-type-ids",
                fault=bool(weights),
                what="there are no token_type_ids among the inputs"
                + (", though the model has segment embeddings" if weights else ""),
                costs="the second text of a pair is read as part of the first: other answers to questions and pairs",
                remedy="export the checkpoint again: albert-export onnx or tflite"
                + ("" if weights else "; a model for single texts does without"),
                where=weights or names,
            )
        )
    return findings


def frozen_shapes(inputs: Sequence[InputSpec]) -> list[Finding]:
    """A finding about inputs `[batch, ..., sequence]` of a fixed size.

    A sequence frozen below 32 tokens is a fault: it is the length of an example that an exporter was given, not one
    that was chosen.
    """
    texts = [one for one in inputs if one.role != "other" and len(one.axes) >= 2]
    frozen = [one for one in texts if one.axes[0] is not None or one.axes[-1] is not None]
    if not frozen:
        return []
    batch, sequence = frozen[0].axes[0], frozen[0].axes[-1]
    takes = "texts of any length" if sequence is None else f"texts of exactly {sequence} tokens"
    count = "any number at a time" if batch is None else f"{batch} at a time"
    return [
        Finding(
            "frozen-shapes",
            fault=sequence is not None and sequence < _SHORTEST,
            what=f"it takes {takes}, {count}",
            costs="longer texts are refused or cut, and shorter ones, padded, cost the time of the longest"
            if sequence is not None
            else "batches of another size are refused",
            remedy="export the checkpoint again with dynamic shapes (albert-export onnx, or tflite), or with the "
            "length that you want (albert-export tflite --sequence-length N)",
            where=tuple(f"{one.name} {[size or 'any' for size in one.axes]}" for one in frozen),
        )
    ]
