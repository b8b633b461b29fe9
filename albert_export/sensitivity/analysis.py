"""scan: quantizes each linear layer of a model alone, in each pass alone, and measures how the outputs change."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from albert_export.checkpoints import Checkpoint
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.quantization.calibration import calibration_samples
from albert_export.quantization.unknown_text import check_unknown_text
from albert_export.reference.registry import build_reference
from albert_export.samples.sample_texts import texts_for
from albert_export.samples.texts import Text
from albert_export.sensitivity.result import QuantizationError, Row, Sensitivity
from albert_export.utils.terminal import Progress
from albert_export.utils.truncation_warnings import suppressed_truncation_warnings
from albert_runtime.errors import UsageError
from albert_runtime.precisions import precision_name
from albert_runtime.tasks import Task, find_task

if TYPE_CHECKING:
    from torch import Tensor

    from albert_export.sensitivity.activation_range import ActivationRange
    from albert_export.sensitivity.linear_hooks import LinearCall

#: the precisions that can be scanned
PRECISIONS = ("int8", "int4")
#: layers whose names contain one of these have 4 bits in int4 exports
_INT4_LAYERS = ("albert_layer_groups", "pooler")
#: the number of inputs that the command runs by default
SAMPLES = 8

Sample = dict[str, NDArray[np.int64]]


def typical_inputs(
    checkpoint: Checkpoint, task: str | Task, texts: Sequence[Text] | None = None, *, limit: int = SAMPLES
) -> list[Sample]:
    """Return at most `limit` inputs to scan the model with, made from `texts` or else from the bundled texts that fit.

    Returns:
        The arrays of the task's contract for each: int64 `[1, sequence]`, or `[1, 1, sequence]` for multiple choice.

    Raises:
        CheckpointError: the checkpoint has no vocabulary that fits it.
        UsageError: the vocabulary does not know the texts.
    """
    chosen = find_task(task) if isinstance(task, str) else task
    tokenizer = load_tokenizer(checkpoint)
    longest = checkpoint.config.max_position_embeddings
    samples = texts_for(tokenizer)
    check_unknown_text(tokenizer, samples, texts or (), precision="int8")
    with suppressed_truncation_warnings():
        return calibration_samples(texts or samples.calibration, tokenizer, chosen, longest=longest, count=limit)


def scan(
    model: Checkpoint | Any,
    task: str | Task,
    samples: Sequence[Sample],
    precision: str = "int8",
    *,
    progress: Progress = lambda step: None,
) -> Sensitivity:
    """Quantize the linear layers of a model, one layer in one pass at a time, and then all of them together.

    Args:
        model: a checkpoint, or a PyTorch reference model with its weights; it is not changed.
        task: the model's task, by name or alias.
        samples: inputs as `typical_inputs` returns them. They run one by one, since engines find ranges for each run.
        precision: "int8": weights with a scale for each output channel, inputs with a range for each run.
            "int4": weights of 4 bits with a scale for each 64 inputs of an output channel, inputs of 8 bits with a
            scale for each token. Layers outside the shared layers and the pooler are int8, as in ONNX exports.
        progress: called with a line about each step.

    Raises:
        UsageError: the precision is another one, or there are no samples.
        DependencyError: PyTorch is not installed.
        CheckpointError: the checkpoint lacks weights.
        UnsupportedError: it has no head for the task, or the model's own outputs are not finite.
    """
    precision = scannable_precision(precision)
    if not samples:
        raise UsageError("there are no samples to scan the model with; give at least one")
    chosen = find_task(task) if isinstance(task, str) else task
    reference = model
    if isinstance(model, Checkpoint):
        chosen, reference = model.available(chosen), build_reference(model, chosen.name)
    else:
        chosen = chosen.with_head(model.head)
    return Scanner(reference, chosen, samples, precision).result(progress)


def scannable_precision(precision: str) -> str:
    """The name of a precision that can be scanned, by its name or an alias, or a UsageError."""
    name = precision_name(precision)
    if name not in PRECISIONS:
        raise UsageError(f"{precision!r} can't be scanned; the precisions are {', '.join(PRECISIONS)}")
    return name


class Scanner:
    """Runs the samples once in float32, and then again with some linear layers quantized."""

    def __init__(self, reference: Any, task: Task, samples: Sequence[Sample], precision: str) -> None:
        # some of these modules import PyTorch, which is installed if there is a reference
        from albert_export.sensitivity.activation_range import ActivationRange
        from albert_export.sensitivity.linear_hooks import LinearHooks
        from albert_export.sensitivity.reference_outputs import ReferenceOutputs

        self._hooks = LinearHooks(reference, task)
        self._task, self._samples, self._precision = task, samples, precision
        self._weights: dict[str, Tensor] = {}
        self._ranges: dict[LinearCall, ActivationRange] = {}

        def record_range(call: LinearCall, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            found = ActivationRange.of(x.numpy())
            self._ranges[call] = self._ranges[call] | found if call in self._ranges else found
            return x, weight

        runs = [self._hooks.run(sample, record_range) for sample in samples]
        self._states = [run.states for run in runs]
        self._passes = len(self._states[0]) - 1
        self._reference_outputs = ReferenceOutputs(task, reference.config.problem_type, [run.outputs for run in runs])

    def quantization_error(self, calls: Sequence[LinearCall]) -> QuantizationError:
        """Measure the error with only these calls of linear layers quantized."""
        from albert_export.sensitivity.fake_quantize import quantized_activations

        def quantize(call: LinearCall, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            if call not in calls:
                return x, weight
            precision = self._precision_of(call.module)
            return quantized_activations(x, precision), self._quantized(call.module, weight)

        first = min((self._first_pass(call) for call in calls), default=self._passes + 1)
        return self._reference_outputs.quantization_error(
            [
                self._hooks.run(sample, quantize, first_pass=first, states=states).outputs
                for sample, states in zip(self._samples, self._states, strict=True)
            ]
        )

    def result(self, progress: Progress) -> Sensitivity:
        """Measure each layer in each of its passes, each layer in all its passes, and all layers together."""
        layers: dict[str, list[LinearCall]] = {}
        for call in self._ranges:
            layers.setdefault(call.module, []).append(call)
        rows = []
        for index, (module, calls) in enumerate(layers.items(), start=1):
            where = f"layer {index} of {len(layers)}, {module}"
            for call in calls:
                if call.pass_number is not None:
                    progress(f"{where}, pass {call.pass_number}")
                    rows.append(self._row(call.pass_number, [call]))
            progress(f"{where}, all passes")
            rows.append(self._row(None, calls))
        progress("everything")
        return Sensitivity(
            task=self._task.name,
            precision=self._precision,
            samples=len(self._samples),
            tokens=sum(sample["input_ids"].size for sample in self._samples),
            passes=self._passes,
            rows=tuple(rows),
            everything=self.quantization_error(list(self._ranges)),
        )

    def _row(self, pass_number: int | None, calls: Sequence[LinearCall]) -> Row:
        inputs = reduce(or_, (self._ranges[call] for call in calls))
        return Row(
            module=calls[0].module,
            pass_number=pass_number,
            minimum=inputs.minimum,
            maximum=inputs.maximum,
            outlier_ratio=inputs.outlier_ratio,
            outlier_channels=inputs.outlier_channels,
            quantization_error=self.quantization_error(calls),
        )

    def _first_pass(self, call: LinearCall) -> int:
        """Return the first pass that a change of this call can affect; one beyond the last pass for a head."""
        order = list(self._ranges)
        following = (other.pass_number for other in order[order.index(call) :])
        return min((number for number in following if number is not None), default=self._passes + 1)

    def _quantized(self, module: str, weight: Tensor) -> Tensor:
        from albert_export.sensitivity.fake_quantize import quantized_weight

        if module not in self._weights:
            self._weights[module] = quantized_weight(weight, self._precision_of(module))
        return self._weights[module]

    def _precision_of(self, module: str) -> str:
        """Return the precision of a layer: exports give 4 bits only to those that hold most of the weights.

        Layers that run once are small, and all outputs depend on them, so that 8 bits cost little and save much.
        """
        return self._precision if any(part in module for part in _INT4_LAYERS) else "int8"
