"""Export ALBERT to ONNX and TFLite, and check that the result gives the same answers.

Names are imported when they are first used: `import albert_export` alone loads neither torch nor TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_runtime._version import __version__
from albert_runtime.lazy_import import lazy_names

if TYPE_CHECKING:
    from albert_export.checkpoints import Checkpoint, ReadOptions, read_checkpoint, write_checkpoint
    from albert_export.config import AlbertConfig
    from albert_export.demos import demo_checkpoint
    from albert_export.export import export_onnx, export_tflite
    from albert_export.hub import resolve_checkpoint
    from albert_export.reference.outputs import AlbertForPreTrainingOutput, TFAlbertForPreTrainingOutput
    from albert_export.reference.tf_albert import TFAlbertModel
    from albert_export.reference.tf_beam_search import TFAlbertForQuestionAnsweringBeamSearch
    from albert_export.reference.tf_heads import (
        TFAlbertForMaskedLM,
        TFAlbertForMultipleChoice,
        TFAlbertForPreTraining,
        TFAlbertForQuestionAnswering,
        TFAlbertForSequenceClassification,
        TFAlbertForTokenClassification,
    )
    from albert_export.reference.torch_albert import AlbertModel
    from albert_export.reference.torch_beam_search import AlbertForQuestionAnsweringBeamSearch
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

__all__ = [
    "AlbertConfig",
    "AlbertForMaskedLM",
    "AlbertForMultipleChoice",
    "AlbertForPreTraining",
    "AlbertForPreTrainingOutput",
    "AlbertForQuestionAnswering",
    "AlbertForQuestionAnsweringBeamSearch",
    "AlbertForSequenceClassification",
    "AlbertForTokenClassification",
    "AlbertModel",
    "AlbertTokenizer",
    "Checkpoint",
    "ReadOptions",
    "TFAlbertForMaskedLM",
    "TFAlbertForMultipleChoice",
    "TFAlbertForPreTraining",
    "TFAlbertForPreTrainingOutput",
    "TFAlbertForQuestionAnswering",
    "TFAlbertForQuestionAnsweringBeamSearch",
    "TFAlbertForSequenceClassification",
    "TFAlbertForTokenClassification",
    "TFAlbertModel",
    "__version__",
    "demo_checkpoint",
    "export_onnx",
    "export_tflite",
    "read_checkpoint",
    "resolve_checkpoint",
    "verify_bundle",
    "write_checkpoint",
]

__getattr__ = lazy_names(
    __name__,
    {
        "albert_export.checkpoints": ("Checkpoint", "ReadOptions", "read_checkpoint", "write_checkpoint"),
        "albert_export.config": ("AlbertConfig",),
        "albert_export.demos": ("demo_checkpoint",),
        "albert_export.export": ("export_onnx", "export_tflite"),
        "albert_export.hub": ("resolve_checkpoint",),
        "albert_export.reference.outputs": ("AlbertForPreTrainingOutput", "TFAlbertForPreTrainingOutput"),
        "albert_export.reference.tf_albert": ("TFAlbertModel",),
        "albert_export.reference.tf_beam_search": ("TFAlbertForQuestionAnsweringBeamSearch",),
        "albert_export.reference.tf_heads": (
            "TFAlbertForMaskedLM",
            "TFAlbertForMultipleChoice",
            "TFAlbertForPreTraining",
            "TFAlbertForQuestionAnswering",
            "TFAlbertForSequenceClassification",
            "TFAlbertForTokenClassification",
        ),
        "albert_export.reference.torch_albert": ("AlbertModel",),
        "albert_export.reference.torch_beam_search": ("AlbertForQuestionAnsweringBeamSearch",),
        "albert_export.reference.torch_heads": (
            "AlbertForMaskedLM",
            "AlbertForMultipleChoice",
            "AlbertForPreTraining",
            "AlbertForQuestionAnswering",
            "AlbertForSequenceClassification",
            "AlbertForTokenClassification",
        ),
        "albert_export.verification.verify": ("verify_bundle",),
        "albert_runtime": ("AlbertTokenizer",),
    },
)


def __dir__() -> list[str]:
    return __all__
