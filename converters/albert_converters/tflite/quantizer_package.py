"""The package that quantizes TFLite files: litert-quantizer where it is installed, ai-edge-quantizer otherwise.

They are one package: ai-edge-quantizer 0.10 was renamed, and goes on as litert-quantizer 0.11 with the same interface.
"""

from __future__ import annotations

try:
    from litert_quantizer import calibrator, qtyping, quantizer
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.utils.qsv_utils import min_max_update
except ModuleNotFoundError:
    from ai_edge_quantizer import calibrator, qtyping, quantizer
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.utils.qsv_utils import min_max_update

__all__ = ["AlgorithmName", "calibrator", "min_max_update", "qtyping", "quantizer"]
