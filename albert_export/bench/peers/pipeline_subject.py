"""PipelineSubject: a peer whose texts and questions go through the pipeline of transformers."""

from __future__ import annotations

import contextlib
import importlib.metadata
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from .subject import CHOICES, UnsuitableError, random_arrays

#: sequences that a pipeline pads to the length of the longest, where it is asked for batches
BATCH_SIZE = 8
#: task -> the class of transformers; that of optimum has ORT in place of Albert in its name
MODEL_CLASSES = {
    "feature-extraction": "AlbertModel",
    "pretraining": "AlbertForPreTraining",
    "fill-mask": "AlbertForMaskedLM",
    "text-classification": "AlbertForSequenceClassification",
    "token-classification": "AlbertForTokenClassification",
    "multiple-choice": "AlbertForMultipleChoice",
    "question-answering": "AlbertForQuestionAnswering",
}
#: the tasks with a pipeline that takes lines of text -> the entry of its answer that says what was decided
_DECISIONS = {
    "text-classification": "label",
    "fill-mask": "token_str",
    "token-classification": None,
    "feature-extraction": None,
}
#: what makes a pipeline cut long texts off, as bundles do, instead of failing
_TRUNCATION: dict[str, dict[str, Any]] = {
    "text-classification": {"truncation": True},
    "fill-mask": {"tokenizer_kwargs": {"truncation": True}},
    "token-classification": {},
    "feature-extraction": {"truncation": True},
}
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
#: ids below this one are special tokens of ALBERT's vocabulary
_FIRST_WORD_ID = 5


class PipelineSubject(ABC):
    """A peer. A subclass loads a model that `transformers.pipeline` takes, and that takes torch tensors by name.

    Args:
        checkpoint: the checkpoint with its tokenizer, as transformers has saved it.
        files: the folder of what the peer's own conversion made; the checkpoint itself if it converts nothing.
        task: the full name of the task.
        threads: the threads of one run.
    """

    precision: ClassVar[str] = "fp32"
    #: the package whose version stands for the engine
    engine: ClassVar[str] = "torch"
    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    resizes = False
    #: whether the tokenizer is the fast one, which `AutoTokenizer` chooses by itself
    fast_tokenizer = True

    def __init__(self, checkpoint: Path, files: Path, task: str, threads: int) -> None:
        self.checkpoint, self.files, self.task, self.threads = checkpoint, files, task, threads
        self.model: Any = None
        self.notes: list[str] = []

    @abstractmethod
    def load_model(self) -> Any:
        """Return the model."""

    @property
    @abstractmethod
    def model_file(self) -> Path:
        """The file with the weights."""

    @property
    def file_bytes(self) -> int:
        """The bytes of all files of the model."""
        return self.model_file.stat().st_size

    def import_packages(self) -> None:
        import torch
        import transformers.models.albert.modeling_albert
        import transformers.models.albert.tokenization_albert
        import transformers.models.albert.tokenization_albert_fast
        import transformers.pipelines  # noqa: F401

        torch.set_num_threads(self.threads)

    def load_engine(self) -> None:
        import torch

        torch.set_num_threads(self.threads)
        self.model = self.load_model()

    def load_session(self) -> None:
        import transformers

        make_pipeline: Any = transformers.pipeline
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(self.checkpoint, use_fast=self.fast_tokenizer)
        self.tokenizer.model_max_length = self.model.config.max_position_embeddings
        self.pipeline = None
        if self.task in (*_DECISIONS, "question-answering"):
            # transformers 5 has no pipeline for question answering
            with contextlib.suppress(KeyError):
                self.pipeline = make_pipeline(self.task, model=self.model, tokenizer=self.tokenizer, framework="pt")

    def facts(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "precision": self.precision,
            "engine": f"{self.engine} {importlib.metadata.version(self.engine)}",
            "versions": {package: importlib.metadata.version(package) for package in self.packages},
            "file_bytes": self.file_bytes,
            "notes": self.notes,
        }

    def supported_lengths(self) -> tuple[int | None, int]:
        return None, self.model.config.max_position_embeddings

    def inputs(self, batch: int, length: int) -> Any:
        import torch

        shape = (batch, CHOICES, length) if self.task == "multiple-choice" else (batch, length)
        arrays = random_arrays(shape, range(_FIRST_WORD_ID, self.model.config.vocab_size))
        return {name: torch.from_numpy(array) for name, array in zip(_INPUTS, arrays)}  # noqa: B905 - Python 3.9

    def run(self, inputs: Any) -> None:
        import torch

        with torch.inference_mode():
            self.model(**inputs)

    def answer_text(self, text: str) -> Any:
        return self._decision(self._texts_pipeline()(text, **_TRUNCATION[self.task]))

    def answer_texts(self, texts: Sequence[str]) -> list[Any]:
        answers = self._texts_pipeline()(list(texts), batch_size=BATCH_SIZE, **_TRUNCATION[self.task])
        return [self._decision(one) for one in answers]

    def answer_list(self, texts: Sequence[str]) -> list[Any] | None:
        return [self._decision(one) for one in self._texts_pipeline()(list(texts), **_TRUNCATION[self.task])]

    def answer_question(self, question: str, context: str) -> str:
        if self.task != "question-answering" or self.pipeline is None:
            raise UnsuitableError(f"no questions: this transformers has no pipeline of questions for {self.task}")
        answer: str = self.pipeline(question=question, context=context)["answer"]
        return answer.strip()  # with a fast tokenizer, its answers begin with the space before them

    def _texts_pipeline(self) -> Any:
        if self.task not in _DECISIONS or self.pipeline is None:
            raise UnsuitableError(f"no texts: this transformers has no pipeline of single texts for {self.task}")
        return self.pipeline

    def _decision(self, answer: Any) -> Any:
        """Return the part of a pipeline's answer that is compared; None if none is."""
        entry = _DECISIONS[self.task]
        if entry is None:
            return None
        best = answer[0] if isinstance(answer, list) else answer
        return best[entry]
