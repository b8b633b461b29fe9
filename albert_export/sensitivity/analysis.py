"""scan: quantizes each dense layer of a model alone, in each pass alone, and measures what becomes of the outputs."""

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
from albert_export.reference.registry import build_reference
from albert_export.samples.texts import Text, calibration_corpus
from albert_export.sensitivity.result import Harm, Row, Sensitivity
from albert_export.utils.terminal import Progress
from albert_export.verification.verify import suppressed_truncation_warnings
from albert_runtime.errors import UsageError
from albert_runtime.tasks import Task, find_task

if TYPE_CHECKING:
    from torch import Tensor

    from albert_export.sensitivity.activation_range import Range
    from albert_export.sensitivity.linear_hooks import Product

#: what can be tried
PRECISIONS = ("int8", "int4")
#: what exports give 4 bits, by a part of the name
_FOUR_BITS = ("albert_layer_groups", "pooler")
#: inputs that the command runs
SAMPLES = 8

Sample = dict[str, NDArray[np.int64]]


def typical_inputs(
    checkpoint: Checkpoint, task: str | Task, texts: Sequence[Text] | None = None, *, limit: int = SAMPLES
) -> list[Sample]:
    """At most `limit` inputs to scan the model with, made of `texts` or else of a bundled corpus.

    Returns:
        The arrays of the task's contract for each: int64 `[1, sequence]`, with a choice between for multiple choice.

    Raises:
        CheckpointError: the checkpoint has no vocabulary that fits it.
    """
    chosen = find_task(task) if isinstance(task, str) else task
    tokenizer = load_tokenizer(checkpoint)
    longest = checkpoint.config.max_position_embeddings
    with suppressed_truncation_warnings():
        return calibration_samples(texts or calibration_corpus(), tokenizer, chosen, longest=longest, count=limit)


def scan(
    model: Checkpoint | Any,
    task: str | Task,
    samples: Sequence[Sample],
    precision: str = "int8",
    *,
    progress: Progress = lambda step: None,
) -> Sensitivity:
    """Quantizes what multiplies by weights, one dense layer in one pass at a time, and then all of it.

    Args:
        model: a checkpoint, or a PyTorch reference model with its weights; it is not changed.
        task: which the model serves, by name or alias.
        samples: inputs as of `typical_inputs`, run one by one, since engines find ranges for each run.
        precision: "int8": weights with a scale for each output channel, inputs with a range for each run.
            "int4": weights of 4 bits with a scale for each 64 of an output channel, inputs of 8 bits with a scale for
            each token; but int8 for what is neither a shared layer nor the pooler, as ONNX exports have it.
        progress: called with a line about each step.

    Raises:
        UsageError: another precision, or no samples.
        DependencyError: PyTorch is not installed.
        CheckpointError: the checkpoint lacks weights.
        UnsupportedError: it has no head for the task, or the model's own outputs are not finite.
    """
    refuse_precision(precision)
    if not samples:
        raise UsageError("there are no samples to scan the model with; give one at least")
    chosen = find_task(task) if isinstance(task, str) else task
    reference = build_reference(model, chosen.name) if isinstance(model, Checkpoint) else model
    return Scanner(reference, chosen, samples, precision).result(progress)


def refuse_precision(precision: str) -> None:
    """Raises a UsageError for a precision that can't be scanned."""
    if precision not in PRECISIONS:
        raise UsageError(f"{precision!r} can't be scanned; the precisions are {', '.join(PRECISIONS)}")


class Scanner:
    """The float32 run of every sample, and runs that differ from it in some products."""

    def __init__(self, reference: Any, task: Task, samples: Sequence[Sample], precision: str) -> None:
        # PyTorch is needed from here on: whoever has a reference has it
        from albert_export.sensitivity.activation_range import Range
        from albert_export.sensitivity.linear_hooks import Products
        from albert_export.sensitivity.reference_outputs import Expected

        self._products = Products(reference, task)
        self._task, self._samples, self._precision = task, samples, precision
        self._weights: dict[str, Tensor] = {}
        self._ranges: dict[Product, Range] = {}

        def watch(product: Product, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            found = Range.of(x.numpy())
            self._ranges[product] = self._ranges[product] | found if product in self._ranges else found
            return x, weight

        runs = [self._products.run(sample, watch) for sample in samples]
        self._states = [run.states for run in runs]
        self._passes = len(self._states[0]) - 1
        self._expected = Expected(task, reference.config.problem_type, [run.outputs for run in runs])

    def harm(self, products: Sequence[Product]) -> Harm:
        """What quantizing just these products does."""
        from albert_export.sensitivity.fake_quantize import quantized_activations

        def quantize(product: Product, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            if product not in products:
                return x, weight
            precision = self._precision_of(product.module)
            return quantized_activations(x, precision), self._quantized(product.module, weight)

        first = min((self._first_pass(product) for product in products), default=self._passes + 1)
        return self._expected.harm(
            [
                self._products.run(sample, quantize, first_pass=first, states=states).outputs
                for sample, states in zip(self._samples, self._states, strict=True)
            ]
        )

    def result(self, progress: Progress) -> Sensitivity:
        """Every product by itself, those of a layer together, and all of them."""
        layers: dict[str, list[Product]] = {}
        for product in self._ranges:
            layers.setdefault(product.module, []).append(product)
        rows = []
        for index, (module, products) in enumerate(layers.items(), start=1):
            where = f"layer {index} of {len(layers)}, {module}"
            for product in products:
                if product.pass_number is not None:
                    progress(f"{where}, pass {product.pass_number}")
                    rows.append(self._row(product.pass_number, [product]))
            progress(f"{where}, all passes")
            rows.append(self._row(None, products))
        progress("everything")
        return Sensitivity(
            task=self._task.name,
            precision=self._precision,
            samples=len(self._samples),
            tokens=sum(sample["input_ids"].size for sample in self._samples),
            passes=self._passes,
            rows=tuple(rows),
            everything=self.harm(list(self._ranges)),
        )

    def _row(self, pass_number: int | None, products: Sequence[Product]) -> Row:
        values = reduce(or_, (self._ranges[product] for product in products))
        return Row(
            module=products[0].module,
            pass_number=pass_number,
            minimum=values.minimum,
            maximum=values.maximum,
            outlier_ratio=values.outlier_ratio,
            outlier_channels=values.outlier_channels,
            harm=self.harm(products),
        )

    def _first_pass(self, product: Product) -> int:
        """The first pass that can come out otherwise; beyond the last one for a head."""
        order = list(self._ranges)
        following = (other.pass_number for other in order[order.index(product) :])
        return min((number for number in following if number is not None), default=self._passes + 1)

    def _quantized(self, module: str, weight: Tensor) -> Tensor:
        from albert_export.sensitivity.fake_quantize import quantized_weight

        if module not in self._weights:
            self._weights[module] = quantized_weight(weight, self._precision_of(module))
        return self._weights[module]

    def _precision_of(self, module: str) -> str:
        """Layers that run once are small, and their errors pass through everything: exports give them no 4 bits."""
        return self._precision if any(part in module for part in _FOUR_BITS) else "int8"
