"""BundleSubject: a bundle as it is measured, through `albert_runtime`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import albert_runtime
from albert_export.bench.operations import count_operations
from albert_export.bench.peers.subject import CHOICES, UnsuitableError, random_arrays
from albert_export.bench.settings import Settings
from albert_export.config import AlbertConfig
from albert_export.samples.token_ids import TokenSource
from albert_runtime.engines import Arrays, open_engine
from albert_runtime.errors import AlbertError
from albert_runtime.packed.path import BundlePath
from albert_runtime.session import session_class
from albert_runtime.tasks import BATCH, INPUT_NAMES
from albert_runtime.tasks import CHOICES as CHOICES_AXIS

#: the tasks whose sessions take lines of text -> the field of an answer that says what was decided; None: not compared
_DECISIONS = {
    "text-classification": "label",
    "fill-mask": "token",
    "token-classification": None,
    "feature-extraction": None,
}


class BundleSubject:
    """A bundle; see `albert_export.bench.peers.subject.Subject` for the methods.

    Args:
        folder: the bundle.
        settings: its engine, precision and threads.

    Raises:
        AlbertError: by any method, if the bundle can't be opened or run.
    """

    resizes = True

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.bundle = albert_runtime.open_bundle(folder, check=False, precision=settings.precision)

    def import_packages(self) -> None:
        session_class(self.bundle.task)  # `load` would import its module
        _import_engine(self.bundle.model_file, self.settings.engine)

    def load_engine(self) -> None:
        settings = self.settings
        self.engine = open_engine(self.bundle.model_file, threads=settings.threads, name=settings.engine)

    def load_session(self) -> None:
        self.session = albert_runtime.load(
            self.folder, verify=False, engine=self.engine, precision=self.settings.precision
        )

    def facts(self) -> dict[str, Any]:
        return {
            "task": self.session.task,
            "precision": self.session.manifest.precision,
            "engine": f"{self.engine.name} {self.engine.version}",
            "versions": {self.engine.name: self.engine.version, "albert-runtime": albert_runtime.__version__},
            "file_bytes": self.bundle.model_file.stat().st_size,
            "notes": [],
        }

    def supported_lengths(self) -> tuple[int | None, int]:
        return self.session.manifest.sequence_length, self.session.max_length

    def inputs(self, batch: int, length: int) -> Arrays:
        sizes = {BATCH: batch, CHOICES_AXIS: CHOICES}
        shape = [sizes.get(axis, length) for axis in self.bundle.task.input_axes]
        if self.session.manifest.has_tokenizer:
            tokenizer = self.session.tokenizer
            arrays = random_arrays(shape, range(len(tokenizer.special_tokens.contents), tokenizer.vocab_size))
        else:
            source = TokenSource.of_config(self.bundle.config)
            ids = np.random.default_rng(length).choice(source.ids, shape)
            arrays = (ids, np.ones(shape, np.int64), np.broadcast_to(source.types(length), shape).copy())
        return dict(zip(INPUT_NAMES, arrays, strict=True))

    def operations(self, batch: int, lengths: Sequence[int]) -> dict[int, int]:
        """Return, for each length, the operations of the matrix products of a run; see `count_operations`."""
        config, task = AlbertConfig.from_dict(self.bundle.config), self.session.manifest.graph_task
        sequences = batch * (CHOICES if CHOICES_AXIS in task.input_axes else 1)
        return {length: count_operations(config, task, sequences, length).total for length in lengths}

    def run(self, inputs: Arrays) -> None:
        self.session.run(inputs)

    def answer_text(self, text: str) -> Any:
        return self._decision(self._texts_session()(text))

    def answer_texts(self, texts: Sequence[str]) -> list[Any]:
        return [self._decision(answer) for answer in self._texts_session().map(texts)]

    def answer_list(self, texts: Sequence[str]) -> list[Any] | None:
        return None  # a session that is given a list makes batches of it

    def answer_question(self, question: str, context: str) -> str:
        if self.session.task != "question-answering" or not self.session.manifest.has_tokenizer:
            raise UnsuitableError("it takes no questions: only a bundle for question-answering with a tokenizer does")
        answer: str = self.session(question, context).text
        return answer.strip()

    def _texts_session(self) -> Any:
        if self.session.task not in _DECISIONS or not self.session.manifest.has_tokenizer:
            raise UnsuitableError(
                f"it takes no lines of text: only bundles for {', '.join(_DECISIONS)} with a tokenizer do"
            )
        return self.session

    def _decision(self, answer: Any) -> Any:
        """Return the part of an answer that is compared with those of others; None if none is."""
        field = _DECISIONS[self.session.task]
        if field is None:
            return None
        best = answer[0]
        return getattr(best[0] if isinstance(best, tuple) else best, field)


def _import_engine(model_file: BundlePath, name: str | None) -> None:
    """Import the engine's package, by opening a file that does not exist.

    All errors are ignored: if the package is missing, the load itself raises an error that says so.
    """
    with contextlib.suppress(AlbertError, OSError):
        open_engine(f"no-such-file{model_file.suffix}", name=name)
