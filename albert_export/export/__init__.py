"""Exports a checkpoint to a verified bundle, in ONNX or TFLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_runtime.lazy_import import lazy_names

if TYPE_CHECKING:
    from albert_export.export.api import (
        ONNX_FILE,
        ONNX_PRECISIONS,
        TFLITE_FILE,
        Exported,
        ExportPreview,
        export_onnx,
        export_tflite,
        preview_export,
    )

__all__ = [
    "ONNX_FILE", "ONNX_PRECISIONS", "TFLITE_FILE", "ExportPreview", "Exported", "export_onnx", "export_tflite",
    "preview_export",
]  # fmt: skip

__getattr__ = lazy_names(__name__, {"albert_export.export.api": __all__})
