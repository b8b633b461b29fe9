"""The model of transformers itself, run eagerly or compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .pipeline_subject import MODEL_CLASSES, PipelineSubject


class TransformersSubject(PipelineSubject):
    """The model as `from_pretrained` loads it."""

    def load_model(self) -> Any:
        import transformers

        return getattr(transformers, MODEL_CLASSES[self.task]).from_pretrained(self.checkpoint).eval()

    @property
    def model_file(self) -> Path:
        return self.checkpoint / "model.safetensors"


class CompiledSubject(TransformersSubject):
    """The same with `compile()`. With fixed sizes, it would compile anew for every length of a text."""

    def load_model(self) -> Any:
        model = super().load_model()
        model.compile(dynamic=True)
        self.notes.append("compile(dynamic=True); later rounds find in a cache what the first one compiled")
        return model


class ReferenceSubject(TransformersSubject):
    """The checkpoint as it was given, for answers to compare with; it is not timed.

    A checkpoint without tokenizer.json is answered with the slow tokenizer. The fast one that transformers makes of
    its vocabulary splits many texts in another way.
    """

    @property
    def fast_tokenizer(self) -> bool:  # type: ignore[override]
        return (self.checkpoint / "tokenizer.json").is_file()
