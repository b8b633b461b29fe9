"""Which bundles a page can run."""

from __future__ import annotations

from albert_runtime.bundle import Bundle
from albert_runtime.errors import UnsupportedError, listed


def refuse_unsupported(bundle: Bundle) -> None:
    """Refuse a bundle that the page can't run.

    Raises:
        UnsupportedError: the message has all reasons, and the command that makes a bundle which fits.
    """
    manifest = bundle.manifest
    reasons = []
    if not manifest.model_file.endswith(".onnx"):
        reasons.append(
            f"its graph is {manifest.model_file}, and the page runs ONNX graphs, with ONNX Runtime for browsers"
        )
    if not manifest.has_tokenizer:
        reasons.append("it has no tokenizer, and the page takes texts")
    if reasons:
        fitting = f"albert-export onnx --model CHECKPOINT --task {manifest.task} --precision int8 --output BUNDLE"
        raise UnsupportedError(
            listed(f"the page can't run the bundle {bundle.folder}:", reasons) + f"\nMake one that fits: {fitting}"
        )
