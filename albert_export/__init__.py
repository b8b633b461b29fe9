"""Export ALBERT to ONNX and TFLite, and check that the result gives the same answers.

Names are loaded when they are first used, so `import albert_export` alone loads neither torch nor TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_export.utils.lazy_import import lazy_names
from albert_runtime._version import __version__

if TYPE_CHECKING:
    from albert_export.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
    from albert_export.config import AlbertConfig
    from albert_export.demos import demo_checkpoint
    from albert_export.export import export_onnx, export_tflite
    from albert_export.reference.outputs import AlbertForPreTrainingOutput, TFAlbertForPreTrainingOutput
    from albert_export.reference.tf_albert import TFAlbertModel
    from albert_export.reference.tf_heads import (
        TFAlbertForMaskedLM,
        TFAlbertForMultipleChoice,
        TFAlbertForPreTraining,
        TFAlbertForQuestionAnswering,
        TFAlbertForSequenceClassification,
        TFAlbertForTokenClassification,
    )
    from albert_export.reference.torch_albert import AlbertModel
    from albert_export.reference.torch_heads import (
        AlbertForMaskedLM,
        AlbertForMultipleChoice,
        AlbertForPreTraining,
        AlbertForQuestionAnswering,
        AlbertForSequenceClassification,
        AlbertForTokenClassification,
    )
    from albert_export.verification.verify import verify_bundle
    from albert_runtime import AlbertTokenizer

#: public name -> the module that holds it
_HOMES = {
    "AlbertConfig": "albert_export.config",
    "AlbertForMaskedLM": "albert_export.reference.torch_heads",
    "AlbertForMultipleChoice": "albert_export.reference.torch_heads",
    "AlbertForPreTraining": "albert_export.reference.torch_heads",
    "AlbertForPreTrainingOutput": "albert_export.reference.outputs",
    "AlbertForQuestionAnswering": "albert_export.reference.torch_heads",
    "AlbertForSequenceClassification": "albert_export.reference.torch_heads",
    "AlbertForTokenClassification": "albert_export.reference.torch_heads",
    "AlbertModel": "albert_export.reference.torch_albert",
    "AlbertTokenizer": "albert_runtime",
    "Checkpoint": "albert_export.checkpoints",
    "TFAlbertForMaskedLM": "albert_export.reference.tf_heads",
    "TFAlbertForMultipleChoice": "albert_export.reference.tf_heads",
    "TFAlbertForPreTraining": "albert_export.reference.tf_heads",
    "TFAlbertForPreTrainingOutput": "albert_export.reference.outputs",
    "TFAlbertForQuestionAnswering": "albert_export.reference.tf_heads",
    "TFAlbertForSequenceClassification": "albert_export.reference.tf_heads",
    "TFAlbertForTokenClassification": "albert_export.reference.tf_heads",
    "TFAlbertModel": "albert_export.reference.tf_albert",
    "demo_checkpoint": "albert_export.demos",
    "export_onnx": "albert_export.export",
    "export_tflite": "albert_export.export",
    "read_checkpoint": "albert_export.checkpoints",
    "verify_bundle": "albert_export.verification.verify",
    "write_checkpoint": "albert_export.checkpoints",
}

__all__ = [
    "AlbertConfig",
    "AlbertForMaskedLM",
    "AlbertForMultipleChoice",
    "AlbertForPreTraining",
    "AlbertForPreTrainingOutput",
    "AlbertForQuestionAnswering",
    "AlbertForSequenceClassification",
    "AlbertForTokenClassification",
    "AlbertModel",
    "AlbertTokenizer",
    "Checkpoint",
    "TFAlbertForMaskedLM",
    "TFAlbertForMultipleChoice",
    "TFAlbertForPreTraining",
    "TFAlbertForPreTrainingOutput",
    "TFAlbertForQuestionAnswering",
    "TFAlbertForSequenceClassification",
    "TFAlbertForTokenClassification",
    "TFAlbertModel",
    "__version__",
    "demo_checkpoint",
    "export_onnx",
    "export_tflite",
    "read_checkpoint",
    "verify_bundle",
    "write_checkpoint",
]


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
