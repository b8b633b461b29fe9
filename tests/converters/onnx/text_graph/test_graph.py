"""The first half of a text graph gives the token ids of the runtime's tokenizer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_converters.onnx.text_graph.graph import build_text_graph, check_opset
from albert_converters.onnx.text_graph.session import TextGraphSession
from albert_converters.onnx.text_graph.vocabulary import problems
from albert_runtime import AlbertSession, AlbertTokenizer, load
from albert_runtime.errors import UnsupportedError
from tests.conftest import CheckpointOf
from tests.shared_data import all_texts, shared_data
from tests.tokenizer_kinds import KINDS, write_kind

if importlib.util.find_spec("onnxruntime_extensions") is None:
    pytest.skip("pip install onnxruntime-extensions", allow_module_level=True)

TEXTS = (
    "", " ", "Hello World", "a [MASK] b[SEP]c [CLS]", "[mask]<PAD>", "1,000, 9,, 1,a", "``quoted'' \"so\"",
    "É ḿ ﬁ ½ ｶﾞ 한국 日本語", "İstanbul ΣΑΣ ß ẞ", "  tabs\t and\u3000spaces \u202f ", "👩\u200d👩\u200d👧 family 😀",
    "\ue000 private", "a\r\nb\n\nc", "word " * 200, "\u0301combining alone",
)  # fmt: skip
#: a character that stands for an added token inside the graph, which therefore splits it into other bytes
TAKEN = "\U000f0000"
#: texts in a run where there are tens of thousands
_BATCH = 64


@contextmanager
def ids_of(session: AlbertSession, tokenizer: AlbertTokenizer) -> Iterator[Callable[..., list[list[int]]]]:
    """A function of texts: their ids by the graph, which runs them as one batch."""
    bundle = session.bundle
    graph = build_text_graph(Path(str(bundle.model_file)), bundle.manifest, bundle.config, tokenizer)
    onnx.checker.check_model(graph.tokenizer)
    with TextGraphSession(graph.tokenizer.SerializeToString()) as reader:

        def ids(*texts: str) -> list[list[int]]:
            found, mask = reader.run(["input_ids", "attention_mask"], {"text": np.array(texts, dtype=object)})
            return [row[:length].tolist() for row, length in zip(found, mask.sum(axis=1), strict=True)]

        yield ids


def expected_ids(session: AlbertSession, tokenizer: AlbertTokenizer, text: str) -> list[int]:
    return list(tokenizer(text, truncation=True, max_length=session.max_length)["input_ids"])


@pytest.fixture(scope="module")
def classifier(bundle_of: CheckpointOf) -> AlbertSession:
    return load(bundle_of("text-classification"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_tokenizer(kind: str, classifier: AlbertSession, tmp_path: Path) -> None:
    tokenizer = AlbertTokenizer.from_folder(write_kind(kind, tmp_path))
    if problems(tokenizer):
        with (
            pytest.raises(UnsupportedError, match=r"a graph can't hold this tokenizer:[\s\S]*--with-tokenizer"),
            ids_of(classifier, tokenizer),
        ):
            pass
        return
    with ids_of(classifier, tokenizer) as ids:
        for text in TEXTS if "byte-fallback" in kind else (*TEXTS, f"{TAKEN} private"):
            assert ids(text) == [expected_ids(classifier, tokenizer, text)], text


def test_texts_of_any_characters(classifier: AlbertSession) -> None:
    # ONNX holds no lone surrogates, and its strings end at NUL.
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(characters, max_size=60))
    def same(text: str) -> None:
        assert ids(text) == [expected_ids(classifier, classifier.tokenizer, text)]

    with ids_of(classifier, classifier.tokenizer) as ids:
        same()


def test_several_texts_are_padded(classifier: AlbertSession) -> None:
    bundle = classifier.bundle
    graph = build_text_graph(Path(str(bundle.model_file)), bundle.manifest, bundle.config, classifier.tokenizer)
    texts = ["short", "a longer text than that"]
    inputs = {"text": np.array(texts, dtype=object)}
    pairs = np.array(["and another one", ""], dtype=object)
    with TextGraphSession(graph.tokenizer.SerializeToString()) as reader:
        found = reader.run(["input_ids", "attention_mask", "token_type_ids"], inputs)
        found_of_pairs = reader.run(["input_ids", "token_type_ids"], {**inputs, "text_pair": pairs})
    expected = classifier.tokenizer(texts, padding=True).to_arrays()
    for name, array in zip(("input_ids", "attention_mask", "token_type_ids"), found, strict=True):
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    ids, types = found_of_pairs
    assert ids[0].tolist() == classifier.tokenizer("short", "and another one")["input_ids"]
    assert types[0].tolist() == classifier.tokenizer("short", "and another one")["token_type_ids"]
    assert types[1].sum() == 0


def test_an_old_opset_is_refused() -> None:
    check_opset(18)
    with pytest.raises(UnsupportedError, match=r"needs opset 18 or later, and the graph has opset 17; give --opset 18"):
        check_opset(17)


@pytest.mark.slow
def test_the_share_of_equal_ids_on_all_texts(classifier: AlbertSession) -> None:
    tokenizer = AlbertTokenizer.from_folder(shared_data("tokenizer"))
    # sorted by length, so that a batch holds little padding
    given = {text for found in all_texts().values() for text in found if "\0" not in text}
    texts = sorted(given, key=lambda text: (len(text), text))
    with ids_of(classifier, tokenizer) as ids:
        different = [
            text
            for start in range(0, len(texts), _BATCH)
            for text, found in zip(texts[start : start + _BATCH], ids(*texts[start : start + _BATCH]), strict=True)
            if found != expected_ids(classifier, tokenizer, text)
        ]
    share = 1 - len(different) / len(texts)
    print(f"equal ids on {len(texts) - len(different)} of {len(texts)} texts ({share:.3%}); the rest: {different[:30]}")
    assert share >= 0.999
    # What differs are repetitions of a letter, whose splits have equal scores: the SentencePiece inside
    # onnxruntime-extensions takes another of them.
    for text in different:
        assert any(text[index : index + 3] == 3 * text[index] for index in range(len(text) - 2)), text
