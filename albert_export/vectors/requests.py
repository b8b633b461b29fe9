"""The requests of golden vectors: arguments of the session's call for each task, right ones and wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from albert_export.vectors.texts import PASSAGE, TEXTS
from albert_runtime import AlbertSession

Call = dict[str, Any]

_SAMPLES = tuple(
    TEXTS[name] for name in ("words", "accents", "emoji", "digits with commas", "control tokens", "quotes")
)
_LONG = " ".join([PASSAGE] * 12)


def right_calls(session: AlbertSession) -> list[Call]:
    """Calls that `session` answers: those of its self-test, and ones with every option."""
    tested = [dict(vector["inputs"]) for vector in session.manifest.self_test]
    return [*tested, *_RIGHT[session.task](session)]


def wrong_calls(session: AlbertSession) -> list[Call]:
    """Calls that `session` refuses, and that any language can make."""
    return list(_WRONG[session.task](session))


def zero_shot_calls(session: AlbertSession) -> list[Call]:
    """Calls of `ZeroShotClassifier`, if the model judges whether a text entails another."""
    if session.task != "text-classification" or not any(_entails(label) for label in session.manifest.labels):
        return []
    labels = ["sport", "politics", "cooking"]
    return [
        {"text": "The striker scored twice.", "candidate_labels": labels},
        {"text": PASSAGE, "candidate_labels": "travel, work", "multi_label": True},
        {"text": "Émile cooks.", "candidate_labels": labels, "hypothesis_template": "It is about {}."},
    ]


def _entails(label: str) -> bool:
    return label.lower().startswith("entail")


def _questions(session: AlbertSession) -> Iterator[Call]:
    question = "Where does Clara work?"
    for context in (PASSAGE, "Clara works in Porto.", "👍🏽 Clara works in São Paulo, 1999,", _LONG[:1500]):
        yield {"question": question, "context": context}
    yield {"question": question, "context": PASSAGE, "top_k": 4}
    yield {"question": question, "context": PASSAGE, "top_k": 3, "max_answer_len": 2}
    yield {"question": question, "context": PASSAGE, "top_k": 3, "align_to_words": False}
    yield {"question": question, "context": PASSAGE, "top_k": 3, "handle_impossible_answer": True}
    yield {"question": question, "context": PASSAGE, "handle_impossible_answer": False}
    if session.manifest.sequence_length is None:
        yield {"question": question, "context": PASSAGE, "top_k": 3, "max_seq_len": 32, "doc_stride": 8}
    yield {"question": question, "context": ["Hugo is here.", PASSAGE, "👍🏽 Clara works in Rome."], "top_k": 3}
    yield {"question": " ".join([question] * 6), "context": PASSAGE, "max_question_len": 8}


def _wrong_questions(session: AlbertSession) -> Iterator[Call]:
    yield {"question": "", "context": PASSAGE}
    yield {"question": "Who?", "context": " \n "}
    yield {"question": "Who?", "context": []}
    yield {"question": "Who?", "context": PASSAGE, "top_k": 0}
    yield {"question": "Who?", "context": PASSAGE, "max_answer_len": 0}
    yield {"question": "Who?", "context": PASSAGE, "max_seq_len": session.max_length + 1}


def _classified(session: AlbertSession) -> Iterator[Call]:
    yield from ({"text": text} for text in (*_SAMPLES, _LONG))
    yield {"text": PASSAGE, "top_k": 1}
    yield {"text": "It rains.", "text_pair": "The street is wet."}
    yield from ({"text": PASSAGE, "function_to_apply": name} for name in ("softmax", "sigmoid", "none"))
    yield {"text": PASSAGE, "function_to_apply": "sigmoid", "threshold": 0.5}


def _wrong_classified(session: AlbertSession) -> Iterator[Call]:
    yield {"text": ""}
    yield {"text": "\t "}
    yield {"text": "a", "text_pair": ""}
    yield {"text": "a", "top_k": 0}
    yield {"text": "a", "function_to_apply": "tanh"}


def _tagged(session: AlbertSession) -> Iterator[Call]:
    strategies = ("words", "none", "simple", "first", "average", "max")
    yield from ({"text": PASSAGE, "aggregation_strategy": name} for name in strategies)
    yield from ({"text": text} for text in _SAMPLES)
    words = ["Clara", "met", "São", "Paulo's", "👍🏽", "mayor", "in", "1999,", "."]
    yield from ({"words": words, "aggregation_strategy": name} for name in ("words", "simple", "first"))
    yield {"text": "Clara  met Otto.", "words": ["Clara", "met", "Otto", "."]}
    yield {"text": PASSAGE, "ignore_labels": [], "aggregation_strategy": "none"}
    yield {"text": PASSAGE, "ignore_labels": [session.manifest.labels[-1]]}
    yield {"text": _LONG[:1200], "stride": 8}


def _wrong_tagged(session: AlbertSession) -> Iterator[Call]:
    yield {"text": " "}
    yield {}
    yield {"words": []}
    yield {"words": ["", " "]}
    yield {"text": "Clara met Otto.", "words": ["Clara", "Anna"]}
    yield {"text": "Clara", "aggregation_strategy": "median"}


def _masked(session: AlbertSession) -> Iterator[Call]:
    mask = session.tokenizer.special_tokens.mask
    yield {"text": f"Paris is the {mask} of France."}
    yield {"text": f"{mask} lives in {mask}, 1999, 👍🏽.", "top_k": 3}
    yield {"text": f"Émile's {mask}", "top_k": 2, "targets": _whole_words(session)}
    yield {"text": f"The {mask} is green.", "targets": _whole_words(session)[0]}


def _whole_words(session: AlbertSession) -> list[str]:
    """Three words that are pieces of the vocabulary."""
    tokenizer = session.tokenizer
    pieces = tokenizer.convert_ids_to_tokens(range(tokenizer.vocab_size))
    words = [tokenizer.spelling(piece) for piece in pieces if tokenizer.starts_word(piece)]
    words = [word for word in words if word.isascii() and word.isalpha() and len(word) > 2]
    return words[:: max(len(words) // 3, 1)][:3]


def _wrong_masked(session: AlbertSession) -> Iterator[Call]:
    mask = session.tokenizer.special_tokens.mask
    yield {"text": "There is none."}
    yield {"text": ""}
    yield {"text": f"a {mask}", "top_k": 0}
    yield {"text": f"{_LONG} {mask}"}
    yield {"text": f"a {mask}", "targets": []}


def _ordered(session: AlbertSession) -> Iterator[Call]:
    mask = session.tokenizer.special_tokens.mask
    yield {"first": "Clara went home.", "second": "Then she slept."}
    yield {"first": f"Clara went {mask}.", "second": f"👍🏽 {mask} she slept, 1999,", "top_k": 2}
    if "prediction_logits" not in session.bundle.task.outputs:  # a mask that nothing fills may be cut off
        yield {"first": f"Clara went {mask}.", "second": f"{_LONG} {mask}"}


def _wrong_ordered(session: AlbertSession) -> Iterator[Call]:
    yield {"first": "", "second": "b"}
    yield {"first": "a", "second": " "}
    yield {"first": "a", "second": "b", "top_k": 0}


def _chosen(session: AlbertSession) -> Iterator[Call]:
    yield {"prompt": "He opened the door", "choices": ["and went in.", "and ate it.", "👍🏽 1999,"]}
    yield {"prompt": "Where is Clara?", "choices": ["In Porto.", "In Madrid."], "context": PASSAGE}
    yield {"prompt": "Clara works in _ .", "choices": ["Porto", "São Paulo", "Rome", "Oslo"], "context": PASSAGE}


def _wrong_chosen(session: AlbertSession) -> Iterator[Call]:
    yield {"prompt": "a", "choices": ["one"]}
    yield {"prompt": "a", "choices": []}
    yield {"prompt": " ", "choices": ["one", "two"]}
    yield {"prompt": "a", "choices": ["one", ""]}
    yield {"prompt": "a", "choices": ["one", "two"], "context": ""}
    yield {"prompt": "a", "choices": [str(number) for number in range(30)]}


def _embedded(session: AlbertSession) -> Iterator[Call]:
    yield from ({"text": text} for text in _SAMPLES[:3])
    poolings = ["cls", "mean", "max"] + ["pooler"] * ("pooler_output" in session.bundle.task.outputs)
    yield from ({"text": "A short text.", "pooling": name} for name in poolings)
    yield {"text": "A short text.", "pooling": "mean", "normalize": True}
    if session.manifest.sequence_length is None:
        yield {"text": PASSAGE, "max_length": 16}


def _wrong_embedded(session: AlbertSession) -> Iterator[Call]:
    yield {"text": ""}
    yield {"text": "a", "pooling": "sum"}
    yield {"text": "a", "max_length": 1}
    yield {"text": "a", "max_length": session.max_length + 1}


_RIGHT: dict[str, Callable[[AlbertSession], Iterator[Call]]] = {
    "question-answering": _questions,
    "text-classification": _classified,
    "token-classification": _tagged,
    "fill-mask": _masked,
    "pretraining": _ordered,
    "multiple-choice": _chosen,
    "feature-extraction": _embedded,
}
_WRONG: dict[str, Callable[[AlbertSession], Iterator[Call]]] = {
    "question-answering": _wrong_questions,
    "text-classification": _wrong_classified,
    "token-classification": _wrong_tagged,
    "fill-mask": _wrong_masked,
    "pretraining": _wrong_ordered,
    "multiple-choice": _wrong_chosen,
    "feature-extraction": _wrong_embedded,
}
