"""The diagnosis of an ONNX file: all checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from onnx import TensorProto

from albert_converters.doctor.diagnosis import CheckResult, Diagnosis, run_checks
from albert_converters.onnx.doctor import compatibility_checks, weight_checks
from albert_converters.onnx.doctor.passes import repair_onnx
from albert_converters.onnx.model import OnnxModelView, read_onnx
from albert_runtime.errors import UnsupportedError

CHECKS: tuple[Callable[[OnnxModelView], Iterator[CheckResult]], ...] = (
    weight_checks.check_duplicated_weights,
    weight_checks.check_transposed_copies,
    weight_checks.check_packed_copies,
    weight_checks.check_hidden_weights,
    weight_checks.check_int8_claims,
    weight_checks.check_unread_weights,
    weight_checks.check_replaceable_weights,
    compatibility_checks.check_foreign_operators,
    compatibility_checks.check_frozen_shapes,
    compatibility_checks.check_missing_inputs,
    compatibility_checks.check_unclear_inputs,
    compatibility_checks.check_unread_inputs,
    compatibility_checks.check_float16_masks,
    compatibility_checks.check_float16_epsilons,
    compatibility_checks.check_external_files,
    compatibility_checks.check_opset,
)


def diagnose_onnx(path: Path) -> Diagnosis:
    """Read the file at `path` and run all checks on it.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not an ONNX graph, it is damaged, files with its weights are missing, or it takes texts.
    """
    model = read_onnx(path)
    texts = [value.name for value in model.input_values if value.type.tensor_type.elem_type == TensorProto.STRING]
    if texts:
        raise UnsupportedError(
            f"{path} takes texts ({', '.join(texts)}): it holds a tokenizer, which these checks know nothing about; "
            "examine the graph that takes token ids, which is model.onnx beside it in a bundle of albert-export"
        )
    return run_checks(model, CHECKS, _repair)


def _repair(model: OnnxModelView) -> tuple[list[str], bytes]:
    """Run all graph passes; see `Diagnosis.repair`."""
    return repair_onnx(model), model.proto.SerializeToString()
