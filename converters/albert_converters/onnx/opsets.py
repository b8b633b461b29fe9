"""The versions of the ai.onnx operators that graphs are written in."""

from __future__ import annotations

from albert_runtime.errors import UsageError

DEFAULT_OPSET = 18
#: the first opset with Softmax over a single axis, and with Unsqueeze whose axes are an input
MIN_OPSET = 13
#: the newest opset that the lowerings were checked against
MAX_OPSET = 23


def check_opset(opset: int) -> int:
    """`opset`, if graphs can be written in it.

    Raises:
        UsageError: it is too old or too new.
    """
    if not MIN_OPSET <= opset <= MAX_OPSET:
        raise UsageError(f"opset {opset} is not supported; choose one from {MIN_OPSET} to {MAX_OPSET}")
    return opset
