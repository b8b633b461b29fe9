"""Everything that is looked for in an ONNX file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from albert_converters.doctor.diagnosis import Finding
from albert_converters.onnx.doctor import compatibility_checks as onnx_limits
from albert_converters.onnx.doctor import weight_checks as onnx_faults
from albert_converters.onnx.doctor.passes import repair_onnx
from albert_converters.onnx.model import OnnxFile, read_onnx
from albert_converters.patient import Patient

CHECKS: tuple[Callable[[OnnxFile], Iterator[Finding]], ...] = (
    onnx_faults.duplicated_weights,
    onnx_faults.transposed_copies,
    onnx_faults.packed_copies,
    onnx_faults.hidden_weights,
    onnx_faults.unkept_claims,
    onnx_faults.unread_weights,
    onnx_faults.replaceable_weights,
    onnx_limits.foreign_operators,
    onnx_limits.fixed_axes,
    onnx_limits.absent_inputs,
    onnx_limits.unread_inputs,
    onnx_limits.overflowing_masks,
    onnx_limits.vanishing_epsilons,
    onnx_limits.several_files,
    onnx_limits.opsets,
)


def read_patient(path: Path) -> Patient:
    """The file at `path`, examined.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not an ONNX graph, it is damaged, or files with its weights are missing.
    """
    file = read_onnx(path)
    found = [finding for check in CHECKS for finding in check(file)]

    def mend() -> tuple[list[str], bytes]:
        return repair_onnx(file), file.model.SerializeToString()

    return Patient(
        path, file.bytes, file.inputs, file.vocabulary, tuple(sorted(found, key=lambda one: not one.fault)), mend
    )
