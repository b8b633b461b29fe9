"""The public names in use, with the types that they promise. Only mypy reads this file (`make check`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import albert_export
import albert_runtime
from albert_runtime import Answer, Choice, Embedding, Entity, Filled, Label, QuestionAnsweringSession, SentenceOrder


def sessions() -> None:
    """Call each session once."""
    label: Label = albert_runtime.TextClassificationSession("bundle")("text")[0]
    likely: Label = albert_runtime.ZeroShotClassifier(albert_runtime.load("bundle"))("text", ["a", "b"])[0]
    entity: Entity = albert_runtime.TokenClassificationSession("bundle")("text")[0]
    filled: Filled = albert_runtime.FillMaskSession("bundle")("a [MASK]", top_k=3)[0][0]
    choice: Choice = albert_runtime.MultipleChoiceSession("bundle")("prompt", ["a", "b"])
    order: SentenceOrder = albert_runtime.PretrainingSession("bundle")("first", "second")
    embedding: Embedding = albert_runtime.FeatureExtractionSession("bundle")("text")
    vector: NDArray[np.float32] = embedding.vector
    labels: list[tuple[Label, ...]] = albert_runtime.load("bundle")(["text", "text"], max_batch_tokens=128)
    for labels_or_error in albert_runtime.load("bundle").map(iter(["text"]), errors="return"):
        del labels_or_error
    answer: Answer = QuestionAnsweringSession("bundle", threads=1, verify=False)("question", "context")
    place: tuple[int, int] = (answer.start, answer.end)
    score: float = label.score + likely.score + entity.score + filled.score + choice.score + order.score
    del vector, labels, place, score


def tools() -> None:
    """Call the functions of the exporting side."""
    exported = albert_export.export_onnx("model", "bundle", task="qa", precision="fp16")
    difference: float = exported.report.max_difference
    precision: str = albert_export.export_tflite("model", "bundle", task="qa", precision="int8").manifest.precision
    passed: bool = albert_export.verify_bundle("bundle", "model").passed
    config: albert_export.AlbertConfig = albert_export.AlbertConfig.from_name("albert-base-v2")
    tasks: tuple[str, ...] = albert_export.read_checkpoint("model").tasks
    model = albert_export.AlbertForQuestionAnswering.from_pretrained("model", config=config)
    model.save_pretrained("folder")
    albert_export.TFAlbertForQuestionAnswering.from_pretrained("folder", config=config).save_pretrained("model")
    ids: list[int] = albert_export.AlbertTokenizer.from_folder("model").encode("text")
    del difference, precision, passed, tasks, ids
