"""Runs exported ALBERT models. It needs numpy, sentencepiece and one engine, and nothing else.

    import albert_runtime

    session = albert_runtime.load("my-bundle")
    answer = session("Where is the Eiffel Tower?", "The Eiffel Tower stands in Paris.")
    print(answer.text, answer.score, answer.start, answer.end)

`load` returns the session for the bundle's task; each of the seven session classes documents what it is called with.
Public names are imported when they are first used, so that importing the package itself takes almost no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_runtime._version import __version__
from albert_runtime.lazy_import import lazy_names

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
        RequestError,
        UnsupportedError,
        UsageError,
    )
    from albert_runtime.manifest import Manifest
    from albert_runtime.session import AlbertSession, load
    from albert_runtime.sessions.feature_extraction import FeatureExtractionSession
    from albert_runtime.sessions.masked_words import FillMaskSession, PretrainingSession
    from albert_runtime.sessions.multiple_choice import MultipleChoiceSession
    from albert_runtime.sessions.question_answering import QuestionAnsweringSession
    from albert_runtime.sessions.text_classification import TextClassificationSession
    from albert_runtime.sessions.token_classification import TokenClassificationSession
    from albert_runtime.sessions.zero_shot import ZeroShotClassifier
    from albert_runtime.tokenization.added_vocabulary import AddedToken
    from albert_runtime.tokenization.encoding import BatchEncoding, Encoding
    from albert_runtime.tokenization.tokenizer import AlbertTokenizer
    from albert_runtime.user_cache import cache_folder, clear_cache

__all__ = [
    "AddedToken",
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
    "RequestError",
    "SentenceOrder",
    "TextClassificationSession",
    "TokenClassificationSession",
    "UnsupportedError",
    "UsageError",
    "ZeroShotClassifier",
    "__version__",
    "cache_folder",
    "clear_cache",
    "load",
    "open_bundle",
    "open_engine",
]

__getattr__ = lazy_names(
    __name__,
    {
        "albert_runtime.answers": ("Answer", "Choice", "Embedding", "Entity", "Filled", "Label", "SentenceOrder"),
        "albert_runtime.bundle": ("Bundle", "open_bundle"),
        "albert_runtime.user_cache": ("cache_folder", "clear_cache"),
        "albert_runtime.engines": ("Engine", "open_engine"),
        "albert_runtime.engines.canned_engine": ("CannedEngine",),
        "albert_runtime.errors": (
            "AlbertError",
            "BundleError",
            "DependencyError",
            "OperatorError",
            "RequestError",
            "UnsupportedError",
            "UsageError",
        ),
        "albert_runtime.manifest": ("Manifest",),
        "albert_runtime.session": ("AlbertSession", "load"),
        "albert_runtime.sessions.feature_extraction": ("FeatureExtractionSession",),
        "albert_runtime.sessions.masked_words": (
            "FillMaskSession",
            "PretrainingSession",
        ),
        "albert_runtime.sessions.multiple_choice": ("MultipleChoiceSession",),
        "albert_runtime.sessions.question_answering": ("QuestionAnsweringSession",),
        "albert_runtime.sessions.text_classification": ("TextClassificationSession",),
        "albert_runtime.sessions.token_classification": ("TokenClassificationSession",),
        "albert_runtime.sessions.zero_shot": ("ZeroShotClassifier",),
        "albert_runtime.tokenization.added_vocabulary": ("AddedToken",),
        "albert_runtime.tokenization.encoding": ("BatchEncoding", "Encoding"),
        "albert_runtime.tokenization.tokenizer": ("AlbertTokenizer",),
    },
)


def __dir__() -> list[str]:
    return __all__
