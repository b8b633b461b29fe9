"""Runs exported ALBERT models on nothing but numpy, sentencepiece and one engine.

    import albert_runtime

    session = albert_runtime.load("my-bundle")
    answer = session("Where is the Eiffel Tower?", "The Eiffel Tower stands in Paris.")
    print(answer.text, answer.score, answer.start, answer.end)

`load` gives the session for the bundle's task; what to call it with stands in the seven session classes.
Names are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from albert_runtime._version import __version__

if TYPE_CHECKING:
    from albert_runtime.answers import Answer, Choice, Embedding, Entity, Filled, Label, SentenceOrder
    from albert_runtime.bundle import Bundle, open_bundle
    from albert_runtime.engines import Engine, open_engine
    from albert_runtime.engines.canned_engine import CannedEngine
    from albert_runtime.errors import (
        AlbertError,
        BundleError,
        DependencyError,
        OperatorError,
        UnsupportedError,
        UsageError,
    )
    from albert_runtime.manifest import Manifest
    from albert_runtime.session import AlbertSession
    from albert_runtime.task_sessions import (
        FeatureExtractionSession,
        FillMaskSession,
        MultipleChoiceSession,
        PretrainingSession,
        QuestionAnsweringSession,
        TextClassificationSession,
        TokenClassificationSession,
        load,
    )
    from albert_runtime.tokenization.encoding import BatchEncoding, Encoding
    from albert_runtime.tokenization.tokenizer import AlbertTokenizer

__all__ = [
    "AlbertError",
    "AlbertSession",
    "AlbertTokenizer",
    "Answer",
    "BatchEncoding",
    "Bundle",
    "BundleError",
    "CannedEngine",
    "Choice",
    "DependencyError",
    "Embedding",
    "Encoding",
    "Engine",
    "Entity",
    "FeatureExtractionSession",
    "FillMaskSession",
    "Filled",
    "Label",
    "Manifest",
    "MultipleChoiceSession",
    "OperatorError",
    "PretrainingSession",
    "QuestionAnsweringSession",
    "SentenceOrder",
    "TextClassificationSession",
    "TokenClassificationSession",
    "UnsupportedError",
    "UsageError",
    "__version__",
    "load",
    "open_bundle",
    "open_engine",
]

#: module -> the public names that live there
_HOMES = {
    "answers": ("Answer", "Choice", "Embedding", "Entity", "Filled", "Label", "SentenceOrder"),
    "bundle": ("Bundle", "open_bundle"),
    "tokenization.encoding": ("BatchEncoding", "Encoding"),
    "engines": ("Engine", "open_engine"),
    "engines.canned_engine": ("CannedEngine",),
    "errors": ("AlbertError", "BundleError", "DependencyError", "OperatorError", "UnsupportedError", "UsageError"),
    "manifest": ("Manifest",),
    "session": ("AlbertSession",),
    "task_sessions": (
        "FeatureExtractionSession",
        "FillMaskSession",
        "MultipleChoiceSession",
        "PretrainingSession",
        "QuestionAnsweringSession",
        "TextClassificationSession",
        "TokenClassificationSession",
        "load",
    ),
    "tokenization.tokenizer": ("AlbertTokenizer",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
